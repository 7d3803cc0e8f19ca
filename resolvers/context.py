"""What one request knows: the versions it reads, from begin to end the same ones, and what it has to say about its sources."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from broker.catalog import Catalog
from broker.errors import BadArgument, NotInVersion, Unavailable
from broker.execution.responses import Lasting, Life
from broker.limits import Budget
from broker.live import Live
from broker.lookup import Lookup
from broker.model import CITY_TIME, Dataset
from broker.on_demand import OnDemand
from broker.query import AREA, DISTRICT, GEOCODING, LENGTH, LOCATION, MENDED, Query, Row, Window
from broker.search import Search
from broker.settings import Settings
from broker.store import Published, SqlStore

__all__ = ["Beside", "Context", "Info", "RecordValue", "every_column", "stale"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Beside:
    """How a related record lies to its parent: metres apart, square metres shared, and the parent's own area."""

    distance: float | None
    shared: float | None
    area: float | None


@dataclass(frozen=True, slots=True)
class RecordValue:
    """A record on its way through the graph: its data set, the version it was read at, its columns."""

    dataset: Dataset
    published: Published
    row: Row
    beside: Beside | None = None

    @property
    def key(self) -> Any:  # noqa: ANN401 - a text or a number
        """The record's key in its data set."""
        return self.row[self.dataset.key]

    def value(self, name: str) -> Any:  # noqa: ANN401 - a value of any kind
        """A declared field. Raises `NotInVersion` when every record has it now, but not this one, of an earlier version."""
        found = self.row[name]
        if found is None and not self.dataset.field(name).optional:
            raise NotInVersion(
                f"{name}: version {self.published.number} of {self.dataset.id} was read before every record had this field; "
                "ask without it, at a later moment, or again after the next refresh"
            )
        return found


def stale(dataset: Dataset, published: Published, now: datetime) -> bool:
    """Whether a version has not been confirmed for longer than its refresh allows, or there is none."""
    return dataset.refresh.stale(published.checked_at, now)


def every_column(dataset: Dataset) -> frozenset[str]:
    """All that can be asked of a record, for records that are loaded one by one."""
    place = (AREA, LENGTH, LOCATION, DISTRICT, MENDED) if dataset.located else ()
    found = (GEOCODING,) if dataset.geocode else ()
    return frozenset((*(one.name for one in dataset.fields), *place, *found))


