"""Connections to PostgreSQL: nothing depends on a session, so that a pooler by transaction may stand between.

What a transaction needs is set at its begin, in one statement, for itself alone. Readers see one snapshot; writers take turns by an advisory
lock that ends with their transaction.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.errors import StoreError
from broker.query import Read

__all__ = ["broke_off", "engine", "missing", "snapshot"]

CONNECT_SECONDS = 10
READ_SECONDS = 60
PREPARED_AFTER = 5
"""How often a statement comes before it is prepared."""
IDLE_SECONDS = 10
"""How long a writer that has its turn may do nothing: one that was stopped in the middle makes way."""
PATIENCE_SECONDS = 3
"""How long a writer waits for its turn before it looks whether the one that has it has been stopped."""
SETTINGS = "set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true), set_config('jit', 'off', true)"
"""Set for one transaction each time: a session may be another one's, where a pooler stands between."""
WRITERS = zlib.crc32(b"poznan-broker writers")
LIMIT = "set_config('statement_timeout', %s, true)"
MISSING = """
    ARRAY(
        SELECT CASE
            WHEN EXISTS (
                SELECT 1 FROM broker_versions AS v
                WHERE v.dataset = w.dataset AND v.number = w.number AND w.id IN (v.id, '')
            ) THEN NULL
            ELSE (SELECT coalesce(max(number), 0) FROM broker_versions AS v WHERE v.dataset = w.dataset)
        END
        FROM unnest(%s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY AS w (dataset, number, id, place) ORDER BY place
    )
"""
"""Of each version that is asked for null when it is there, else the number of the newest one."""
BEGIN_WRITING = f"""
    SELECT {SETTINGS}, set_config('statement_timeout', '0', true),
        set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS * 1000}', true), pg_try_advisory_xact_lock({WRITERS})
"""
WAIT = f"SELECT set_config('lock_timeout', '{PATIENCE_SECONDS * 1000}', true), pg_advisory_xact_lock({WRITERS})"
MAKE_WAY = f"""
    SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objid = {WRITERS}::oid AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND a.wait_event_type = 'Client' AND clock_timestamp() - a.state_change > interval '{IDLE_SECONDS} seconds'
"""  # noqa: S608 - constants of this module
"""Ends the writer that has its turn and waits for its client: in the middle of many statements the server does not do that by itself."""
BROKEN_OFF = ("08", "40", "53", "57P")
"""Classes of errors that may not come again: connections, rollbacks, resources, the operator's intervention."""


def engine(url: str) -> Engine:
    """An engine over a database with PostGIS, which is switched on when it is not. Raises `StoreError`."""
    try:
        made = _engine(url, pooled=False)
        with made.connect() as connection, connection.begin():
            if connection.scalar(text("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")) == 0:
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS postgis")
            driver: Any = connection.connection.driver_connection
            pooled = driver.info.backend_pid != connection.scalar(text("SELECT pg_backend_pid()"))
    except SQLAlchemyError as error:
        raise StoreError(
            f"the store at {make_url(url)!r} cannot be opened, or PostGIS cannot be switched on in it: "
            f"{_first_line(error)}"
        ) from error
    if pooled:
        made.dispose()
        made = _engine(url, pooled=True)
    return made


@contextmanager
def snapshot(connection: Any, seconds: float | None, reads: Sequence[Read]) -> Iterator[Mapping[Read, int]]:  # noqa: ANN401 - of the driver
    """See `broker.store.dialect.Dialect.snapshot`."""
    limit = str(max(1, int(min(seconds or READ_SECONDS, READ_SECONDS) * 1000)))
    if not reads:
        connection.execute(f"SELECT {SETTINGS}, {LIMIT}", [limit])
        yield {}
        return
    found = connection.execute(f"SELECT {SETTINGS}, {LIMIT}, {MISSING}", [limit, *_listed(reads)]).fetchone()[-1]
    yield {one: last for one, last in zip(reads, found, strict=True) if last is not None}


def missing(connection: Any, reads: Sequence[Read]) -> Mapping[Read, int]:  # noqa: ANN401 - of the driver
    """See `broker.store.dialect.Dialect.missing`."""
    if not reads:
        return {}
    (found,) = connection.execute(f"SELECT {MISSING}", _listed(reads)).fetchone()
    return {one: last for one, last in zip(reads, found, strict=True) if last is not None}


def broke_off(error: Exception) -> bool:
    """See `broker.store.dialect.Dialect.broke_off`."""
    if not isinstance(error, psycopg.Error):
        return isinstance(error, PoolTimeout)
    code = error.sqlstate
    return isinstance(error, psycopg.OperationalError) if code is None else code.startswith(BROKEN_OFF)


def _listed(reads: Sequence[Read]) -> list[list[Any]]:
    return [[id for id, _ in reads], [one.number for _, one in reads], [one.id for _, one in reads]]


def _engine(url: str, *, pooled: bool) -> Engine:
    """An engine; through a pooler nothing is prepared, since it may lead to another session the next time."""
    engine = create_engine(
        url,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "poznan-broker",
            "prepare_threshold": None if pooled else PREPARED_AFTER,
        },
        isolation_level="REPEATABLE READ",
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
    )
    event.listen(engine, "set_connection_execution_options", _writer)
    event.listen(engine, "begin", _begin)
    return engine


def _writer(_connection: Connection, options: dict[str, Any]) -> None:
    """A writer sees what was committed before its turn came."""
    if options.get("writing"):
        options["isolation_level"] = "READ COMMITTED"


def _begin(connection: Connection) -> None:
    """A writer takes its turn at the start, and may take longer than a reader."""
    if not connection.get_execution_options().get("writing", False):
        return
    if not connection.exec_driver_sql(BEGIN_WRITING).one()[-1]:
        try:
            _wait(connection.connection.driver_connection)
        except psycopg.Error as error:
            raise OperationalError(WAIT, None, error) from error


def _wait(driver: Any) -> None:  # noqa: ANN401 - of the driver, since SQLAlchemy would roll back what fails
    """Wait for the turn; a writer that has it and has been stopped is ended."""
    while True:
        driver.execute("SAVEPOINT turn")
        try:
            driver.execute(WAIT)
        except LockNotAvailable:
            driver.execute("ROLLBACK TO SAVEPOINT turn")
            driver.execute(MAKE_WAY)
        else:
            driver.execute("SET LOCAL lock_timeout = 0")
            return


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
