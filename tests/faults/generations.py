"""Data sets whose whole content is told by a number, so that half a version would be seen; a program that refreshes them on and on.

``python -m tests.faults.generations URL`` says on a line of its own when a round of refreshes begins and when it has ended, until it is
killed. ``python -m tests.faults.generations URL full`` lets the disk be full in the middle of one, and reports as JSON.
"""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.engine import make_url

from broker.catalog import Catalog
from broker.model import CC0, Dataset, Geometry, Page, Record, Row, Source, Upstream, dataset, every, field
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import RefreshRecord, SqlStore, open_store, versions
from broker.telemetry import configure
from broker.upstream import Request
from connectors.protocols.geojson import shape

__all__ = ["CATALOG", "Generation", "generation_of", "kept", "refreshed"]

ROWS, PAGE = 700, 140
ROOM = 96 << 10


class Generation:
    """The sources' present: which generation they answer with."""

    number = 0
    pause = 0.0
    """Seconds that a page takes."""

    @classmethod
    def answer(cls, request: Request) -> bytes:
        """One page of it."""
        time.sleep(cls.pause)
        start = int(request.params["page"]) * PAGE
        return orjson.dumps(list(rows(cls.number))[start : start + PAGE])


def rows(number: int) -> Iterator[dict[str, Any]]:
    """A generation: a seventh of the rows is missing, another one each time; half of the others tell its number."""
    for key in range(ROWS):
        if key % 7 != number % 7:
            told = number if key % 2 else 0
            yield {"key": key, "name": f"Kamień {key} z pokolenia {told}", "told": told, "lon": 16.8 + key / 5_000}


class Paged:
    """Reads all pages of the present generation."""

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask until a page is empty."""
        for number in range(ROWS // PAGE):
            yield await upstream.get("", {"page": str(number)})

    def rows(self, page: Page) -> Iterator[Row]:
        """The page's rows."""
        yield from page.json


def point(lon: float) -> Geometry | None:
    """A place on one line through the city."""
    return shape({"type": "Point", "coordinates": [lon, 52.4]})


QUARRY = Source("quarry", "A quarry", "http://127.0.0.1:9", "Stones of two kinds.", Generation.answer)


@dataset(QUARRY, "stones", key="key", reader=Paged(), refresh=every(days=1), licence=CC0)
class Stone(Record):
    """A stone."""

    key: int = field("Number", unit="1")
    name: str = field("Name", search="title")
    told: int = field("Generation", unit="1")
    geometry: Geometry = field("Where it lies", of="lon", read=point)


@dataset(QUARRY, "gems", key="key", reader=Paged(), refresh=every(days=1), licence=CC0)
class Gem(Record):
    """A stone that is worth more."""

    key: int = field("Number", unit="1")
    name: str = field("Name", search="title")
    told: int = field("Generation", unit="1")
    geometry: Geometry = field("Where it lies", of="lon", read=point)


CATALOG = Catalog.of([Stone.__dataset__, Gem.__dataset__])


def kept(store: SqlStore, one: Dataset, version: int) -> set[tuple[int, str]]:
    """What a version holds."""
    table = store.tables[one.id]
    alive = (table.c["_since"] <= version) & (table.c["_until"] > version)
    with store.reading() as connection:
        return {(row.key, row.name) for row in connection.execute(select(table.c.key, table.c.name).where(alive))}


def generation_of(content: set[tuple[int, str]]) -> int | None:
    """The generation that this is, whole; none when it is no generation. Nothing at all is generation 0, before the first."""
    if not content:
        return 0
    number = max(int(name.rsplit(" ", 1)[1]) for _, name in content)
    whole = {(row["key"], row["name"]) for row in rows(number)}
    return number if content == whole else None


async def refreshed(store: SqlStore, number: int) -> list[RefreshRecord]:
    """Refresh everything to this generation."""
    Generation.number = number
    async with Refresher(CATALOG, store, Settings.load(sample=True)) as refresher:
        return await refresher.refresh_all(CATALOG.datasets.values())


def say(**told: Any) -> None:
    sys.stdout.write(orjson.dumps(told).decode() + "\n")
    sys.stdout.flush()


async def on_and_on(url: str) -> None:
    """Refresh from the generation after the newest one on, for ever."""
    versions.BATCH = 60  # many transactions a draft, so that more moments are in the middle of one
    store = open_store(url, CATALOG)
    number = max(generation_of(kept(store, one, store.version(one).number)) or 0 for one in CATALOG.datasets.values())
    while True:
        number += 1
        say(begun=number)
        assert [one.error for one in await refreshed(store, number)] == [None, None]
        say(ended=number)


async def full(url: str) -> None:
    """A good round, one with no room left on the disk, and one with room again."""
    store = open_store(url, CATALOG)
    await refreshed(store, 1)
    files = Path(str(make_url(url).database)).parent.glob("store.sqlite*")
    room = max(one.stat().st_size for one in files if one.is_file()) + ROOM
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    failed = await refreshed(store, 2)
    between = {one.id: generation_of(kept(store, one, store.version(one).number)) for one in CATALOG.datasets.values()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    after = await refreshed(store, 3)
    say(
        failed=[[one.outcome, one.error] for one in failed],
        between=between,
        after=[[one.outcome, one.error] for one in after],
    )
    store.close()


if __name__ == "__main__":
    configure("error", "console")
    asyncio.run(full(sys.argv[1]) if sys.argv[2:] else on_and_on(sys.argv[1]))
