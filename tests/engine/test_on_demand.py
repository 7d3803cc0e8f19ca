"""A source is asked about a record when a query asks, once for all who ask, and what it said is given for a while when it fails."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from broker import on_demand
from broker.catalog import Catalog
from broker.errors import Unavailable
from broker.metrics import LOOKUPS
from broker.model import Refresh
from broker.on_demand import OnDemand
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import open_store
from broker.upstream import Request
from connectors.mim import Stop
from connectors.ztm import ZTM, Departure
from tests.city.replica import Replica

DEPARTURES = replace(Departure.__lookup__, refresh=Refresh(timedelta(milliseconds=300), live=True))
HERE, THERE = "Bałuckiego", "Beskidzka"


class Monitor:
    """ZTM's monitor: a replica that can hang or be broken, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._lock = threading.Lock()

    def answer(self, request: Request) -> bytes:
        with self._lock:
            self.asked.append(orjson.loads(request.form["p0"])["name"])
        self._goes_on.wait(60)
        assert ZTM.sample is not None
        return b"{}" if self.broken else ZTM.sample(request)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Within, what is asked is answered at the end only."""
        self._goes_on.clear()
        try:
            yield
        finally:
            self._goes_on.set()


@pytest.fixture
def monitor() -> Monitor:
    return Monitor()


@pytest.fixture
async def refresher(monitor: Monitor, tmp_path: Path) -> AsyncIterator[Refresher]:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([Stop.__dataset__]))
    async with Replica(monitor.answer, ZTM.base_url) as source:
        settings = Settings.load(sample=False, sources={"ztm": {"base_url": source.base_url}}, upstream={"attempts": 1})
        async with Refresher(store.catalog, store, settings) as opened:
            yield opened
    store.close()


@pytest.fixture
async def asked(refresher: Refresher) -> AsyncIterator[OnDemand]:
    async with aclosing(OnDemand(refresher)) as made:
        yield made


async def test_many_who_ask_at_once_share_one_request(asked: OnDemand, monitor: Monitor) -> None:
    found = await asyncio.gather(*(asked.find(DEPARTURES, one) for one in (HERE, THERE) * 50))
    assert sorted(monitor.asked) == [HERE, THERE]
    assert len({id(one) for one in found}) == 2
    assert all(one.items and not one.rejected and not one.sample for one in found)


async def test_what_it_tells_is_given_in_order(asked: OnDemand) -> None:
    times = [one["departs_at"] for one in (await asked.find(DEPARTURES, HERE)).items]
    assert times == sorted(times)
    assert len(times) > 5


async def test_it_is_asked_again_only_when_it_is_too_old(asked: OnDemand, monitor: Monitor) -> None:
    for _ in range(5):
        await asked.find(DEPARTURES, HERE)
    assert len(monitor.asked) == 1
    await asyncio.sleep(0.35)
    await asked.find(DEPARTURES, HERE)
    assert len(monitor.asked) == 2


async def test_a_failing_source_leaves_what_was_there_and_is_not_pressed(asked: OnDemand, monitor: Monitor) -> None:
    good = await asked.find(DEPARTURES, HERE)
    assert not good.stale
    await asyncio.sleep(0.35)
    monitor.broken = True
    again = [await asked.find(DEPARTURES, HERE) for _ in range(5)]
    assert all(one is good and one.stale for one in again)
    assert len(monitor.asked) == 2
    assert "does not know the question" in str(asked.last[DEPARTURES.id].error)
    await asyncio.sleep(0.35)
    monitor.broken = False
    healed = await asked.find(DEPARTURES, HERE)
    assert healed is not good
    assert asked.last[DEPARTURES.id].error is None


async def test_a_source_that_never_answered_is_unavailable_and_is_not_pressed(
    asked: OnDemand, monitor: Monitor
) -> None:
    monitor.broken = True
    for _ in range(5):
        with pytest.raises(
            Unavailable, match=f"ztm.departures of '{HERE}': .*does not know the question.* no earlier answer"
        ):
            await asked.find(DEPARTURES, HERE)
    assert monitor.asked == [HERE]
    monitor.broken = False
    assert (await asked.find(DEPARTURES, THERE)).items  # what one record costs is not another's


async def test_what_is_too_old_is_not_shown_any_more(asked: OnDemand, monitor: Monitor) -> None:
    found = await asked.find(DEPARTURES, HERE)
    monitor.broken = True
    known = asked._known[DEPARTURES.id, HERE]
    known.found = replace(found, fetched_at=found.fetched_at - timedelta(minutes=14))
    assert (await asked.find(DEPARTURES, HERE)).stale
    known.found = replace(found, fetched_at=found.fetched_at - timedelta(minutes=16))
    with pytest.raises(Unavailable, match="no earlier answer young enough"):
        await asked.find(DEPARTURES, HERE)


async def test_a_source_that_hangs_is_waited_for_as_long_as_the_query_says(asked: OnDemand, monitor: Monitor) -> None:
    good = await asked.find(DEPARTURES, HERE)
    await asyncio.sleep(0.35)
    with monitor.hanging():
        async with asyncio.timeout(30):
            assert [await asked.find(DEPARTURES, HERE, wait) for wait in (0, 0.1, 0)] == [good] * 3
        waiting = asyncio.create_task(asked.find(DEPARTURES, HERE, 15))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert await waiting is not good
    assert len(monitor.asked) == 2


async def test_an_answer_of_which_nothing_can_be_read_is_none(asked: OnDemand) -> None:
    renamed = replace(DEPARTURES, fields=tuple(replace(one, of=("zmienione",)) for one in DEPARTURES.fields))
    with pytest.raises(Unavailable, match=r"none of \d+ rows could be read, the first since post: missing"):
        await asked.find(renamed, HERE)


async def test_a_connector_s_own_mistake_costs_its_own_field(asked: OnDemand) -> None:
    wrong = replace(DEPARTURES, reader=None)
    with pytest.raises(Unavailable, match="the connector failed: AttributeError"):
        await asked.find(wrong, HERE)


async def test_it_is_counted(asked: OnDemand, monitor: Monitor) -> None:
    counts = [LOOKUPS.labels(DEPARTURES.id, one) for one in ("answered", "failed")]
    before = [one._value.get() for one in counts]
    await asked.find(DEPARTURES, HERE)
    monitor.broken = True
    with pytest.raises(Unavailable):
        await asked.find(DEPARTURES, THERE)
    assert [one._value.get() for one in counts] == [before[0] + 1, before[1] + 1]


async def test_no_more_is_kept_than_there_is_room_for(
    refresher: Refresher, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "MOST_KEPT", 1)
    async with aclosing(OnDemand(refresher)) as small:
        for one in (HERE, THERE, HERE):
            await small.find(DEPARTURES, one)
    assert monitor.asked == [HERE, THERE, HERE]
