"""One refresh, as a story: ask the source, read its pages, reject what cannot be read, guard, publish.

A refresh is whole or it did not happen. Whatever goes wrong ends it with one reason, kept in the store; the version before
it goes on being served, and the other data sets go on being refreshed.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

from broker.breaker import Circuit
from broker.catalog import Catalog
from broker.errors import BrokerError, LeaseLost, NotFound, StoreError, Suspicious
from broker.guards import believed, doubts
from broker.metrics import REFRESHES
from broker.model import Dataset, Source
from broker.remembered import Resumption
from broker.settings import Settings
from broker.store import Changes, Draft, Held, Lease, RefreshRecord, SqlStore, agreement, hold
from broker.telemetry import Event, log, span
from broker.upstream import Sample, Transport, Upstream

if TYPE_CHECKING:
    from broker.transport import Network

__all__ = ["FAILED", "PUBLISHED", "QUARANTINED", "UNCHANGED", "Progress", "Refresher", "silent", "told"]

PUBLISHED, UNCHANGED, QUARANTINED, FAILED = "published", "unchanged", "quarantined", "failed"
Attempt = tuple[Changes, str, str | None]
"""What a refresh has met, how it ended, and why when that was not well."""
AT_ONCE = 2
P = ParamSpec("P")
T = TypeVar("T")


class Progress(Protocol):
    """Is told how far a refresh has come."""

    def __call__(self, dataset: str, records: int) -> None:
        """So many records of this data set have been read."""
        ...


def silent(dataset: str, records: int) -> None:
    """The progress nobody looks at."""
    del dataset, records


class Refresher:
    """Makes new versions; opened with ``async with``, so that connections to the sources are shared and closed."""

    def __init__(self, catalog: Catalog, store: SqlStore, settings: Settings) -> None:
        self.catalog = catalog
        self.store = store
        self.settings = settings
        self._upstreams: dict[str, Upstream] = {}
        self._network: Network | None = None
        bounds = settings.upstream
        self._resumption = Resumption(bounds.resume_mib << 20, bounds.resume_minutes * 60)
        self._expected: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._network is not None:
            await self._network.aclose()

    async def refresh(self, dataset: Dataset, progress: Progress = silent) -> RefreshRecord:
        """Refresh one data set and keep how it went; a failure is told in the record, not raised."""
        return await self._kept(dataset, self._attempt(dataset, progress))

    async def accept(self, dataset: Dataset) -> RefreshRecord:
        """Publish what of a data set is held in quarantine; that it cannot be is told in the record. Raises `NotFound` when nothing is."""
        held = (await asyncio.to_thread(self.store.held)).get(dataset.id)
        if held is None:
            raise NotFound(f"{dataset.id}: nothing is held in quarantine")
        return await self._kept(dataset, self._accept(dataset, held))

    async def _kept(self, dataset: Dataset, attempt: Coroutine[Any, Any, Attempt]) -> RefreshRecord:
        started = self.store.clock.now()
        changes, outcome, error = Changes(), FAILED, None
        try:
            with span(f"refresh {dataset.id}"):
                changes, outcome, error = await attempt
        except BrokerError as problem:
            error = str(problem)
        except Exception as problem:  # noqa: BLE001 - a connector's own mistake must not end the others' refreshes
            log().exception(Event.REFRESH_FAILED, dataset=dataset.id)
            error = f"the connector failed: {type(problem).__name__}: {problem}"
        finished = self.store.clock.now()
        record = RefreshRecord(dataset.id, started, finished, outcome, error, changes)
        try:
            await asyncio.to_thread(self.store.record, record)
        except StoreError as problem:  # what was published stays published, and what failed has failed
            log().error(Event.REFRESH_FAILED, dataset=dataset.id, reason=f"its end cannot be noted: {problem}")
        self.arrived(dataset.id)
        REFRESHES.labels(dataset.id, outcome).inc()
        log().info(
            Event.REFRESH_FINISHED,
            dataset=dataset.id,
            outcome=outcome,
            error=error,
            records=changes.records,
            rejected=changes.rejected,
            seconds=round((finished - started).total_seconds(), 3),
        )
        return record

    async def refresh_all(
        self, datasets: Iterable[Dataset], progress: Progress = silent, lease: Lease | None = None
    ) -> list[RefreshRecord]:
        """Refresh several, a few at a time; under a lease, none after it is lost.

        The one that divides the city comes first, since the others are placed in it; those that are located by their
        addresses wait for the register of addresses.
        """
        ordered = sorted(datasets, key=lambda one: (not one.partition, one.gazetteer is None, bool(one.geocode)))
        first = [one for one in ordered if one.partition]
        done = [await self.refresh(one, progress) for one in first]
        turn, register = asyncio.Semaphore(AT_ONCE), asyncio.Event()
        if all(one.gazetteer is None for one in ordered):
            register.set()

        async def in_turn(one: Dataset) -> RefreshRecord:
            if one.geocode:
                await register.wait()
            try:
                async with turn:
                    if lease is not None and not await asyncio.to_thread(lease.is_held):
                        raise LeaseLost(f"{lease.name}: another process does this now")
                    return await self.refresh(one, progress)
            finally:
                if one.gazetteer is not None:
                    register.set()

        # Whatever becomes of one, and when all are given up: nobody goes on before each has come to its end.
        others = await asyncio.gather(*(in_turn(one) for one in ordered[len(first) :]), return_exceptions=True)
        for one in others:
            if isinstance(one, BaseException):
                raise one
            done.append(one)
        return done

    def expect(self, ids: Iterable[str]) -> None:
        """Announce that these data sets are about to be refreshed, here or by another process, for the first time."""
        self._expected = {id: asyncio.Event() for id in ids}

    def arrived(self, id: str) -> None:
        """Let those go on who wait for an announced data set, whether it has been filled or not."""
        if (event := self._expected.pop(id, None)) is not None:
            event.set()

    @property
    def expecting(self) -> bool:
        """Whether an announced data set has not arrived yet."""
        return bool(self._expected)

    async def awaited(self, id: str, patience: timedelta) -> bool:
        """Wait for an announced data set, so long at most; False when it was not announced."""
        event = self._expected.get(id)
        if event is None:
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), patience.total_seconds())
        return True

    def circuit(self, source: str) -> Circuit:
        """The state of a source's circuit breaker in this process."""
        return Circuit.CLOSED if self._network is None else self._network.circuit(source)

    async def _attempt(self, dataset: Dataset, progress: Progress) -> Attempt:
        draft = await self._draft(dataset)
        try:
            with self._resumed(dataset) as upstream:
                async for page in dataset.reader.fetch(upstream):
                    await _to_its_end(draft.add, dataset.records(page, draft.fields))  # rows are read there too
                    progress(dataset.id, draft.changes.records)
            held = await _to_its_end(self._doubted, draft)
            if held is not None:
                return draft.changes, QUARANTINED, told(held)
            published = await _to_its_end(draft.publish)
        finally:
            await asyncio.shield(asyncio.to_thread(draft.close))
        new = published.number != draft.base.number
        await self._follow(dataset, new=new)
        return draft.changes, PUBLISHED if new else UNCHANGED, None

    async def _draft(self, dataset: Dataset) -> Draft:
        """Begin a version; when this is given up meanwhile, nobody else would close what the thread gives."""
        made: list[Draft] = []
        try:
            return await _to_its_end(lambda: self._begin(dataset, made))
        except asyncio.CancelledError:
            for draft in made:
                await asyncio.to_thread(draft.close)
            raise

    def _begin(self, dataset: Dataset, made: list[Draft]) -> Draft:
        made.append(self.store.draft(dataset, sample=self._is_sample(dataset)))
        return made[0]

    def _doubted(self, draft: Draft) -> Held | None:
        """What is held instead of being published; None for what nobody doubts, or not any more."""
        bounds = self.settings.refresh
        found = doubts(draft, bounds)
        if not found:
            return None
        agreed = agreement(draft, found)
        return None if believed(draft, agreed, bounds) else hold(draft, found, agreed)

    async def _accept(self, dataset: Dataset, held: Held) -> Attempt:
        await asyncio.to_thread(self.store.accept, dataset)
        await self._follow(dataset, new=True)
        return held.changes, PUBLISHED, None

    async def _follow(self, dataset: Dataset, *, new: bool) -> None:
        """Place again what depends on a data set: districts are looked up in their newest version, addresses in that of their register."""
        every = self.store.catalog.datasets.values()
        chosen = [one for one in every if _depends(one, dataset)] if new else []
        for one in chosen or [dataset]:
            await asyncio.to_thread(self.store.locate_again, one)

    async def place_left(self) -> None:
        """Place again what should have been when the districts changed: the process that was to do it may have ended."""
        for one in await asyncio.to_thread(self.store.misplaced):
            await asyncio.to_thread(self.store.locate_again, one)

    def _is_sample(self, dataset: Dataset) -> bool:
        """What was added by configuration is never a sample: there is none of it."""
        return self.settings.sample and not dataset.generic

    def upstream(self, source: Source, address: str | None = None, *, sample: bool) -> Upstream:
        """The way to a source, or to its sample; ``address`` is where a data set of it is asked that has one of its own."""
        own = self.settings.sources.get(source.id)
        base_url = str(own.base_url) if own and own.base_url else address or source.base_url
        known = f"{source.id} {base_url}"
        if known not in self._upstreams:
            transport = self._transport(source, address, sample=sample)
            self._upstreams[known] = Upstream(base_url, transport, self.settings.upstream.attempts)
        return self._upstreams[known]

    @contextmanager
    def _resumed(self, dataset: Dataset) -> Iterator[Upstream]:
        """The data set's upstream, which goes on from where the refresh before was cut off; what is live is always asked anew."""
        sample = self._is_sample(dataset)
        upstream = self.upstream(dataset.source, dataset.address, sample=sample)
        if dataset.refresh.live or sample:
            yield upstream
            return
        with self._resumption.of(dataset.id, upstream.transport) as transport:
            yield replace(upstream, transport=transport)

    def _transport(self, source: Source, address: str | None, *, sample: bool) -> Transport:
        if not sample:
            return self._opened().transport(source.id, address)
        if source.sample is None:
            raise Suspicious(f"{source.id} has no sample data; set BROKER_SAMPLE=false to ask the real source")
        return Sample(source.sample)

    def _opened(self) -> "Network":
        """The network, opened when a source is first asked: importing what it needs takes a tenth of a start, and many processes never ask."""
        from broker.transport import Network  # noqa: PLC0415

        if self._network is None:
            self._network = Network(self.settings.upstream)
        return self._network


async def _to_its_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work in a thread; when this is given up, wait for it all the same: a thread cannot be stopped, and what follows must not run beside it."""
    doing = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.gather(doing, return_exceptions=True)
        raise


def _depends(one: Dataset, other: Dataset) -> bool:
    """Whether the places of a data set are found by another one."""
    return (one.located and other.partition and not one.partition) or bool(one.geocode and other.gazetteer)


def told(held: Held) -> str:
    """Why a version is held, and what can be done, in one line."""
    reasons = "; ".join(one.reason for one in held.doubts)
    return f"held in quarantine: {reasons}. If that is true: broker accept {held.dataset}"
