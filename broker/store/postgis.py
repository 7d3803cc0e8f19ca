"""PostgreSQL with PostGIS as a store: for a city that outgrows one file, or has several machines answering.

Each geometry is kept in degrees (EPSG:4326) and, computed by the database, in metres (EPSG:2177), both with a GiST index;
the search is an array of words with a GIN index. Writers take turns by an advisory lock, as they do in SQLite.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
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
    func,
    text,
)
from sqlalchemy import column as plain_column
from sqlalchemy import table as plain_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn, CreateIndex

from broker.geometry import METRIC
from broker.query import Find, Read, Term
from broker.store import postgis_connections as connections
from broker.store.bookkeeping import Bookkeeping
from broker.store.column_types import Absent, InMetres, PostgisGeometry
from broker.store.dialect import FoundColumn, FoundTable, Hit, Places, Quick, SearchEntry, Tables, Watch
from broker.store.located import IN_METRES
from broker.store.polling import Poll
from broker.store.postgis_places import PostgisPlaces
from broker.store.statements import Clause
from broker.store.tables import index_name, metric_column

__all__ = ["Postgis"]

LOCK_MILLISECONDS = 250
"""How long a change of a table may keep new readers waiting for an old one."""


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
        with connections.snapshot(connection, seconds, reads) as missing:
            yield missing

    def missing(self, connection: Any, reads: Sequence[Read]) -> Mapping[Read, int]:  # noqa: ANN401 - as the dialect's protocol has it
        """In one statement."""
        return connections.missing(connection, reads)

    def broke_off(self, error: Exception) -> bool:
        """By the class of the database's code; without a code the connection has ended."""
        return connections.broke_off(error)

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
        return connections.engine(url)

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
