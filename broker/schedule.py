"""When what is refreshed: every data set at its own interval, by one process of several, soon again after a failure."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from broker.catalog import Catalog
from broker.model import Dataset
from broker.refresh import FAILED, QUARANTINED, Refresher
from broker.store import Published, RefreshRecord, SqlStore
from broker.telemetry import Event, log

__all__ = ["Schedule", "due_at"]

LOOK = timedelta(seconds=15)
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
    if published.checked_at is None or (changed is not None and published.checked_at < changed):
        return None
    return _scattered(dataset, published.checked_at, dataset.refresh.interval)


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

    def due(self, now: datetime) -> list[Dataset]:
        """The data sets that are due; live ones are not scheduled, since queries ask for them."""
        published, last = self._store.versions(), self._store.last_refreshes()
        planned = [one for one in self._catalog.datasets.values() if not one.refresh.live]
        changed = self._store.changed
        return [
            one
            for one in planned
            if (due_at(one, published[one.id], last.get(one.id), changed.get(one.id)) or now) <= now
        ]

    async def run(self) -> None:
        """Look every few seconds, until cancelled; of several processes on one store, one does it."""
        while True:
            claim = await asyncio.to_thread(self._store.claim, "schedule")
            if claim is not None:
                try:
                    await self._lead()
                finally:
                    claim.release()
            await asyncio.sleep(LOOK.total_seconds())

    async def _lead(self) -> None:
        while True:
            try:
                due = await asyncio.to_thread(self.due, datetime.now(UTC))
                await self._refresher.refresh_all(due)
            except Exception:  # noqa: BLE001 - the store may be away for a while; the next look tries again
                log().exception(Event.SCHEDULE_FAILED)
            await asyncio.sleep(LOOK.total_seconds())