@dataclass(eq=False)
class Context:
    """One request; made anew for each, and never shared."""

    catalog: Catalog
    store: SqlStore
    live: Live
    on_demand: OnDemand
    search: Search
    settings: Settings
    extensions: dict[str, Any] = field(default_factory=dict)
    shaping: bool = False

    def __post_init__(self) -> None:
        self.budget = Budget(self.settings.limits.answer_mib << 20)
        self._versions: Mapping[str, Published] | None = None
        self._looking: asyncio.Task[Mapping[str, Published]] | None = None
        self.reads: dict[str, Published] = {}
        self._glanced: set[str] = set()
        self.volatile = False
        self.looked_up = 0
        self._fresh: dict[str, asyncio.Task[Published]] = {}
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}
        self._districts: asyncio.Task[Mapping[Any, str]] | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work of the store in a thread."""
        return await asyncio.to_thread(partial(work, *args, **kwargs))

    async def snapshot(self) -> Mapping[str, Published]:
        """The newest version of every data set, looked up once a request."""
        if self._versions is None and self._looking is None:
            self._versions = self.store.known_versions()
            if self._versions is None:
                self._looking = asyncio.create_task(self.run(self.store.versions))
        if (
            self._versions is None and self._looking is not None
        ):  # nothing newer that came meanwhile: one look a request
            self._versions = await self._looking
        assert self._versions is not None  # noqa: S101 - as above
        return self._versions

    async def published(self, dataset: Dataset, wait: float | None = None) -> Published:
        """The version to read a data set at, one for the whole request: the first that needs it says how long it waits, in seconds.

        Raises `Unavailable` when it has never been read, or is live and too old.
        """
        found = None if dataset.id in self._glanced else self.reads.get(dataset.id)
        if found is None:
            there = (await self.snapshot())[dataset.id]
            if there.number and not dataset.refresh.live:  # as nearly always: nothing to wait for
                found = self._told(dataset, there)
            else:
                if dataset.id not in self._fresh:
                    self._fresh[dataset.id] = asyncio.create_task(self._look(dataset, there, wait))
                found = await self._fresh[dataset.id]
            self.reads[dataset.id] = found
            self._glanced.discard(dataset.id)
        return found

    async def published_at(self, dataset: Dataset, moment: datetime) -> Published:
        """The version that stood at a moment. Raises `BadArgument` before history begins."""
        self.volatile = True  # its answer hangs on no newest version, by which kept answers are judged
        found = await self.run(self.store.standing, dataset, moment)
        if found is None:
            begins = await self.run(self.store.begins, dataset)
            since = f"begins at {begins.astimezone(CITY_TIME).isoformat(timespec='seconds')}" if begins else "is empty"
            raise BadArgument(f"{moment.isoformat()}: the history of {dataset.id} {since}; give a later moment")
        return found

    def glance(self, dataset: Dataset, published: Published) -> None:
        """Note that a version was read as it is, however old: what is live is not fetched for this."""
        if dataset.id not in self.reads:
            self.reads[dataset.id] = published
            self._glanced.add(dataset.id)

    def life(self, *, shows_check: bool) -> Life | None:
        """What was read, and how long an answer made of it stays exact: until something live is due, or something grows stale."""
        if self.volatile or self.extensions:
            return None
        lasting: dict[str, Lasting] = {}
        for id, published in self.reads.items():
            refresh = self.catalog.datasets[id].refresh
            if refresh.live and id in self._glanced:  # what was there counts, however old it was
                continue
            if published.checked_at is None:
                return None
            interval = refresh.interval.total_seconds()
            lasting[id] = Lasting(interval if refresh.live else 2 * interval, interval)
        return Life(dict(self.reads), lasting, shows_check, self.store.clock.offset.total_seconds())

    @property
    def now(self) -> datetime:
        """The moment by the store's clock, which the versions' moments are of."""
        return self.store.clock.now()

    async def _look(self, dataset: Dataset, there: Published, wait: float | None) -> Published:
        try:
            published = await self.live.fresh(dataset, there, wait)
        except Unavailable:
            self.tell(dataset, "missing", there.checked_at)
            raise
        if published.number == 0:
            self.tell(dataset, "missing", None)
            raise Unavailable(f"{dataset.id} has not been read from its source yet; `sources` tells why")
        return self._told(dataset, published)

    def _told(self, dataset: Dataset, published: Published) -> Published:
        if stale(dataset, published, self.now):
            self.tell(dataset, "stale", published.checked_at)
        return published

    def tell(self, dataset: Dataset | Lookup, status: str, checked_at: datetime | None) -> None:
        """Tell in the answer that a source was stale or missing; each data set once."""
        age = None if checked_at is None else int((self.now - checked_at).total_seconds())
        told = {"source": dataset.source.id, "dataset": dataset.id, "status": status, "ageSeconds": age}
        sources = self.extensions.setdefault("sources", [])
        if all(one["dataset"] != dataset.id for one in sources):
            sources.append(told)

    def loading(self, same: Hashable, load: Callable[[list[Any]], Awaitable[Sequence[Any]]]) -> DataLoader[Any, Any]:
        """Loads what is asked for at one time under the same name in one go."""
        if same not in self._loaders:
            self._loaders[same] = DataLoader(load)
        return self._loaders[same]

    def loader(self, dataset: Dataset) -> DataLoader[Any, Any]:
        """Loads records of a data set by key, all that a request needs at one time in one statement."""
        return self.loading(dataset.id, partial(self._load, dataset))

    async def records(self, wanted: Sequence[tuple[Dataset, Any]]) -> list[Any]:
        """Records by data set and key, None where there is none; where a source failed, its error, which nulls that place only."""
        loading = [self.loader(dataset).load(key) for dataset, key in wanted]
        return await asyncio.gather(*loading, return_exceptions=True)

    async def _load(self, dataset: Dataset, keys: list[Any]) -> list[RecordValue | None]:
        published = await self.published(dataset)
        columns = every_column(dataset)
        rows = await self.run(self.store.by_key, dataset, published.version, keys, columns)
        return [RecordValue(dataset, published, rows[key]) if key in rows else None for key in keys]

    async def districts(self) -> Mapping[Any, str]:
        """The districts' names by their keys."""
        if self._districts is None:
            self._districts = asyncio.create_task(self._name_districts())
        return await self._districts

    async def _name_districts(self) -> Mapping[Any, str]:
        dataset = self.catalog.partition
        if dataset is None:
            return {}
        published = await self.published(dataset)
        title = next((one.name for one in dataset.fields if one.search == "title"), dataset.key)
        query = Query(dataset, published.version, frozenset({title}), Window(10_000))
        found = await self.run(self.store.select, query)
        return {row[dataset.key]: str(row[title]) for row in found.rows}


Info = strawberry.Info[Context, None]
"""What strawberry hands to a resolver, with our context in it."""
