"""A live data set is fetched when asked, once for all who ask, and served from before when its source fails."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker import live
from broker.catalog import Catalog
from broker.errors import Unavailable
from broker.live import Live
from broker.model import Dataset, Refresh
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import SqlStore, open_store
from broker.upstream import Request
from connectors.nextbike import NEXTBIKE, BikeStation
from tests.city.replica import Replica

BIKES = replace(BikeStation.__dataset__, refresh=Refresh(timedelta(milliseconds=300), live=True))


class Bikes:
    """The city's bikes: a replica whose answer can be slow or broken, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.seconds = 0.0
        self.broken = False
        self._lock = threading.Lock()

    def answer(self, request: Request) -> bytes:
        with self._lock:
            self.asked += 1
        time.sleep(self.seconds)
        assert NEXTBIKE.sample is not None
        return b"<html>" if self.broken else NEXTBIKE.sample(request)


@pytest.fixture
def bikes() -> Bikes:
    return Bikes()


@pytest.fixture
async def refresher(bikes: Bikes, tmp_path: Path) -> AsyncIterator[Refresher]:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([BIKES]))
    async with Replica(bikes.answer, NEXTBIKE.base_url) as source:
        settings = Settings.load(
            sample=False, sources={"nextbike": {"base_url": source.base_url}}, upstream={"attempts": 1}
        )
        async with Refresher(store.catalog, store, settings) as opened:
            yield opened
    store.close()


async def fresh(refresher: Refresher, living: Live, declared: Dataset = BIKES) -> int:
    store: SqlStore = refresher.store
    return (await living.fresh(declared, store.version(declared))).number


async def test_many_who_ask_at_once_share_one_request(refresher: Refresher, bikes: Bikes) -> None:
    living = Live(refresher, refresher.store)
    versions = await asyncio.gather(*(fresh(refresher, living) for _ in range(50)))
    assert (set(versions), bikes.asked) == ({1}, 1)
    assert refresher.store.version(BIKES).records == 112


async def test_it_is_asked_again_only_when_it_is_too_old(refresher: Refresher, bikes: Bikes) -> None:
    living = Live(refresher, refresher.store)
    for _ in range(5):
        await fresh(refresher, living)
    assert bikes.asked == 1
    await asyncio.sleep(0.35)
    await fresh(refresher, living)
    assert bikes.asked == 2


async def test_a_failing_source_leaves_what_was_there_and_is_not_pressed(refresher: Refresher, bikes: Bikes) -> None:
    living = Live(refresher, refresher.store)
    await fresh(refresher, living)
    await asyncio.sleep(0.35)
    bikes.broken = True
    assert [await fresh(refresher, living) for _ in range(5)] == [1] * 5
    assert bikes.asked == 2
    assert refresher.store.last_refreshes()[BIKES.id].outcome == "failed"
    await asyncio.sleep(0.35)
    bikes.broken = False
    await fresh(refresher, living)
    assert bikes.asked == 3
    assert refresher.store.last_refreshes()[BIKES.id].error is None


async def test_a_source_that_never_answered_is_unavailable(refresher: Refresher, bikes: Bikes) -> None:
    bikes.broken = True
    with pytest.raises(Unavailable, match=r"nextbike\.bike_stations: its source has not answered in time"):
        await fresh(refresher, Live(refresher, refresher.store))


async def test_a_slow_source_is_not_waited_for_beyond_patience(
    refresher: Refresher, bikes: Bikes, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = Live(refresher, refresher.store)
    await fresh(refresher, living)
    await asyncio.sleep(0.35)
    monkeypatch.setattr(live, "PATIENCE", timedelta(seconds=0.1))
    bikes.seconds = 0.6
    assert await fresh(refresher, living) == 1
    await asyncio.sleep(0.8)


async def test_only_the_last_versions_of_live_data_are_kept(refresher: Refresher) -> None:
    store = refresher.store
    nothing = dict.fromkeys(one.name for one in BIKES.fields)
    for bikes in range(9):
        draft = store.draft(BIKES, sample=False)
        draft.add([BikeStation(**{**nothing, "key": "1", "name": "Rynek", "bikes": bikes})])
        draft.publish()
        draft.close()
    with store.reading() as connection:
        kept = connection.execute(store.own.versions.select()).all()
        rows = connection.execute(store.tables[BIKES.id].select()).all()
    assert [one.number for one in kept] == [5, 6, 7, 8, 9]
    assert sorted(one.bikes for one in rows) == [4, 5, 6, 7, 8]
