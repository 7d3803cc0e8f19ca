"""Live data sets: fetched when asked, shared by all who ask at once, served from before for a while when the source fails.

They go the same way as the others, through a refresh into the store; only the moment is another one: a query's. A source
that hangs costs one query its patience, not each: who comes later shares what is left of it, unless he says how long he waits.
"""

import asyncio
from datetime import datetime, timedelta

from broker.breaker import Circuit
from broker.errors import Unavailable
from broker.flights import Flights
from broker.model import Dataset
from broker.refresh import FAILED, QUARANTINED, Refresher
from broker.store import Published, SqlStore
from broker.store.clock import MOST_OFF

__all__ = ["Live"]

FIRST = timedelta(seconds=15)
"""How long a query waits for the very first version of a data set, while the broker is being filled."""


class Live:
    """Keeps live data sets as young as they are declared to be, whenever a query needs them."""

    def __init__(self, refresher: Refresher, store: SqlStore) -> None:
        self._refresher = refresher
        self._store = store
        self._stale = timedelta(minutes=refresher.settings.live.stale_minutes)
        self._flights = Flights()
        self._tried: dict[str, datetime] = {}

    async def fresh(self, dataset: Dataset, published: Published, wait: float | None = None) -> Published:
        """The version to answer from: a new one when this one is too old, this one when the source fails.

        Waits so many seconds at most; when left out, as long as a source has to answer, counted from when it was asked.
        Raises `Unavailable` when there has never been a version, or none for longer than ``live.stale_minutes``.
        """
        came = asyncio.get_running_loop().time()
        if published.number == 0:
            await self._refresher.awaited(dataset.id, FIRST if wait is None else timedelta(seconds=wait))
            published = await self._newest(dataset)
        if not dataset.refresh.live:
            return published
        if self._due(dataset, published):
            published = await self._newest(dataset)  # what the query knows may have been overtaken meanwhile
        if self._due(dataset, published) and not self._store.clock.is_off:
            flight = self._flights.join(dataset.id, lambda: self._fetch(dataset))
            await self._flights.landed(flight, came, wait)
            published = await self._newest(dataset)
        self._check(dataset, published)
        return published

    async def aclose(self) -> None:
        """End what is under way, before the connections to the sources are closed."""
        await self._flights.aclose()

    async def _newest(self, dataset: Dataset) -> Published:
        return await asyncio.to_thread(self._store.version, dataset)

    def circuit(self, source: str) -> Circuit:
        """The state of a source's circuit breaker in this process, which another one may see differently."""
        return self._refresher.circuit(source)

    def _due(self, dataset: Dataset, published: Published) -> bool:
        """Whether a new version is wanted; a source that failed is left alone for as long as an answer of it would be young."""
        now = self._store.clock.now()
        checked, tried = published.checked_at, self._tried.get(dataset.id)
        young = checked is not None and -MOST_OFF <= now - checked < dataset.refresh.interval
        resting = tried is not None and now - tried < dataset.refresh.interval and dataset.id not in self._flights
        return not young and not resting

    async def _fetch(self, dataset: Dataset) -> None:
        self._tried[dataset.id] = self._store.clock.now()
        record = await self._refresher.refresh(dataset)
        if record.outcome not in (FAILED, QUARANTINED):
            self._tried.pop(dataset.id, None)

    def _check(self, dataset: Dataset, published: Published) -> None:
        """Raises `Unavailable` for what is too old to be shown as live."""
        clock = self._store.clock
        why = f"{clock.difference}, so it asks nobody" if clock.is_off else "its source has not answered in time"
        if published.checked_at is None:
            raise Unavailable(f"{dataset.id}: {why}, and there is no earlier answer to show")
        age = clock.now() - published.checked_at
        if age > max(self._stale, dataset.refresh.interval):
            raise Unavailable(
                f"{dataset.id}: {why}; the last answer is {_minutes(age)} old, and none "
                f"older than {_minutes(self._stale)} is shown (live.stale_minutes)"
            )


def _minutes(age: timedelta) -> str:
    return f"{age / timedelta(minutes=1):.0f} minutes"
