"""Work that is under way once for all who want what comes of it: who comes later joins, and nobody waits longer than he says."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, NamedTuple

from broker.deadline import shared

__all__ = ["LONGEST_WAIT", "PATIENCE", "Flight", "Flights"]

PATIENCE = 5.0
"""Seconds that a source has to answer before what was there is served, when the query does not say."""
LONGEST_WAIT = 15.0
"""Seconds that a query may wait at most."""


class Flight(NamedTuple):
    """Work under way, and when it began by the event loop's clock."""

    task: asyncio.Task[None]
    begun: float


class Flights:
    """What is under way now, by what it is for."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._flights

    def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> Flight:
        """The work for this, begun now unless it is under way; the deadline of whoever begins it is not its own."""
        if key not in self._flights:
            task = asyncio.create_task(self._flown(key, work), context=shared())
            self._flights[key] = Flight(task, asyncio.get_running_loop().time())
        return self._flights[key]

    async def landed(self, flight: Flight, came: float, wait: float | None) -> None:
        """Wait for the end of it: so many seconds since ``came``, or as long as a source has to answer, counted from when it began."""
        until = flight.begun + PATIENCE if wait is None else came + wait
        await asyncio.wait([flight.task], timeout=max(0.0, until - asyncio.get_running_loop().time()))

    async def aclose(self) -> None:
        """End what is under way, before the connections to the sources are closed."""
        tasks = [one.task for one in self._flights.values()]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _flown(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        finally:
            del self._flights[key]
