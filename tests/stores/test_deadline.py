"""A deadline ends the work in the database itself, and the connection is as good as before."""

import asyncio
import threading

import pytest
from sqlalchemy import text

from broker.deadline import check, remaining, within
from broker.errors import Overdue
from broker.store import SqlStore
from tests.stores.town import Shop

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"


def count(store: SqlStore, statement: str = ENDLESS) -> object:
    with store.reading() as connection:
        return connection.scalar(text(statement))


def test_a_statement_is_stopped(town: SqlStore) -> None:
    with within(0.2), pytest.raises(Overdue):
        count(town)
    assert count(town, "SELECT 1") == 1
    assert town.version(Shop.__dataset__).number == 1


def test_a_statement_of_the_driver_is_stopped_too(town: SqlStore) -> None:
    with within(0.2), pytest.raises(Overdue), town.driver() as connection:
        connection.execute(ENDLESS).fetchone()
    with town.driver() as connection:
        assert connection.execute("SELECT 1").fetchone()[0] == 1


def test_nothing_is_begun_when_it_is_too_late(town: SqlStore) -> None:
    with within(-1), pytest.raises(Overdue):
        count(town, "SELECT 1")


def test_without_a_deadline_nothing_is_stopped(town: SqlStore) -> None:
    assert remaining() is None
    check()
    many = ENDLESS.replace("1000000000", "300000")
    assert count(town, many) == 300_000


async def test_the_work_of_a_thread_ends_with_the_request(town: SqlStore) -> None:
    ended = threading.Event()

    def work() -> None:
        try:
            count(town)
        finally:
            ended.set()

    with within(0.2), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.to_thread(work)
    assert await asyncio.to_thread(ended.wait, 20)
