"""PostgreSQL with PostGIS as a store: for a city that outgrows one file, or has several machines answering.

Each geometry is kept in degrees (EPSG:4326) and, computed by the database, in metres (EPSG:2177), both with a GiST index;
the search is an array of words with a GIN index. Writers take turns by an advisory lock, as they do in SQLite.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg.errors import LockNotAvailable
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Computed,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    text,
)
from sqlalchemy import column as plain_column
from sqlalchemy import table as plain_table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import CreateColumn, CreateIndex

from broker.errors import StoreError
from broker.geometry import METRIC
from broker.query import Find, Read, Term
from broker.store.bookkeeping import Bookkeeping
from broker.store.column_types import Absent, InMetres, PostgisGeometry
from broker.store.dialect import FoundColumn, FoundTable, Hit, Places, Quick, SearchEntry, Tables, Watch
from broker.store.located import IN_METRES
from broker.store.polling import Poll
from broker.store.postgis_places import PostgisPlaces
from broker.store.statements import Clause
from broker.store.tables import index_name, metric_column

__all__ = ["Postgis"]

CONNECT_SECONDS = 10
LOCK_MILLISECONDS = 250
"""How long a change of a table may keep new readers waiting for an old one."""
READ_SECONDS = 60
PREPARED_AFTER = 5
"""How often a statement comes before it is prepared."""
IDLE_SECONDS = 10
"""How long a writer that has its turn may do nothing: one that was stopped in the middle makes way."""
SETTINGS = "set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true), set_config('jit', 'off', true)"
"""Set for one transaction each time: a session may be another one's, where a pooler stands between."""
WRITERS = zlib.crc32(b"poznan-broker writers")


