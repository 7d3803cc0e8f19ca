"""A live data set is fetched when asked, once for all who ask, and served from before when its source fails."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely

from broker import flights
from broker.catalog import Catalog
from broker.errors import Unavailable
from broker.live import Live
from broker.model import Refresh
from broker.refresh import Refresher
from broker.settings import LiveSettings, Settings
from broker.store import SqlStore, open_store
from broker.upstream import Request
from connectors.nextbike import NEXTBIKE, BikeStation
from tests.city.replica import Replica

BIKES = replace(BikeStation.__dataset__, refresh=Refresh(timedelta(milliseconds=300), live=True))


class Bikes:
    """The city's bikes: a replica whose answer can hang, be broken or another one, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False
        self.other = False
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._lock = threading.Lock()

    def answer(self, request: Request) -> bytes:
        with self._lock:
            self.asked += 1
        self._goes_on.wait(60)
        assert NEXTBIKE.sample is not None
        if self.broken:
            return b"<html>"
        body = NEXTBIKE.sample(request)
        return body.replace(b' bikes="', b' bikes="1') if self.other else body

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Within, what is asked is answered at the end only."""
        self._goes_on.clear()
        try:
            yield
        finally:
            self._goes_on.set()


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


@pytest.fixture
async def living(refresher: Refresher) -> AsyncIterator[Live]:
    async with aclosing(Live(refresher, refresher.store)) as living:
        yield living


async def fresh(refresher: Refresher, living: Live, wait: float | None = None) -> int:
    return (await living.fresh(BIKES, refresher.store.version(BIKES), wait)).number


def aged(store: SqlStore, minutes: float) -> None:
    """Let the last answer have been so long ago."""
    checked = datetime.now(UTC) - timedelta(minutes=minutes)
    with store.writing() as connection:
        connection.execute(store.own.versions.update().values(checked_at=checked))


async def test_many_who_ask_at_once_share_one_request(refresher: Refresher, living: Live, bikes: Bikes) -> None:
    versions = await asyncio.gather(*(fresh(refresher, living) for _ in range(100)))
    assert (set(versions), bikes.asked) == ({1}, 1)
    assert refresher.store.version(BIKES).records == 112


async def test_who_knows_an_older_version_only_does_not_ask_again(
    refresher: Refresher, living: Live, bikes: Bikes
) -> None:
    never = refresher.store.version(BIKES)
    await fresh(refresher, living)
    aged(refresher.store, minutes=1)
    old = refresher.store.version(BIKES)
    await fresh(refresher, living)
    for known in (never, old):
        assert (await living.fresh(BIKES, known)).checked_at == refresher.store.version(BIKES).checked_at
    assert bikes.asked == 2


async def test_it_is_asked_again_only_when_it_is_too_old(refresher: Refresher, living: Live, bikes: Bikes) -> None:
    for _ in range(5):
        await fresh(refresher, living)
    assert bikes.asked == 1
    await asyncio.sleep(0.35)
    await fresh(refresher, living)
    assert bikes.asked == 2


async def test_a_failing_source_leaves_what_was_there_and_is_not_pressed(
    refresher: Refresher, living: Live, bikes: Bikes
) -> None:
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


async def test_a_source_that_never_answered_is_unavailable_and_is_not_pressed(
    refresher: Refresher, living: Live, bikes: Bikes
) -> None:
    bikes.broken = True
    for _ in range(5):
        with pytest.raises(
            Unavailable, match=r"nextbike\.bike_stations: its source has not answered in time, and there"
        ):
            await fresh(refresher, living)
    assert bikes.asked == 1


async def test_a_source_that_hangs_is_waited_for_as_long_as_the_query_says(
    refresher: Refresher, living: Live, bikes: Bikes
) -> None:
    await fresh(refresher, living)
    await asyncio.sleep(0.35)
    with bikes.hanging():
        async with asyncio.timeout(30):
            assert [await fresh(refresher, living, wait) for wait in (0, 0.1, 0)] == [1, 1, 1]
        waiting = asyncio.create_task(fresh(refresher, living, 15))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        bikes.other = True
    assert await waiting == 2
    assert bikes.asked == 2


async def test_the_first_answer_is_not_waited_for_beyond_that_either(
    refresher: Refresher, living: Live, bikes: Bikes
) -> None:
    refresher.expect([BIKES.id])
    with bikes.hanging():
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable):
                await fresh(refresher, living, 0)
    assert await fresh(refresher, living, 15) == 1
    assert bikes.asked == 1


async def test_who_comes_later_shares_the_patience_with_a_source_that_hangs(
    refresher: Refresher, living: Live, bikes: Bikes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fresh(refresher, living)
    await asyncio.sleep(0.35)
    monkeypatch.setattr(flights, "PATIENCE", 3600.0)
    with bikes.hanging():
        await fresh(refresher, living, 0)
        under_way = living._flights._flights
        under_way[BIKES.id] = under_way[BIKES.id]._replace(begun=under_way[BIKES.id].begun - 3600)
        async with asyncio.timeout(30):
            assert await fresh(refresher, living) == 1


async def test_what_is_too_old_is_not_shown_any_more(refresher: Refresher, living: Live, bikes: Bikes) -> None:
    await fresh(refresher, living)
    bikes.broken = True
    aged(refresher.store, minutes=14)
    assert await fresh(refresher, living) == 1
    aged(refresher.store, minutes=16)
    for wait in (None, 0, 5):
        with pytest.raises(Unavailable, match=r"the last answer is 16 minutes old, and none older than 15 minutes"):
            await fresh(refresher, living, wait)
    assert bikes.asked == 2
    await asyncio.sleep(0.35)
    bikes.broken = False
    assert await fresh(refresher, living) == 1
    assert bikes.asked == 3


async def test_how_old_it_may_be_is_a_setting_and_what_is_young_is_always_shown(
    refresher: Refresher, bikes: Bikes
) -> None:
    refresher.settings = refresher.settings.model_copy(update={"live": LiveSettings(stale_minutes=0)})
    living = Live(refresher, refresher.store)
    assert await fresh(refresher, living) == 1
    bikes.broken = True
    await asyncio.sleep(0.35)
    with pytest.raises(Unavailable, match="none older than 0 minutes is shown"):
        await fresh(refresher, living)


def station(bikes: int) -> BikeStation:
    return BikeStation(
        key="1", number="1", name="Rynek", bikes=bikes, racks=None, free_racks=None, bike_numbers=(), maintenance=False,
        geometry=shapely.Point(16.93, 52.4),
    )  # fmt: skip


async def test_only_the_last_versions_of_live_data_are_kept(refresher: Refresher) -> None:
    store = refresher.store
    for bikes in range(9):
        draft = store.draft(BIKES, sample=False)
        draft.add([station(bikes)])
        draft.publish()
        draft.close()
    with store.reading() as connection:
        kept = connection.execute(store.own.versions.select()).all()
        rows = connection.execute(store.tables[BIKES.id].select()).all()
    assert [one.number for one in kept] == [5, 6, 7, 8, 9]
    assert sorted(one.bikes for one in rows) == [4, 5, 6, 7, 8]


async def test_a_host_whose_clock_is_off_fetches_nothing(refresher: Refresher, living: Live, bikes: Bikes) -> None:
    """It gives what there is while that is young, by the store's clock, and says why there is nothing when there is nothing."""
    clock = refresher.store.clock
    clock.offset = timedelta(hours=-3)
    with pytest.raises(Unavailable, match=r"clock is 10800\.0 s ahead of the database's, so it asks nobody"):
        await fresh(refresher, living)
    assert bikes.asked == 0
    clock.offset = timedelta(0)
    first = await fresh(refresher, living)
    await asyncio.sleep(0.35)
    clock.offset = timedelta(seconds=3)
    assert (await fresh(refresher, living), bikes.asked) == (first, 1)


async def test_what_a_wrong_clock_has_checked_is_not_taken_for_young(
    refresher: Refresher, living: Live, bikes: Bikes
) -> None:
    """One host three days ahead would else freeze what is live for three days, for all."""
    store = refresher.store
    await fresh(refresher, living)
    aged(store, -3 * 24 * 60)
    await fresh(refresher, living)
    assert bikes.asked == 2
    checked = store.version(BIKES).checked_at
    assert checked is not None
    assert abs(checked - datetime.now(UTC)) < timedelta(minutes=1)
