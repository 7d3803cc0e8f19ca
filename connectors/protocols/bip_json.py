"""The JSON mirror of a Public Information Bulletin: its envelope, and paging to the true end.

A page is ``{"bip.poznan.pl": {"data": [{"<section>": {"items": [{"<entry>": {…} or [{…}, …]}], "total_size": "100"}}]}}``.
The entry is an object when there is one and a list when there are several; a section with nothing in it has
``"items": [""]``. The size it names is not the size it has, and a page in the middle may be short or empty, so the end is
where two pages in a row bring nothing new.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from broker.errors import Refused, Suspicious, Unreadable
from broker.model import Row
from broker.upstream import Page, Upstream

__all__ = ["Pages", "entries"]

BARREN_PAGES_AT_THE_END = 2
NOTHING: Mapping[str, str] = {}


def entries(page: Page, section: str, entry: str) -> Iterator[dict[str, Any]]:
    """The entries of one page, in order. Raises `Unreadable` that names the part of the envelope that is not there."""
    for part in _sections(page, section):
        for item in _listed(part.get("items"), page, "items"):
            if entry not in item:
                raise _unlike(page, f"an item of {section!r} has no {entry!r}, only {_keys(item)}")
            yield from _listed(item[entry], page, entry)


def _sections(page: Page, section: str) -> Iterator[dict[str, Any]]:
    envelope = page.json
    host = next(iter(envelope.values()), None) if isinstance(envelope, dict) and len(envelope) == 1 else None
    if not isinstance(host, dict) or "data" not in host:
        raise _unlike(page, "it is JSON, but not an object with one host and its 'data'")
    found = False
    for part in _listed(host["data"], page, "data"):
        if isinstance(one := part.get(section), dict):
            found = True
            yield one
    if not found:
        raise _unlike(page, f"no section {section!r} in 'data'")


def _listed(value: Any, page: Page, name: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - as the JSON has it
    """The objects under a name that holds one, several, or (as an empty text) none."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one
        elif one not in ("", None):
            raise _unlike(page, f"{name!r} holds {type(one).__name__} where objects should be")


def _unlike(page: Page, what: str) -> Unreadable:
    return Unreadable(f"{page.url or 'the answer'}: not a page of the bulletin: {what}")


def _keys(item: Mapping[str, Any]) -> str:
    return ", ".join(repr(one) for one in list(item)[:5]) or "nothing"


@dataclass(frozen=True)
class Pages:
    """Reader of one section of the bulletin.

    Args:
        path: the section's path under the API; ``{page}`` stands for the page's number where pages are in the path (the
            first page has none), and a name of ``each`` for its value.
        section: the name of the section in the envelope.
        entry: the name of an entry.
        method: how it is asked.
        form: what is sent along; as the query of a GET, as the form of a POST.
        counter: the field of ``form`` that carries the page's number; neither it nor ``{page}`` means one page only.
        first: the number of the first page.
        each: one name and its values: the section is asked once a value, which every row then carries under the name.
        ahead: pages asked for before the one in hand is read, at most; they are handed on in order.
        max_pages: more pages than this cannot be true: `Suspicious`.
        patience: times a page is asked for again when something other than the bulletin answers, as it does now and then.
        pause: seconds before that.
    """

    path: str
    section: str
    entry: str
    method: Literal["GET", "POST"] = "GET"
    form: Mapping[str, str] = field(default_factory=dict)
    counter: str = ""
    first: int = 0
    each: tuple[str, tuple[str, ...]] = ("", ("",))
    ahead: int = 6
    max_pages: int = 20_000
    patience: int = 2
    pause: float = 0.5

    @property
    def paged(self) -> bool:
        """Whether there are more pages than one."""
        return bool(self.counter) or "{page}" in self.path

    def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for every page up to the true end. Raises `SourceError`."""
        return self.to_the_end(upstream, NOTHING)

    def rows(self, page: Page) -> Iterator[Row]:
        """The page's entries, with what was asked for."""
        for one in entries(page, self.section, self.entry):
            yield {**page.asked, **one} if page.asked else one

    async def to_the_end(self, upstream: Upstream, noted: Mapping[str, str]) -> AsyncGenerator[Page, None]:
        """The pages that bring something new; ``noted`` goes along on each of them."""
        name, values = self.each
        seen: set[int] = set()
        for value in values:
            asked = {**noted, name: value} if name else noted
            barren = 0
            async with aclosing(self._in_order(upstream, asked)) as pages:
                async for page in pages:
                    if self._new(page, seen):
                        barren = 0
                        yield page
                        continue
                    barren += 1
                    if barren == BARREN_PAGES_AT_THE_END:
                        break

    def _new(self, page: Page, seen: set[int]) -> bool:
        before = len(seen)
        seen.update(hash(orjson.dumps(one)) for one in entries(page, self.section, self.entry))
        return len(seen) > before

    async def _in_order(self, upstream: Upstream, asked: Mapping[str, str]) -> AsyncGenerator[Page, None]:
        """Pages in order, some of them asked for ahead: the more have come, the more are to be expected."""
        waiting: deque[asyncio.Task[Page]] = deque()
        asked_for = handed_on = 0
        try:
            while self.paged or not handed_on:
                if handed_on == self.max_pages:
                    raise Suspicious(f"{self.path}: still something new after {self.max_pages} pages (max_pages)")
                while len(waiting) < min(self.ahead, handed_on + 1) and asked_for < self.max_pages:
                    waiting.append(asyncio.create_task(self._page(upstream, self.first + asked_for, asked)))
                    asked_for += 1
                yield await waiting.popleft()
                handed_on += 1
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _page(self, upstream: Upstream, number: int, asked: Mapping[str, str]) -> Page:
        """One page, asked for again while what comes is not JSON."""
        for _ in range(self.patience):
            try:
                page = await self._ask(upstream, number, asked)
                _ = page.json
            except Unreadable:
                await asyncio.sleep(self.pause)
            else:
                return page
        page = await self._ask(upstream, number, asked)
        _ = page.json  # raises with what came instead
        return page

    async def _ask(self, upstream: Upstream, number: int, asked: Mapping[str, str]) -> Page:
        path = self._path(number, asked)
        form = {**self.form, self.counter: str(number)} if self.counter else self.form
        if self.method == "POST":
            return await upstream.post(path, form, asked, only_asks=True)
        try:
            return await upstream.get(path, form, asked)
        except Refused:
            if number > self.first and "{page}" in self.path:
                return self._nothing(path, asked)  # where the page is part of the address, there is none after the last
            raise

    def _path(self, number: int, asked: Mapping[str, str]) -> str:
        path = self.path.replace("{page}/", "" if number == self.first else f"{number}/")
        name, _ = self.each
        return path.replace(f"{{{name}}}", asked[name]) if name else path

    def _nothing(self, path: str, asked: Mapping[str, str]) -> Page:
        return Page(orjson.dumps({"": {"data": [{self.section: {"items": [""]}}]}}), path, asked)