class Postgis:
    """The dialect of PostgreSQL 13 and newer with PostGIS 3."""

    def watch(self, engine: Engine, look: Callable[[], object]) -> Watch:
        """By a thread that looks some times a second."""
        del engine
        return Poll(look)

    def quick(self, engine: Engine) -> Quick | None:
        """None: a server is waited for."""
        del engine
        return None

    @contextmanager
    def snapshot(
        self,
        connection: Any,  # noqa: ANN401 - as the dialect's protocol has it
        seconds: float | None,
        reads: Sequence[Read],
    ) -> Iterator[Mapping[Read, int]]:
        """A transaction whose statements all see the same (REPEATABLE READ); the server ends what takes longer."""
        left = READ_SECONDS if seconds is None else min(seconds, READ_SECONDS)
        limit = str(max(1, int(left * 1000)))
        if not reads:
            connection.execute(f"SELECT {SETTINGS}, {LIMIT}", [limit])
            yield {}
            return
        found = connection.execute(f"SELECT {SETTINGS}, {LIMIT}, {MISSING}", [limit, *_listed(reads)]).fetchone()[-1]
        yield {one: last for one, last in zip(reads, found, strict=True) if last is not None}

    def missing(self, connection: Any, reads: Sequence[Read]) -> Mapping[Read, int]:  # noqa: ANN401 - as the dialect's protocol has it
        """In one statement."""
        if not reads:
            return {}
        (found,) = connection.execute(f"SELECT {MISSING}", _listed(reads)).fetchone()
        return {one: last for one, last in zip(reads, found, strict=True) if last is not None}

    def broke_off(self, error: Exception) -> bool:
        """By the class of the database's code; without a code the connection has ended."""
        if not isinstance(error, psycopg.Error):
            return isinstance(error, PoolTimeout)
        code = error.sqlstate
        return isinstance(error, psycopg.OperationalError) if code is None else code.startswith(BROKEN_OFF)

    def among(self, column: ColumnElement[Any], name: str) -> Clause:
        """The values of an array."""
        kind = ARRAY(BigInteger if isinstance(column.type, BigInteger | Integer) else Text)
        return column == func.any(bindparam(name, type_=kind))

    def listing(self, values: Sequence[Any]) -> Any:  # noqa: ANN401 - as the dialect's protocol has it
        """A list."""
        return list(values)

    def places(self, store: Tables) -> Places:
        """Questions of place, answered in SQL."""
        return PostgisPlaces(store)

    def open(self, url: str) -> Engine:
        """An engine over a database with PostGIS, which is switched on when it is not. Raises `StoreError`."""
        try:
            engine = _engine(url, pooled=False)
            with engine.connect() as connection, connection.begin():
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
            engine.dispose()
            engine = _engine(url, pooled=True)
        return engine

    @property
    def shared(self) -> bool:
        """Several hosts may answer, and one is upgraded after the other."""
        return True

    @property
    def clock(self) -> ColumnElement[datetime] | None:
        """The server's, as it goes on within a transaction."""
        return func.clock_timestamp(type_=DateTime(timezone=True))

    def tables(self, connection: Connection) -> Mapping[str, FoundTable]:
        """By the database's own catalogue."""
        columns: dict[str, dict[str, FoundColumn]] = {}
        for table, name, kind, required, computed in connection.exec_driver_sql(FIND_COLUMNS):
            columns.setdefault(table, {})[name] = FoundColumn(kind, not required, computed)
        indexes: dict[str, dict[str, tuple[str | None, ...]]] = {}
        for table, index, names in connection.exec_driver_sql(FIND_INDEXES):
            indexes.setdefault(table, {})[index] = tuple(names)
        return {table: FoundTable(there, indexes.get(table, {})) for table, there in columns.items()}

    def let_be_null(self, connection: Connection, table_name: str, column: str) -> None:
        """By a change of the catalogue alone."""
        connection.exec_driver_sql(f'ALTER TABLE "{table_name}" ALTER COLUMN "{column}" DROP NOT NULL')

    def add_required(self, connection: Connection, table: Table, column: str, value: str) -> None:
        """By a column that is filled before it is required."""
        added = CreateColumn(table.c[column]).compile(dialect=connection.dialect)
        alter = f'ALTER TABLE "{table.name}"'
        connection.exec_driver_sql(f"{alter} ADD COLUMN {str(added).replace(' NOT NULL', '')}")
        connection.exec_driver_sql(f'UPDATE "{table.name}" SET "{column}" = {value}')  # noqa: S608 - our own names
        connection.exec_driver_sql(f'{alter} ALTER COLUMN "{column}" SET NOT NULL')

    def replace_places(self, connection: Connection, table: Table) -> None:
        """Nothing: the database keeps its indexes itself."""

    def give_way(self, connection: Connection) -> None:
        """By the time that a statement waits for a lock."""
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")

    def gave_way(self, error: DBAPIError) -> bool:
        """By the database's code for it."""
        return isinstance(error.orig, LockNotAvailable)

    def index_later(self, engine: Engine, index: Index) -> None:
        """Concurrently; an invalid index of an interrupted attempt is dropped first."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql(f'DROP INDEX CONCURRENTLY IF EXISTS "{index.name}"')
            made = CreateIndex(index).compile(dialect=engine.dialect)
            connection.exec_driver_sql(str(made).replace("INDEX", "INDEX CONCURRENTLY", 1))
            connection.invalidate()  # what was set for it is not for those who take it from the pool next

    def declare(self, table: Table, found: FoundTable | None = None) -> None:
        """The geometry in metres, and an index on both; none on texts.

        A text may be longer than an index takes (some 2 700 bytes), and ordered with the absent ones first none would be used.
        """
        for one in [one for one in table.indexes if one.info.get("text")]:
            table.indexes.discard(one)
        if shape := table.info["geometry"]:
            if isinstance(table.c[shape], Absent):
                table.append_column(Absent(IN_METRES, PostgisGeometry(METRIC)))
                return
            column = table.c[shape].name
            if found is None or IN_METRES in found.computed_from(column):
                metres = Computed(f"ST_Transform({column}, {METRIC})", persisted=True)
                table.append_column(Column(IN_METRES, PostgisGeometry(METRIC), metres))
            else:  # to add a computed column would rewrite the table, and nobody could read it meanwhile
                named = metric_column(column)
                table.append_column(Column(named, InMetres(METRIC), key=IN_METRES, info={"value_of": shape}))
            for indexed in (table.c[shape], table.c[IN_METRES]):
                Index(index_name(table.name, f"{indexed.name}_gist"), indexed, postgresql_using="gist")

    def prepare(self, connection: Connection, own: Bookkeeping) -> None:
        """The words of the search: of the title, and all of them."""
        del own
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS broker_search (id bigint PRIMARY KEY, title tsvector NOT NULL, whole tsvector NOT NULL)"
        )
        for name in ("title", "whole"):
            connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS ix_broker_search_{name} ON broker_search USING gin ({name})"
            )

    def prepare_table(self, connection: Connection, table: Table) -> None:
        """Nothing more than was declared."""

    def drop_table(self, connection: Connection, table_name: str) -> None:
        """The table with its indexes."""
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{table_name}"')

    def index(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Nothing: the database keeps its indexes itself."""

    def settle(self, connection: Connection, table: Table) -> None:
        """Statistics for the planner, without which it takes a large table for a small one."""
        connection.exec_driver_sql(f'ANALYZE "{table.name}"')

    def enter(self, connection: Connection, entries: Sequence[SearchEntry]) -> None:
        """Add their words."""
        rows = [
            {
                "id": one["id"],
                "title": f"{one['title']} {one['words']}",
                "whole": f"{one['title']} {one['words']} {one['text']}",
            }
            for one in entries
        ]
        if rows:
            connection.execute(ENTER, rows)

    def unplace(self, connection: Connection, table: Table, rows: Select[Any]) -> None:
        """Nothing: the database keeps its indexes itself."""

    def unlist(self, connection: Connection, entries: Select[Any]) -> None:
        """Delete from the search."""
        search = plain_table("broker_search", plain_column("id"))
        connection.execute(search.delete().where(search.c.id.in_(entries)))

    # words

    def find(self, connection: Connection, find: Find) -> tuple[list[Hit], int]:
        """Everything that matches, the title's matches first, then by rank."""
        asked = {
            "match": " & ".join(map(_term, find.terms)),
            "versions": orjson.dumps({id: one.number for id, one in find.versions.items()}).decode(),
            "titles_only": find.titles_only,
            "size": find.size,
            "skip": find.skip,
        }
        rows = connection.execute(FIND, asked).all()
        total = connection.scalar(FIND_COUNT, asked) if len(rows) == find.size or find.skip else len(rows)
        return [(row.dataset, row.row, row.score) for row in rows], int(total or 0)

    def known(self, connection: Connection, word: str, *, prefix: bool) -> bool:
        """By the index of words."""
        match = _quoted(word) + (":*" if prefix else "")
        found = text("SELECT 1 FROM broker_search WHERE whole @@ CAST(:match AS tsquery) LIMIT 1")
        return connection.scalar(found, {"match": match}) is not None

    def vocabulary(self, connection: Connection) -> Iterable[tuple[str, int]]:
        """By the database's own statistics of words."""
        counted = text("SELECT word, ndoc FROM ts_stat('SELECT whole FROM broker_search')")
        return [(word, count) for word, count in connection.execute(counted)]


