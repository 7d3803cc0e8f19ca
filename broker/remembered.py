"""Answers of sources that are kept, compressed and within bounds, so as not to be fetched again.

`Validated` keeps those that have a validator, for conditional requests. `Resumption` keeps those of a refresh that a source
cut off, so that the next one asks only for the rest.
"""

import asyncio
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

from broker.errors import Unavailable
from broker.upstream import Received, Request, Transport

__all__ = ["Packed", "Resumed", "Resumption", "Validated"]

LEVEL = 1  # of zlib: the fastest; the text of city systems shrinks to a fifth by it
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Packed:
    """A received body, compressed; ``since`` is when it came, in seconds of the clock of whoever keeps it."""

    body: bytes
    charset: str
    since: float = 0.0
    validators: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    async def of(cls, received: Received, since: float = 0.0, validators: Mapping[str, str] | None = None) -> "Packed":
        """Compress."""
        body = await asyncio.to_thread(zlib.compress, received.body, LEVEL)
        return cls(body, received.charset, since, validators or {})

    async def received(self) -> Received:
        """What was compressed."""
        return Received(await asyncio.to_thread(zlib.decompress, self.body), self.charset)


class Validated:
    """Answers to GET that their sender gave a validator, the ones used last within ``room`` bytes."""

    def __init__(self, room: int) -> None:
        self._kept: LRUCache[Key, Packed] = LRUCache(room, lambda one: len(one.body))

    def get(self, request: Request) -> Packed | None:
        """The answer that is kept for a request; its validators go into the request's headers."""
        return self._kept.get(request.key) if request.method == "GET" else None

    async def keep(self, request: Request, received: Received, headers: Mapping[str, str]) -> None:
        """Keep an answer if it has a validator, may be kept (RFC 9111), and fits; what was kept before it goes."""
        self._kept.pop(request.key, None)
        pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
        validators = {condition: headers[name] for condition, name in pairs if name in headers}
        if request.method != "GET" or not validators or "no-store" in headers.get("Cache-Control", ""):
            return
        packed = await Packed.of(received, validators=validators)
        if len(packed.body) <= self._kept.maxsize:
            self._kept[request.key] = packed


class Resumption:
    """Pages of refreshes that ended as `Unavailable`, by data set: the next refresh of it takes them from here.

    Pages are kept within ``room`` bytes, all data sets together; beyond it later pages are fetched again. They are used for
    ``seconds`` after they came, since a source changes meanwhile: pages of two moments may miss a record that moved from one to
    another between them, or have it twice, just as the pages of one long refresh may. So the bound is little more than a refresh
    takes and the schedule waits after a failure, and what is older is asked for again.
    """

    def __init__(self, room: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.room = room
        self.clock = clock
        self._seconds = seconds
        self._left: dict[str, dict[Key, Packed]] = {}

    @contextmanager
    def of(self, dataset: str, transport: Transport) -> Iterator["Resumed"]:
        """The transport of one refresh; its pages are kept if it ends as `Unavailable`, and dropped if it ends otherwise."""
        for left in self._left.values():
            self.drop(left, [key for key, one in left.items() if not self.is_young(one)])
        resumed = Resumed(self, transport, self._left.pop(dataset, {}))
        kept: dict[Key, Packed] = {}
        try:
            yield resumed
        except Unavailable:
            self.drop(other := self._left.get(dataset, {}), list(other))  # of another refresh of it at the same time
            kept = self._left[dataset] = {**resumed.before, **resumed.now}
            raise
        finally:
            resumed.ended = True
            for pages in (resumed.before, resumed.now):
                self.drop(pages, [key for key in pages if key not in kept])

    def is_young(self, page: Packed) -> bool:
        """Whether a page may still be used."""
        return self.clock() - page.since < self._seconds

    def drop(self, pages: dict[Key, Packed], keys: Iterable[Key]) -> None:
        """Drop some of the pages, and give their room back."""
        for key in keys:
            self.room += len(pages.pop(key).body)


class Resumed:
    """A transport that gives each page of the refresh before once, in place of asking for it, and notes what comes.

    Once, because a reader that asks for the same page again within one refresh wants another answer.
    """

    def __init__(self, kept: Resumption, transport: Transport, before: dict[Key, Packed]) -> None:
        self.before = before
        self.now: dict[Key, Packed] = {}
        self.ended = False
        self._kept = kept
        self._transport = transport

    async def send(self, request: Request) -> Received:
        """Give the page that was kept, or ask for it. Raises what the transport raises."""
        page = self.before.get(request.key)
        if page is not None and self._kept.is_young(page):
            self.now[request.key] = self.before.pop(request.key)
            return await page.received()
        received = await self._transport.send(request)
        packed = await Packed.of(received, self._kept.clock())
        if self.ended:  # asked for ahead, and nobody waits for it any more
            return received
        for pages in (self.before, self.now):
            self._kept.drop(pages, [request.key] if request.key in pages else [])
        if len(packed.body) <= self._kept.room:
            self._kept.room -= len(packed.body)
            self.now[request.key] = packed
        return received
