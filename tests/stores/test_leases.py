"""Of all processes of a store one does a thing, and one that was not heard of for a while writes nothing any more."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select, update

from broker.catalog import Catalog
from broker.errors import LeaseLost
from broker.store import SqlStore, leases
from broker.store import postgis_connections as connections
from broker.store.leases import TERM, Lease

ELSEWHERE = "another-host/1/1/x"
"""A holder of whom nobody here can know whether it has ended."""


@pytest.fixture
def other(store: SqlStore, opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> SqlStore:
    """The same store, opened by another process so to speak."""
    del store
    return opened(catalog)


def put_off(store: SqlStore, name: str, by: timedelta, holder: str | None = ELSEWHERE) -> None:
    """As if a lease had been given so long ago, to this holder."""
    own = store.own.leases
    with store.writing() as connection:
        now = store.clock.read(connection)
        values = {"expires_at": now + TERM - by} | ({"holder": holder} if holder else {})
        connection.execute(update(own).where(own.c.name == name).values(**values))


def tokens(store: SqlStore) -> dict[str, int]:
    with store.reading() as connection:
        return dict(connection.execute(select(store.own.leases.c.name, store.own.leases.c.token)).all())


def taken(store: SqlStore, name: str = "it") -> Lease:
    lease = store.lease(name)
    assert lease is not None
    return lease


def test_one_has_it_until_it_is_released(store: SqlStore, other: SqlStore) -> None:
    lease = taken(store)
    assert (other.lease("it"), store.lease("it")) == (None, None)
    assert lease.is_held()
    taken(other, "something else").release()
    lease.release()
    assert not lease.is_held()
    again = taken(other)
    assert again.token == lease.token + 1
    lease.release()  # the release of one who has it no more is nobody's
    assert again.is_held()


def test_one_that_is_not_heard_of_is_followed_and_writes_no_more(store: SqlStore, other: SqlStore) -> None:
    lease = taken(store)
    put_off(store, "it", TERM - timedelta(seconds=1))
    assert other.lease("it") is None
    put_off(store, "it", TERM + timedelta(seconds=1))
    following = taken(other)
    assert (following.token, lease.is_held()) == (lease.token + 1, False)
    with pytest.raises(LeaseLost, match="another one has taken over"), store.writing(lease):
        pytest.fail("nothing is written under a lost lease")
    with other.writing(following):
        pass
    assert tokens(store)["it"] == following.token


def test_a_token_given_twice_is_another_holders(store: SqlStore, other: SqlStore) -> None:
    """A failover may lose that a lease changed hands: the same token is then given once more."""
    put_off(store, taken(store).name, 2 * TERM)
    lost = taken(store)
    own = store.own.leases
    with store.writing() as connection:
        connection.execute(update(own).values(token=lost.token - 1, holder=None))
    found = taken(other)
    assert found.token == lost.token
    with pytest.raises(LeaseLost), store.writing(lost):
        pytest.fail("it is another one's")


def test_a_process_of_this_host_that_has_ended_is_followed_at_once(store: SqlStore, other: SqlStore) -> None:
    lease = taken(store)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = leases._HOST
    put_off(store, "it", timedelta(0), f"{host}/{os.getpid()}/{leases._begun(os.getpid())}/x")
    assert other.lease("it") is None
    put_off(store, "it", timedelta(0), f"{host}/{ended.pid}/1/x")
    assert taken(other).token == lease.token + 1


def test_a_lease_that_expires_later_than_any_may_came_from_a_wrong_clock(store: SqlStore, other: SqlStore) -> None:
    taken(store)
    put_off(store, "it", -timedelta(days=3))
    assert other.lease("it") is not None


def test_it_is_renewed_as_long_as_it_is_held(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWED", 0.05)
    own, lease = store.own.leases, taken(store)
    until = select(own.c.expires_at).where(own.c.name == "it")

    def expires() -> object:
        with store.reading() as connection:
            return connection.scalar(until)

    first = expires()
    waited = threading.Event()
    for _ in range(100):
        if expires() != first:
            break
        waited.wait(0.05)
    assert expires() > first  # type: ignore[operator]
    lease.release()


def test_takers_take_turns(address: str, opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> None:
    stores = [opened(catalog) for _ in range(4)]
    got: list[Lease | None] = []
    threads = [threading.Thread(target=lambda one=one: got.append(one.lease("it"))) for one in stores * 3]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one is not None for one in got) == 1, address


def test_a_writer_that_stops_in_the_middle_makes_way(
    address: str, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while many statements are on their way the server waits for the rest of them, and holds all that it has locked."""
    if not address.startswith("postgresql"):
        return  # a file's lock is the kernel's, and goes with its process alone
    monkeypatch.setattr(connections, "WAIT", connections.WAIT.replace("'3000'", "'300'"))
    monkeypatch.setattr(connections, "MAKE_WAY", connections.MAKE_WAY.replace("'10 seconds'", "'1 second'"))
    with psycopg.connect(address.replace("+psycopg", "")) as stopped:
        assert stopped.execute(f"SELECT pg_try_advisory_xact_lock({connections.WRITERS})").fetchone() == (True,)
        stopped.pgconn.enter_pipeline_mode()
        stopped.pgconn.send_query_params(b"SELECT 1", None)
        stopped.pgconn.send_flush_request()
        stopped.pgconn.flush()
        began = time.monotonic()
        with store.writing() as connection:
            assert connection.scalar(select(1)) == 1
        assert 0.5 < time.monotonic() - began < 10
        stopped.pgconn.finish()