FIND_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        CASE WHEN a.attgenerated = 's' THEN pg_get_expr(d.adbin, d.adrelid) ELSE '' END
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
FIND_INDEXES = """
    SELECT t.relname, i.relname, ARRAY(
        SELECT a.attname::text FROM unnest(x.indkey) WITH ORDINALITY AS k (number, place)
        LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number ORDER BY k.place)
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND NOT x.indisprimary AND x.indisvalid
"""


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


def _listed(reads: Sequence[Read]) -> list[list[Any]]:
    return [[id for id, _ in reads], [one.number for _, one in reads], [one.id for _, one in reads]]


BEGIN_WRITING = f"""
    SELECT {SETTINGS}, set_config('statement_timeout', '0', true),
        set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS * 1000}', true), pg_advisory_xact_lock({WRITERS})
"""
BROKEN_OFF = ("08", "40", "53", "57P")
"""Classes of errors that may not come again: connections, rollbacks, resources, the operator's intervention."""


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
    if connection.get_execution_options().get("writing", False):
        connection.exec_driver_sql(BEGIN_WRITING)


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _term(term: Term) -> str:
    ways = [_quoted(stem) for stem in term.stems]
    if term.prefix:
        ways.append(f"{_quoted(term.prefix)}:*")
    return f"({' | '.join(ways)})"


def _words(parameter: str) -> str:
    """A text's words as they are: nothing is left for a parser to decide."""
    return f"array_to_tsvector(array_remove(string_to_array(:{parameter}, ' '), ''))"


ENTER = text(
    f"INSERT INTO broker_search (id, title, whole) VALUES (:id, {_words('title')}, {_words('whole')})"  # noqa: S608 - parameters' names
)
VISIBLE = """
    FROM broker_search AS s
    JOIN broker_search_entries AS e ON e.id = s.id
    JOIN jsonb_each_text(CAST(:versions AS jsonb)) AS v
      ON v.key = e.dataset AND e.since <= CAST(v.value AS bigint) AND e.until > CAST(v.value AS bigint)
    WHERE s.whole @@ CAST(:match AS tsquery) AND (NOT :titles_only OR s.title @@ CAST(:match AS tsquery))
"""
FIND = text(
    f"""
    SELECT e.dataset, e.row, s.title @@ CAST(:match AS tsquery) AS titled,
           ts_rank(s.whole, CAST(:match AS tsquery)) + CASE WHEN s.title @@ CAST(:match AS tsquery) THEN 1000 ELSE 0 END AS score
    {VISIBLE}
    ORDER BY titled DESC, score DESC, e.dataset COLLATE "C", e.row LIMIT :size OFFSET :skip
    """
).bindparams(bindparam("size", type_=BigInteger), bindparam("skip", type_=BigInteger))
FIND_COUNT = text(f"SELECT count(*) {VISIBLE}")
