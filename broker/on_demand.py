"""Lookups at work: a source is asked about a record when a query asks, once for all who ask, and not again for some seconds.

What it answers is kept in memory only, by each process its own, and is given again for a while when the source fails.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from cachetools import LRUCache

from broker.errors import SourceError, Unavailable, Unreadable
from broker.flights import Flights
from broker.lookup import Lookup
from broker.metrics import LOOKUPS
from broker.model import Rejected
from broker.refresh import Refresher
from broker.telemetry import Event, log

__all__ = ["Asked", "Found", "OnDemand"]

MOST_KEPT = 500
"""Answers that are kept at a time; of a stop's departures one takes some 20 KiB."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a source said about one record, when (UTC), and which of its rows could not be read."""

    lookup: Lookup
    items: Sequence[Mapping[str, Any]]
    rejected: Sequence[Rejected]
    fetched_at: datetime
    sample: bool

    @property
    def stale(self) -> bool:
        """Whether it is older than it should be, since the source failed."""
        return datetime.now(UTC) - self.fetched_at > self.lookup.refresh.interval


class Asked(NamedTuple):
    """How a lookup went last: when it ended (UTC), and why it failed if it did."""

    at: datetime
    error: str | None


@dataclass(slots=True)
class _Known:
    """What is known of one record: the last good answer, and when and why a later attempt failed."""

    found: Found | None = None
    failed_at: datetime | None = None
    reason: str = ""


class OnDemand:
    """Asks the sources of lookups."""

    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher
        self._stale = timedelta(minutes=refresher.settings.live.stale_minutes)
        self._known: LRUCache[tuple[str, str], _Known] = LRUCache(MOST_KEPT)
        self._flights = Flights()
        self.last: dict[str, Asked] = {}
        """How each lookup went last in this process, by its id; absent before the first time."""

    async def find(self, lookup: Lookup, key: str, wait: float | None = None) -> Found:
        """What the source says about a record: now, or some seconds ago, or for a while what it said before it failed.

        Waits so many seconds at most; when left out, as long as a source has to answer, counted from when it was asked.
        Raises `Unavailable` when there is no answer, or none young enough.
        """
        came = asyncio.get_running_loop().time()
        asked = lookup.id, key
        if self._due(lookup, asked):
            flight = self._flights.join(asked, lambda: self._ask(lookup, key))
            await self._flights.landed(flight, came, wait)
        known = self._known.get(asked, _Known())
        found = known.found
        if found is not None and datetime.now(UTC) - found.fetched_at <= max(self._stale, lookup.refresh.interval):
            return found
        why = known.reason or "its source has not answered in time"
        raise Unavailable(f"{lookup.id} of {key!r}: {why}, and there is no earlier answer young enough to show")

    async def aclose(self) -> None:
        """End what is under way, before the connections to the sources are closed."""
        await self._flights.aclose()

    def _due(self, lookup: Lookup, asked: tuple[str, str]) -> bool:
        """Whether the source is to be asked; one that failed is left alone for as long as an answer of it would be young."""
        known = self._known.get(asked)
        if known is None or asked in self._flights:
            return True
        fetched_at = None if known.found is None else known.found.fetched_at
        last = max(one for one in (fetched_at, known.failed_at) if one is not None)
        return datetime.now(UTC) - last >= lookup.refresh.interval

    async def _ask(self, lookup: Lookup, key: str) -> None:
        known = self._known.get((lookup.id, key), _Known())
        error: str | None = None
        try:
            known.found = await self._answer(lookup, key)
            known.failed_at, known.reason = None, ""
        except SourceError as problem:
            error = str(problem)
        except Exception as problem:  # noqa: BLE001 - a connector's own mistake costs its own field only
            log().exception(Event.LOOKUP_FAILED, lookup=lookup.id)
            error = f"the connector failed: {type(problem).__name__}: {problem}"
        if error is not None:
            log().warning(Event.LOOKUP_FAILED, lookup=lookup.id, reason=error)
            known.failed_at, known.reason = datetime.now(UTC), error
        self._known[lookup.id, key] = known
        self.last[lookup.id] = Asked(datetime.now(UTC), error)
        LOOKUPS.labels(lookup.id, "failed" if error else "answered").inc()

    async def _answer(self, lookup: Lookup, key: str) -> Found:
        sample = self._refresher.settings.sample
        page = await lookup.reader.fetch(self._refresher.upstream(lookup.source, sample=sample), key)
        read = await asyncio.to_thread(lambda: list(lookup.items(page)))
        items = sorted((one for one in read if not isinstance(one, Rejected)), key=itemgetter(lookup.ordered_by))
        rejected = [one for one in read if isinstance(one, Rejected)]
        if rejected and not items:
            raise Unreadable(f"none of {len(rejected)} rows could be read, the first since {rejected[0].reason}")
        return Found(lookup, items, rejected, datetime.now(UTC), sample)
