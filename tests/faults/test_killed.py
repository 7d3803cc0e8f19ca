"""A process that dies in the middle of a refresh, or whose disk is full: every data set is wholly old or wholly new."""

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import make_url

from broker.store import SqlStore, open_store
from tests.city.postgres import Cluster
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE
from tests.faults.generations import CATALOG, generation_of, kept, refreshed

ROOT = Path(__file__).parents[2]
MOMENTS = {"sqlite": 200 if WHOLE else 8, "postgis": 200 if WHOLE else 3}
BOUND_SECONDS = 60


@pytest.fixture(params=["sqlite", "postgis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.database()


async def child(*arguments: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.faults.generations", *arguments]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)


async def told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), BOUND_SECONDS)
    assert line, "the child has ended by itself"
    found: dict[str, Any] = orjson.loads(line)
    return found


async def killed(address: str, share: float) -> int:
    """Kill a process in its second round, after this share of the time that the first one took; the round's generation."""
    process = await child(address)
    try:
        await told(process)
        since = time.monotonic()
        await told(process)
        took = time.monotonic() - since
        begun = (await told(process))["begun"]
        await asyncio.sleep(share * took)
    finally:
        process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # what it has said since is of no interest
    return int(begun)


def generations(store: SqlStore) -> Iterator[int | None]:
    """The generations of the last versions of every data set; none for one that is no whole generation."""
    for one in CATALOG.datasets.values():
        newest = store.version(one)
        assert len(kept(store, one, newest.number)) == newest.records
        with store.reading() as connection:
            own = store.own.versions.c
            numbers = connection.scalars(select(own.number).where(own.dataset == one.id).order_by(own.number)).all()
        found = [generation_of(kept(store, one, number)) for number in numbers[-3:]]
        assert found == sorted({number for number in found if number is not None})
        yield found[-1]


def unborn(store: SqlStore) -> int:
    """Rows of versions that nobody has published."""
    found = 0
    for one in CATALOG.datasets.values():
        table = store.tables[one.id]
        with store.reading() as connection:
            later = table.c["_since"] > store.version(one).number
            found += connection.scalar(select(func.count()).select_from(table).where(later)) or 0
    return found


async def next_refresh(store: SqlStore, number: int) -> None:
    """It succeeds, as soon as the database has noticed that the other process is dead."""
    async with asyncio.timeout(BOUND_SECONDS):
        while errors := [one.error for one in await refreshed(store, number) if one.error]:
            assert all("being refreshed by another process" in one for one in errors), errors
            await asyncio.sleep(0.1)
    assert list(generations(store)) == [number] * len(CATALOG.datasets)
    assert unborn(store) == 0


def sound(address: str) -> None:
    """SQLite finds nothing wrong with the file."""
    with closing(sqlite3.connect(str(make_url(address).database))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_killed_at_any_moment_of_a_refresh(address: str, tally: Tally) -> None:
    kind = make_url(address).get_backend_name().replace("postgresql", "postgis")
    pick = random.Random(kind)
    for _ in range(MOMENTS[kind]):
        with tally.case(f"killed_{kind}"):
            begun = await killed(address, pick.random())
            if kind == "sqlite":
                sound(address)
            store = open_store(address, CATALOG)
            try:
                assert {*generations(store)} <= {begun - 1, begun, begun + 1}
                await next_refresh(store, begun + 2)
            finally:
                store.close()


async def test_no_room_on_the_disk_for_any_file_to_grow(tmp_path: Path, tally: Tally) -> None:
    address = f"sqlite:///{tmp_path}/store.sqlite"
    with tally.case("disk_full"):
        process = await child(address, "full")
        found = await told(process)
        assert await process.wait() == 0
        for outcome, error in found["failed"]:
            assert (outcome, error.partition(":")[0]) == ("failed", "the store cannot be written")
        assert {*found["between"].values()} == {1}
        assert found["after"] == [["published", None]] * 2
        sound(address)


async def test_no_room_in_the_database(tmp_path: Path, tally: Tally) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", CATALOG)
    await refreshed(store, 1)
    with store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.engine.dispose()

    def narrow(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(store.engine, "connect", narrow)
    with tally.case("disk_full"):
        failed = await refreshed(store, 2)
        said = [(one.outcome, one.error) for one in failed]
        assert said == [("failed", "the store cannot be written: database or disk is full")] * 2
        assert list(generations(store)) == [1, 1]
        event.remove(store.engine, "connect", narrow)
        store.engine.dispose()
        await next_refresh(store, 3)
    store.close()
