"""Bad nights that take minutes, with FAULTS=all: a process that is stopped, a failover, a standby that lags, wrong clocks, fifty kills."""

import asyncio
import random
import signal
import time
from pathlib import Path

import pytest

from tests.city.balancer import Balancer
from tests.city.servers import Server
from tests.faults.conftest import Tally
from tests.faults.generations import CATALOG
from tests.faults.nights import ANSWERS, Process, check_store, first_to_publish, night


async def test_one_that_was_stopped_writes_nothing_when_it_wakes(server: Server, tally: Tally) -> None:
    """It is stopped in the middle of a draft, often in the middle of a transaction; a follower takes over within half a minute."""
    async with night(server.url(), tally, "stopped", refreshing=1) as (one,):
        for _ in range(3):
            await one.until(60, lambda said: "begun" in said)
            await asyncio.sleep(random.Random(2).uniform(0.3, 1.0))
            one.signal(signal.SIGSTOP)
            stopped = time.monotonic()
            other = await Process.start("refresh", server.url(), str(1000 + int(stopped) % 1000 * 1000), "1")
            try:
                await other.published(30)
                tally.figures["new_leader_seconds"] = round(time.monotonic() - stopped, 1)
                one.signal(signal.SIGCONT)
                woken = await one.until(30, lambda said: "outcomes" in said)
                assert {outcome for outcome, _ in woken["outcomes"]} <= {"failed", "published"}
                await first_to_publish(one, other)
            finally:
                one.signal(signal.SIGCONT)
                await other.end()
        check_store(server.url())


@pytest.mark.parametrize("cut_off", [False, True])
async def test_the_primary_is_killed_and_the_standby_promoted(server: Server, tally: Tally, *, cut_off: bool) -> None:
    """A standby that was cut off before has lost versions: what is answered then is older, and whole."""
    standby = await asyncio.to_thread(server.standby)
    url = server.url(standby)
    async with night(url, tally, f"failover{'_cut_off' if cut_off else ''}") as (one, other):
        await asyncio.sleep(2)
        if cut_off:
            await asyncio.to_thread(standby.cut_off)
            await one.until(60, lambda said: "outcomes" in said)
            await asyncio.sleep(1.3)
        await asyncio.to_thread(server.stop, signal.SIGQUIT)
        await asyncio.to_thread(standby.promote)
        await first_to_publish(one, other)
    check_store(standby.url())


async def test_the_old_primary_comes_back(server: Server, tally: Tally) -> None:
    """Nobody leads to it any more but a balancer that does not know: rows of one node never answer for a version of the other."""
    standby = await asyncio.to_thread(server.standby)
    balancer = await Balancer.start(standby.port, server.port)
    url = server.url().replace(server.address, f"127.0.0.1:{balancer.port}")
    try:
        async with night(standby.url(server), tally, "old_primary_back", url) as _:
            await asyncio.sleep(2)
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            await asyncio.to_thread(standby.promote)
            await asyncio.sleep(5)
            await asyncio.to_thread(server.start)
            await asyncio.sleep(5)
    finally:
        await balancer.stop()
    check_store(standby.url())
    check_store(server.url())


async def test_reads_over_a_primary_and_a_standby_that_lags(server: Server, tally: Tally) -> None:
    standby = await asyncio.to_thread(server.standby)
    balancer = await Balancer.start(server.port, standby.port)
    url = server.url().replace(server.address, f"127.0.0.1:{balancer.port}")
    try:
        async with night(server.url(), tally, "lagging_standby", url) as (one, _):
            for _ in range(5):
                standby.execute("SELECT pg_wal_replay_pause()")
                await one.until(60, lambda said: "outcomes" in said)
                await asyncio.sleep(1)
                standby.execute("SELECT pg_wal_replay_resume()")
                await asyncio.sleep(1)
    finally:
        await balancer.stop()


@pytest.mark.parametrize("kind", ["postgis", "sqlite"])
async def test_killed_at_fifty_moments(request: pytest.FixtureRequest, tmp_path: Path, tally: Tally, kind: str) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite" if kind == "sqlite" else request.getfixturevalue("server").url()
    pick = random.Random(3)
    async with night(url, tally, f"killed_{kind}") as (first, other):
        one = first
        for number in range(50):
            await asyncio.sleep(pick.uniform(0.1, 1.5))
            await one.end()
            one = await Process.start("refresh", url, str(1_000_000 + number * 10_000), "1")
        try:
            await first_to_publish(one, other)
        finally:
            await one.end()
    check_store(url)


@pytest.mark.parametrize("off", ["+1h", "-1h", "+3d", "-3d"])
async def test_hosts_whose_clocks_are_wrong(server: Server, tally: Tally, off: str) -> None:
    """One of those that refresh, by hand so to speak, and a reader: moments are the database's, and answers whole."""
    wrong = {"LD_PRELOAD": faketime(), "FAKETIME": off}
    async with night(server.url(), tally, f"clock_{off}", refreshing=1):
        other = await Process.start("refresh", server.url(), "1000", "1", **wrong)
        reader = await Process.start(
            "read", server.url(), str(ANSWERS // 10), "5", **wrong
        )  # each look at the clock takes long
        try:
            await other.published_some(60)
            found = await reader.judged()
            assert not found["wrong"], found
        finally:
            await other.end()
            await reader.end()
    check_store(server.url())
    order = "SELECT dataset, published_at, checked_at FROM broker_versions ORDER BY dataset, number"
    moments = server.execute(order)
    now = server.execute("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')")[0][0]
    for dataset in CATALOG.datasets:
        published = [str(moment) for of, moment, _ in moments if of == dataset]
        assert published == sorted(published)
    assert max(str(one) for _, *both in moments for one in both) <= f"{now}.999999Z"


def faketime() -> str:
    """The library that gives a process another time."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    assert found, "tests/packages.sh brings libfaketime up"
    return str(found[0])
