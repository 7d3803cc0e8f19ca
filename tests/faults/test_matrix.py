"""Every fault of the table by every reader it can meet: the reason is named, what readers get stays the very same."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from broker.live import Live
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import RefreshRecord, SqlStore, open_store
from tests.city.faulty import Faulty
from tests.faults.bounds import BOUND_SECONDS, BOUNDED, MOST_MIB, TIMEOUT, held
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE
from tests.faults.misbehaviour import misbehaving
from tests.faults.readers import BYSTANDER, READERS, Reader, catalog
from tests.faults.table import FAULTS, Fault

MEETS = {"paged": lambda one: one.paged, "stated": lambda one: one.stated, "located": lambda one: one.located}


def meets(fault: Fault, reader: Reader) -> bool:
    return MEETS.get(fault.among, lambda _: True)(reader)


def cases() -> Iterator[Any]:
    """All of them, or for each fault one reader in turn and the live data set where it can be."""
    for number, fault in enumerate(FAULTS):
        among = [one for one in READERS if meets(fault, one)]
        chosen = among if WHOLE else short(among, number)
        for reader in chosen:
            yield pytest.param(fault, reader, id=f"{fault.name}-{reader.name}")


def short(among: list[Reader], number: int) -> list[Reader]:
    steady = [one for one in among if not one.live]
    return [steady[number % len(steady)], *(one for one in among if one.live and number % 3 == 0)]


Content = dict[str, list[tuple[Any, ...]]]


def content(store: SqlStore) -> Content:
    """Everything that readers of the newest versions get, and nothing of how it was stored."""
    found = {}
    for one in store.catalog.datasets.values():
        table, number = store.tables[one.id], store.version(one).number
        columns = [table.c[field.name] for field in one.fields]
        alive = (table.c["_since"] <= number) & (table.c["_until"] > number)
        with store.reading() as connection:
            rows = connection.execute(select(*columns).where(alive).order_by(table.c[one.key]))
            found[one.id] = [tuple(row) for row in rows]
    return found


@asynccontextmanager
async def refreshing(store: SqlStore, reader: Reader, source: str) -> AsyncIterator[Refresher]:
    """A refresher that asks the reader's source at this address; the source beside it is well."""
    sample = BYSTANDER.source.sample
    assert sample is not None
    async with Faulty(sample, BYSTANDER.source.base_url) as beside:
        settings = Settings.load(
            sample=False,
            sources={
                reader.source.id: {"base_url": source},
                BYSTANDER.source.id: {"base_url": beside.base_url},
            },
            upstream={"timeout_seconds": TIMEOUT, "attempts": 1, "max_body_mib": MOST_MIB},
        )
        async with Refresher(store.catalog, store, settings) as refresher:
            yield refresher


Opening = Callable[[Reader], Awaitable[SqlStore]]


@pytest.fixture(scope="module")
def filled() -> dict[str, Path]:
    """Store files with good versions, by reader: each is made when it is first needed."""
    return {}


@pytest.fixture
async def opening(
    filled: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> AsyncIterator[Opening]:
    """Opens a store with a good version of the reader's data set and of the one beside it."""
    opened: list[SqlStore] = []

    async def fill(reader: Reader, file: Path) -> None:
        store = open_store(f"sqlite:///{file}", catalog(reader))
        async with (
            Faulty(reader.answer, reader.source.base_url) as source,
            refreshing(store, reader, source.base_url) as refresher,
        ):
            for one in (reader.dataset, BYSTANDER):
                assert (await refresher.refresh(one)).outcome == "published"
        store.close()

    async def opening(reader: Reader) -> SqlStore:
        if reader.name not in filled:
            filled[reader.name] = tmp_path_factory.mktemp(reader.name) / "store.sqlite"
            await fill(reader, filled[reader.name])
        with (
            closing(sqlite3.connect(filled[reader.name])) as good,
            closing(sqlite3.connect(tmp_path / "store.sqlite")) as own,
        ):
            good.backup(own)
        opened.append(open_store(f"sqlite:///{tmp_path}/store.sqlite", catalog(reader)))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


@pytest.mark.parametrize(("fault", "reader"), list(cases()))
async def test_a_fault_costs_nothing_but_freshness(
    fault: Fault, reader: Reader, opening: Opening, tmp_path: Path, tally: Tally
) -> None:
    with tally.case(fault.name):
        await costs_nothing_but_freshness(fault, reader, await opening(reader), tmp_path)


async def costs_nothing_but_freshness(fault: Fault, reader: Reader, store: SqlStore, tmp_path: Path) -> None:
    before, beside = content(store), store.version(BYSTANDER)
    with held(fault.name in BOUNDED):
        async with (
            asyncio.timeout(BOUND_SECONDS),
            misbehaving(fault.name, reader, tmp_path) as source,
            refreshing(store, reader, source) as refresher,
        ):
            went_on, record = await asyncio.gather(refresher.refresh(BYSTANDER), attempt(refresher, reader))
    expected = fault.of(reader.name)
    assert record.outcome in expected.outcomes, record.error
    if record.outcome in ("failed", "quarantined"):
        assert re.search(expected.reason, str(record.error), re.IGNORECASE), record.error
    assert content(store) == before
    assert (went_on.outcome, store.version(BYSTANDER).number) == ("unchanged", beside.number)
    await heals(store, reader)


async def attempt(refresher: Refresher, reader: Reader) -> RefreshRecord:
    """A refresh, or what a query of a live data set makes of it: it is answered in any case."""
    if not reader.live:
        return await refresher.refresh(reader.dataset)
    living, store = Live(refresher, refresher.store), refresher.store
    await living.fresh(reader.dataset, store.version(reader.dataset))
    return store.last_refreshes()[reader.dataset.id]


async def heals(store: SqlStore, reader: Reader) -> None:
    """As soon as the source is well again, so is the data set."""
    async with (
        Faulty(reader.answer, reader.source.base_url) as source,
        refreshing(store, reader, source.base_url) as refresher,
    ):
        record = await refresher.refresh(reader.dataset)
    assert record.error is None
    assert record.outcome in ("unchanged", "published")
