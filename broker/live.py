"""Live data sets: fetched when asked, shared by all who ask at once, served from before when the source fails.

They go the same way as the others, through a refresh into the store; only the moment is another one: a query's.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from broker.breaker import Circuit
from broker.errors import Unavailable
from broker.model import Dataset
from broker.refresh import FAILED, Refresher
from broker.store import Published, SqlStore

__all__ = ["Live"]

PATIENCE = timedelta(seconds=5)
FIRST = timedelta(seconds=15)
"""How long a query waits for the very first version of a data set, while the broker is being filled."""


class Live:
    """Keeps live data sets as young as they are declared to be, whenever a query needs them."""

    def __init__(self, refresher: Refresher, store: SqlStore) -> None:
        self._refresher = refresher
        self._store = store
        self._flights: dict[str, asyncio.Task[None]] = {}
        self._tried: dict[str, datetime] = {}

    async def fresh(self, dataset: Dataset, published: Published) -> Published:
        """The version to answer from: a new one when this one is too old, this one when the source fails.

        Waits a few seconds at most. Raises `Unavailable` when there has never been a version.
        """
        if published.number == 0:
            await self._refresher.awaited(dataset.id, FIRST)
            published = await asyncio.to_thread(self._store.version, dataset)
        if not dataset.refresh.live or not self._due(dataset, published):
            return published
        flight = self._flights.get(dataset.id)
        if flight is None:
            self._tried[dataset.id] = datetime.now(UTC)
            flight = self._flights[dataset.id] = asyncio.create_task(self._fetch(dataset))
        await asyncio.wait([flight], timeout=PATIENCE.total_seconds())
        newest = await asyncio.to_thread(self._store.version, dataset)
        if newest.number == 0:
            raise Unavailable(f"{dataset.id}: its source does not answer, and there is no earlier answer to show")
        return newest

    def circuit(self, source: str) -> Circuit:
        """The state of a source's circuit breaker in this process, which another one may see differently."""
        return self._refresher.circuit(source)

    def _due(self, dataset: Dataset, published: Published) -> bool:
        now = datetime.now(UTC)
        checked = published.checked_at
        young = checked is not None and now - checked < dataset.refresh.interval
        tried = self._tried.get(dataset.id)
        resting = tried is not None and now - tried < dataset.refresh.interval and dataset.id not in self._flights
        return not young and not (resting and published.number)

    async def _fetch(self, dataset: Dataset) -> None:
        try:
            record = await self._refresher.refresh(dataset)
            if record.outcome != FAILED:
                self._tried.pop(dataset.id, None)
        finally:
            del self._flights[dataset.id]
