"""What is due when, and that one of several processes sees to it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker import schedule
from broker.catalog import Catalog
from broker.refresh import Refresher
from broker.schedule import Schedule, due_at
from broker.settings import Settings
from broker.store import Published, RefreshRecord, open_store
from connectors.bip import Contract
from connectors.mim import District, Stop
from connectors.nextbike import BikeStation

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONTRACTS = Contract.__dataset__


def test_what_was_never_read_is_due_at_once() -> None:
    assert due_at(CONTRACTS, Published(CONTRACTS.id, 0), None) is None


def test_what_was_read_is_due_an_interval_later_or_a_little_earlier() -> None:
    published = Published(CONTRACTS.id, 1, NOW, NOW, 10)
    due = due_at(CONTRACTS, published, None)
    assert due is not None
    interval = CONTRACTS.refresh.interval
    assert NOW + interval * 0.9 <= due <= NOW + interval
    assert due == due_at(CONTRACTS, published, None)


def test_what_failed_is_due_soon_again() -> None:
    failed = RefreshRecord(CONTRACTS.id, NOW, NOW, "failed", "no connection")
    due = due_at(CONTRACTS, Published(CONTRACTS.id, 0), failed)
    assert due is not None
    assert NOW + timedelta(minutes=4.5) <= due <= NOW + timedelta(minutes=5)


def test_what_failed_together_does_not_come_again_together() -> None:
    sets = [one.__dataset__ for one in (Contract, Stop, District)]
    again = {due_at(one, Published(one.id, 0), RefreshRecord(one.id, NOW, NOW, "failed", "away")) for one in sets}
    assert len(again) == len(sets)


def test_an_interval_is_shortened_by_another_part_each_time() -> None:
    moments = [NOW + timedelta(days=day) for day in range(4)]
    waits = {due_at(CONTRACTS, Published(CONTRACTS.id, 1, one, one, 10), None) - one for one in moments}  # type: ignore[operator]
    assert len(waits) == len(moments)


async def test_one_of_two_schedules_refreshes_what_is_due_and_nothing_live(tmp_path: Path) -> None:
    declared = [Stop.__dataset__, District.__dataset__, BikeStation.__dataset__]
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of(declared))
    async with Refresher(store.catalog, store, Settings.load(sample=True)) as refresher:
        schedules = [Schedule(refresher, store, store.catalog) for _ in range(2)]
        assert [one.id for one in schedules[0].due(datetime.now(UTC))] == ["mim.districts", "mim.stops"]
        tasks = [asyncio.create_task(one.run()) for one in schedules]
        async with asyncio.timeout(20):
            while len(store.last_refreshes()) < 2:  # noqa: ASYNC110 - the store is what is watched
                await asyncio.sleep(0.05)
        assert schedules[0].due(datetime.now(UTC)) == []
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    with store.reading() as connection:
        refreshes = connection.execute(store.own.refreshes.select()).all()
    assert sorted(one.dataset for one in refreshes) == ["mim.districts", "mim.stops"]
    lease = store.lease("schedule")
    assert lease is not None  # it was given back at the end
    lease.release()
    store.close()


async def leading(schedule: Schedule, seconds: float = 0.5) -> None:
    """Let a schedule run for a moment."""
    task = asyncio.create_task(schedule.run())
    await asyncio.sleep(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_host_whose_clock_is_off_does_not_lead(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([District.__dataset__]))
    async with Refresher(store.catalog, store, Settings.load(sample=True)) as refresher:
        store.clock.offset = -timedelta(seconds=2.5)
        await leading(Schedule(refresher, store, store.catalog))
        assert store.last_refreshes() == {}
        store.clock.offset = timedelta(seconds=1.5)
        await leading(Schedule(refresher, store, store.catalog))
        assert store.last_refreshes().keys() == {"mim.districts"}
    store.close()


async def test_one_whose_lease_another_has_stops_leading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LOOK", timedelta(milliseconds=50))
    monkeypatch.setattr(schedule, "TRY", timedelta(milliseconds=50))
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([District.__dataset__]))
    async with Refresher(store.catalog, store, Settings.load(sample=True)) as refresher:
        task = asyncio.create_task(Schedule(refresher, store, store.catalog).run())
        async with asyncio.timeout(20):
            while not store.last_refreshes():  # noqa: ASYNC110 - the store is what is watched
                await asyncio.sleep(0.05)
        own = store.own.leases
        with store.writing() as connection:  # as another process that takes over
            now = store.clock.read(connection) + timedelta(seconds=10)
            values = {"token": own.c.token + 1, "holder": "elsewhere/1/1/x", "expires_at": now}
            connection.execute(own.update().where(own.c.name == "schedule").values(**values))
        await asyncio.sleep(0.3)
        with store.writing() as connection:
            connection.execute(store.own.versions.delete())  # what it would refresh at once
        await asyncio.sleep(0.5)
        assert store.version(District.__dataset__).number == 0
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    store.close()


async def test_what_a_wrong_clock_has_checked_is_due(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([District.__dataset__]))
    async with Refresher(store.catalog, store, Settings.load(sample=True)) as refresher:
        await refresher.refresh(District.__dataset__)
        plan, now = Schedule(refresher, store, store.catalog), datetime.now(UTC)
        assert plan.due(now) == []
        assert plan.due(now - timedelta(days=3)) == [District.__dataset__]  # it was checked three days from then
    store.close()


async def test_places_that_should_have_been_found_anew_are_by_the_next_leader(tmp_path: Path) -> None:
    """The process that published the districts ended before it placed the stops in them."""
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([Stop.__dataset__, District.__dataset__]))
    async with Refresher(store.catalog, store, Settings.load(sample=True)) as refresher:
        await refresher.refresh(Stop.__dataset__)
        draft = store.draft(District.__dataset__, sample=True)
        async for page in District.__dataset__.reader.fetch(
            refresher.upstream(District.__dataset__.source, sample=True)
        ):
            draft.add(District.__dataset__.records(page, draft.fields))
        draft.publish()
        draft.close()
        assert store.misplaced() == [Stop.__dataset__]
        await leading(Schedule(refresher, store, store.catalog), 3)
        stops = store.version(Stop.__dataset__)
        assert (stops.number, stops.placed_by) == (2, store.version(District.__dataset__).id)
    store.close()
