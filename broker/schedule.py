"""When what is refreshed: every data set at its own interval, by one process of several, soon again after a failure."""

import asyncio
import random
from datetime import datetime, timedelta

from broker.catalog import Catalog
from broker.errors import LeaseLost, StoreError
from broker.model import Dataset
from broker.refresh import FAILED, QUARANTINED, Refresher
from broker.store import Lease, Published, RefreshRecord, SqlStore
from broker.store.clock import MOST_OFF
from broker.telemetry import Event, log

__all__ = ["Schedule", "due_at", "is_ahead"]

LOOK = timedelta(seconds=15)
"""Between two looks at what is due."""
TRY = timedelta(seconds=5)
"""Between two tries to lead: a leader that ended is followed within this and the term of its lease."""
AFTER_FAILURE = timedelta(minutes=5)
AFTER_DOUBT = timedelta(hours=1)
"""Soon enough to hear the same again, late enough that a source in trouble has recovered."""
JITTER = 0.1


def due_at(
    dataset: Dataset, published: Published, last: RefreshRecord | None, changed: datetime | None = None
) -> datetime | None:
    """When a data set is to be refreshed next, in UTC; None for at once.

    ``changed`` is when its table last followed its declaration: what was read before may lack what is declared now.
    """
    if last is not None and last.outcome == FAILED:
        return _scattered(dataset, last.finished_at, min(AFTER_FAILURE, dataset.refresh.interval))
    if last is not None and last.outcome == QUARANTINED:
        return _scattered(dataset, last.finished_at, min(AFTER_DOUBT, dataset.refresh.interval))
    checked = published.checked_at
    if checked is None or (changed is not None and checked < changed):
        return None
    return _scattered(dataset, checked, dataset.refresh.interval)


def is_ahead(moment: datetime | None, now: datetime) -> bool:
    """Whether a moment is one that a wrong clock gave: nothing can have been checked later than now."""
    return moment is not None and moment - now > MOST_OFF


def _scattered(dataset: Dataset, since: datetime, interval: timedelta) -> datetime:
    """An interval later or up to a tenth earlier, so that what came or failed together does not come again together.

    By chance each time, but the same whoever looks, however often: a leader that takes over agrees with the one before.
    """
    early = random.Random(f"{dataset.id} {since.isoformat()}").random() * JITTER  # noqa: S311 - nothing secret hangs on it
    return since + interval * (1 - early)


class Schedule:
    """Refreshes what is due, as long as it runs."""

    def __init__(self, refresher: Refresher, store: SqlStore, catalog: Catalog) -> None:
        self._refresher = refresher
        self._store = store
        self._catalog = catalog
        self._off = False

    def due(self, now: datetime) -> list[Dataset]:
        """The data sets that are due; live ones are not scheduled, since queries ask for them."""
        published, last = self._store.versions(), self._store.last_refreshes()
        planned = [one for one in self._catalog.datasets.values() if not one.refresh.live]
        changed = self._store.changed
        return [
            one
            for one in planned
            if (due_at(one, published[one.id], last.get(one.id), changed.get(one.id)) or now) <= now
            or is_ahead(published[one.id].checked_at, now)
        ]

    async def run(self) -> None:
        """Look every few seconds, until cancelled; of several processes on one store, one does it."""
        while True:
            lease = await self._may_lead()
            if lease is not None:
                try:
                    await self._lead(lease)
                finally:
                    await asyncio.to_thread(lease.release)
            await asyncio.sleep(TRY.total_seconds())

    async def _may_lead(self) -> Lease | None:
        """The lease to lead by; None while another process has it, the store is away, or this host's clock is off."""
        try:
            await asyncio.to_thread(self._store.versions)
            was_off, self._off = self._off, self._store.clock.is_off
            if self._off:
                if not was_off:
                    log().warning(Event.CLOCK_OFF, reason=f"{self._store.clock.difference}: it does not lead")
                return None
            return await asyncio.to_thread(self._store.lease, "schedule")
        except StoreError as error:
            log().warning(Event.SCHEDULE_FAILED, reason=str(error))
            return None

    async def _lead(self, lease: Lease) -> None:
        while True:
            try:
                if self._store.clock.is_off or not await asyncio.to_thread(lease.is_held):
                    return
                due = await asyncio.to_thread(self.due, self._store.clock.now())
                await self._refresher.refresh_all(due, lease=lease)
                await self._refresher.place_left()
            except LeaseLost:
                return
            except Exception:  # noqa: BLE001 - the store may be away for a while; the next look tries again
                log().exception(Event.SCHEDULE_FAILED)
            await asyncio.sleep(LOOK.total_seconds())
