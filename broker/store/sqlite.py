"""SQLite as a store: WAL, an R*Tree per located table, FTS5 for the search.

The R*Tree keeps 32-bit floats rounded outwards, so that it gives candidates by rectangle and misses none; what is exact
about places is in `broker.store.sqlite_places`.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Index,
    Select,
    Table,
    Text,
    bindparam,
    column,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy import table as plain_table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from broker.errors import StoreError
from broker.query import Find, Read, Term
from broker.store.bookkeeping import Bookkeeping
from broker.store.dialect import FoundColumn, FoundTable, Hit, Places, Quick, SearchEntry, Tables, Watch
from broker.store.sqlite_places import FUNCTIONS, SqlitePlaces, rtree
from broker.store.statements import Clause

__all__ = ["CommitWatch", "CountedSteps", "Sqlite"]

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "mmap_size=16777216",  # counted as the process's own memory, though it is the file's
    "temp_store=MEMORY",
    "case_sensitive_like=ON",  # as in the standard; what shall ignore case is compared folded
)
BUSY_SECONDS = 30.0
WRITING_KIB, READING_KIB = 32_000, 4_000
"""Of pages kept by a connection: a writer goes back to those of its indexes, a reader has the operating system's."""
LOOKS = 10
QUICK_STEPS = 100_000
"""Steps of the virtual machine that take a millisecond or two: a page of a thousand records by an index takes 40 000."""
STEPS_BETWEEN = 20_000
"""Steps of the virtual machine between two looks at the clock: some tenths of a millisecond."""
TITLE_WEIGHT, TEXT_WEIGHT, WORD_WEIGHT = 10.0, 1.0, 5.0


class CommitWatch:
    """A connection of its own, whose data version changes with every commit of another one (PRAGMA data_version).

    Threads share it, and closing it while one of them asks would end the process.
    """

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=0, isolation_level=None)
        self._cursor = self._connection.cursor()
        self._turn = threading.Lock()

    def token(self) -> object | None:
        """The data version; None when it would have to be waited for, or there is nothing to look at any more."""
        try:
            with self._turn:
                ((token,),) = self._cursor.execute("PRAGMA data_version")
        except (sqlite3.OperationalError, sqlite3.ProgrammingError):
            return None
        return token  # type: ignore[no-any-return]  # a number

    now = token

    def changed(self) -> None:
        """Nothing: the data version says so."""

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._connection.close()


class CountedSteps:
    """A connection whose statements are interrupted after so many steps of SQLite's virtual machine.

    SQLite counts a statement's steps over all its executions, so it is asked now and then, and the counting is done here.
    """

    def __init__(self, pooled: PoolProxiedConnection) -> None:
        connection: Any = pooled.driver_connection
        self.connection = connection
        pooled.detach()
        self._pooled = pooled  # keeps it open
        self._looks = 0
        self.connection.execute("PRAGMA busy_timeout=0")
        self.connection.set_progress_handler(self._look, max(1, QUICK_STEPS // LOOKS))

    def begin(self) -> None:
        """Count anew."""
        self._looks = 0

    def gave_up(self, error: Exception) -> bool:
        """SQLite says that it was interrupted, or that it would have to wait for another process."""
        codes = (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY)
        return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in codes

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _look(self) -> bool:
        self._looks += 1
        return self._looks > LOOKS


class Sqlite:
    """The dialect of SQLite 3.35 and newer."""

    def watch(self, engine: Engine, look: Callable[[], object]) -> Watch:
        """By the data version of the file."""
        del look
        return CommitWatch(str(engine.url.database))

    def quick(self, engine: Engine) -> Quick | None:
        """There is no server to wait for: a connection that counts the steps of SQLite's virtual machine."""
        return CountedSteps(engine.raw_connection())

    @contextmanager
    def snapshot(
        self,
        connection: Any,  # noqa: ANN401 - as the dialect's protocol has it
        seconds: float | None,
        reads: Sequence[Read],
    ) -> Iterator[Mapping[Read, int]]:
        """A transaction, begun unless there is one; SQLite's virtual machine looks at the clock now and then."""
        begun = bool(reads) and not connection.in_transaction
        if seconds is not None:
            until = time.monotonic() + seconds
            connection.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN)
        try:
            if begun:
                connection.execute("BEGIN")
            yield self.missing(connection, reads)
        finally:
            if seconds is not None:
                connection.set_progress_handler(None, 0)
            if begun:
                connection.rollback()

    def missing(self, connection: Any, reads: Sequence[Read]) -> Mapping[Read, int]:  # noqa: ANN401 - as the dialect's protocol has it
        """By the key of the table of versions."""
        missing = [one for one in reads if not connection.execute(HAS, (one[0], *one[1])).fetchone()]
        return {one: connection.execute(LAST, (one[0],)).fetchone()[0] for one in missing}

    def broke_off(self, error: Exception) -> bool:
        """When it would have had to wait too long for another process."""
        return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY

    def among(self, column: ColumnElement[Any], name: str) -> Clause:
        """The values of a JSON array."""
        listed = func.json_each(bindparam(name, type_=Text)).table_valued("value")
        return column.in_(select(listed.c.value))

    def listing(self, values: Sequence[Any]) -> Any:  # noqa: ANN401 - as the dialect's protocol has it
        """A JSON array."""
        return orjson.dumps(list(values)).decode()

    def places(self, store: Tables) -> Places:
        """Questions of place, answered by shapely over arrays where the R*Tree does not say enough."""
        return SqlitePlaces(store)

    def open(self, url: str) -> Engine:
        """An engine over one file, whose folder is made when missing. Raises `StoreError`."""
        path = make_url(url).database
        if not path or path == ":memory:":
            raise StoreError(f"{url}: the store needs a file, e.g. sqlite:////var/lib/broker/store.sqlite")
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{url}: its folder cannot be made ({error})") from error
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=-1)
        event.listen(engine, "connect", _connected)
        event.listen(engine, "begin", _begin)
        return engine

    def declare(self, table: Table, found: FoundTable | None = None) -> None:
        """Nothing: an R*Tree is a table of its own."""

    @property
    def shared(self) -> bool:
        """One host has the file, and whichever command opens it first follows the declarations."""
        return False

    @property
    def clock(self) -> ColumnElement[datetime] | None:
        """None: the file's clock is its host's."""
        return None

    def tables(self, connection: Connection) -> Mapping[str, FoundTable]:
        """By SQLite's own tables of tables, columns and indexes."""
        columns: dict[str, dict[str, FoundColumn]] = {}
        for table, name, kind, required in connection.exec_driver_sql(FIND_COLUMNS):
            columns.setdefault(table, {})[name] = FoundColumn(kind, not required)
        indexes: dict[str, dict[str, tuple[str | None, ...]]] = {}
        for table, index, name in connection.exec_driver_sql(FIND_INDEXES):
            there = indexes.setdefault(table, {})
            there[index] = (*there.get(index, ()), name)
        return {table: FoundTable(there, indexes.get(table, {})) for table, there in columns.items()}

    def let_be_null(self, connection: Connection, table_name: str, column: str) -> None:
        """By a column of the same values in its place, since SQLite takes no constraint off; its indexes go with the old one."""
        found = self.tables(connection)[table_name]
        for index in [name for name, columns in found.indexes.items() if column in columns]:
            connection.exec_driver_sql(f'DROP INDEX "{index}"')
        alter, kind = f'ALTER TABLE "{table_name}"', found.columns[column].type
        connection.exec_driver_sql(f'{alter} ADD COLUMN "{column}__null" {kind}')
        connection.exec_driver_sql(f'UPDATE "{table_name}" SET "{column}__null" = "{column}"')  # noqa: S608 - our own names
        connection.exec_driver_sql(f'{alter} DROP COLUMN "{column}"')
        connection.exec_driver_sql(f'{alter} RENAME COLUMN "{column}__null" TO "{column}"')

    def add_required(self, connection: Connection, table: Table, column: str, value: str) -> None:
        """By a table in its place, since SQLite lets no column be required afterwards."""
        there = [f'"{name}"' for name in self.tables(connection)[table.name].columns]
        earlier, names = f'"{table.name}__earlier"', ", ".join(there)
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" RENAME TO {earlier}')
        table.create(connection)
        connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" ({names}, "{column}") SELECT {names}, {value} FROM {earlier}'  # noqa: S608 - our own names
        )
        connection.exec_driver_sql(f"DROP TABLE {earlier}")

    def replace_places(self, connection: Connection, table: Table) -> None:
        """The R*Tree is filled from the columns of the extent."""
        self.prepare_table(connection, table)
        tree = f"{table.name}__rtree"
        connection.exec_driver_sql(f'DELETE FROM "{tree}"')  # noqa: S608 - our own table's name
        connection.exec_driver_sql(
            f'INSERT INTO "{tree}" SELECT _row, _west, _east, _south, _north FROM "{table.name}" WHERE _west IS NOT NULL'  # noqa: S608
        )

    def give_way(self, connection: Connection) -> None:
        """Nothing: readers of a file in WAL mode do not wait for its writer."""

    def gave_way(self, error: DBAPIError) -> bool:
        """Never."""
        del error
        return False

    def index_later(self, engine: Engine, index: Index) -> None:
        """Never: an index is made in the transaction that follows a declaration."""
        raise NotImplementedError

    def prepare(self, connection: Connection, own: Bookkeeping) -> None:
        """The full-text table: every column holds folded words, so the tokenizer has nothing left to do but split."""
        del own
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE IF NOT EXISTS broker_search USING fts5"
            "(title, text, words, detail=column, prefix='1 2 3', tokenize=\"ascii\")"
        )
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE IF NOT EXISTS broker_words USING fts5vocab(broker_search, row)"
        )

    def prepare_table(self, connection: Connection, table: Table) -> None:
        """The R*Tree of a located table."""
        if table.info["geometry"]:
            connection.exec_driver_sql(
                f'CREATE VIRTUAL TABLE IF NOT EXISTS "{table.name}__rtree" USING rtree(id, west, east, south, north)'
            )

    def drop_table(self, connection: Connection, table_name: str) -> None:
        """The table and its R*Tree."""
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{table_name}"')
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{table_name}__rtree"')

    def index(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add the rows that have a place to the R*Tree."""
        boxes = [
            (row["_row"], row["_west"], row["_east"], row["_south"], row["_north"])
            for row in rows
            if row["_west"] is not None
        ]
        if boxes:
            connection.exec_driver_sql(f'INSERT INTO "{table.name}__rtree" VALUES (?, ?, ?, ?, ?)', boxes)  # noqa: S608 - our own table's name

    def settle(self, connection: Connection, table: Table) -> None:
        """Nothing: its plans do not hang on how much there is."""

    def enter(self, connection: Connection, entries: Sequence[SearchEntry]) -> None:
        """Add to the full-text table."""
        rows = [(one["id"], one["title"], one["text"], one["words"]) for one in entries]
        connection.exec_driver_sql("INSERT INTO broker_search (rowid, title, text, words) VALUES (?, ?, ?, ?)", rows)

    def unplace(self, connection: Connection, table: Table, rows: Select[Any]) -> None:
        """Delete from the R*Tree."""
        if table.info["geometry"]:
            tree = rtree(table.name)
            connection.execute(tree.delete().where(tree.c.id.in_(rows)))

    def unlist(self, connection: Connection, entries: Select[Any]) -> None:
        """Delete from the full-text table."""
        search = plain_table("broker_search", column("rowid"))
        connection.execute(search.delete().where(search.c.rowid.in_(entries)))

    # words

    def find(self, connection: Connection, find: Find) -> tuple[list[Hit], int]:
        """Everything that matches, the title's matches first, then by BM25."""
        match = " AND ".join(_term(one) for one in find.terms)
        title = f"{{title words}} : ({match})"
        versions = orjson.dumps({id: one.number for id, one in find.versions.items()}).decode()
        asked = {
            "match": title if find.titles_only else match,
            "title": title,
            "versions": versions,
            "size": find.size,
            "skip": find.skip,
        }
        rows = connection.execute(FIND, asked).all()
        total = connection.scalar(FIND_COUNT, asked) if len(rows) == find.size or find.skip else len(rows)
        return [(row.dataset, row.row, row.score) for row in rows], int(total or 0)

    def known(self, connection: Connection, word: str, *, prefix: bool) -> bool:
        """By the vocabulary of the full-text table."""
        found = text("SELECT 1 FROM broker_words WHERE term >= :word AND term <= :last LIMIT 1")
        return connection.scalar(found, {"word": word, "last": word + "\x7f" if prefix else word}) is not None

    def vocabulary(self, connection: Connection) -> Iterable[tuple[str, int]]:
        """By the vocabulary of the full-text table."""
        return [(term, count) for term, count in connection.execute(text("SELECT term, doc FROM broker_words"))]


FIND_COLUMNS = """
    SELECT m.name, p.name, p.type, p."notnull" FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p
    WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY p.cid
"""
FIND_INDEXES = """
    SELECT m.name, l.name, i.name FROM sqlite_master AS m JOIN pragma_index_list(m.name) AS l JOIN pragma_index_info(l.name) AS i
    WHERE m.type = 'table' AND l.origin = 'c' ORDER BY l.name, i.seqno
"""


HAS = "SELECT 1 FROM broker_versions WHERE dataset = ? AND number = ? AND ? IN (id, '')"
LAST = "SELECT coalesce(max(number), 0) FROM broker_versions WHERE dataset = ?"


def _connected(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours to say, see _begin
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    for name, (arguments, function) in FUNCTIONS.items():
        connection.create_function(name, arguments, function, deterministic=True)


def _begin(connection: Connection) -> None:
    """A writer takes its turn at the start, so that it never has to give up in the middle."""
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql(f"PRAGMA cache_size=-{WRITING_KIB if writing else READING_KIB}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _term(term: Term) -> str:
    ways = [f'"{stem}"' for stem in term.stems]
    if term.prefix:
        ways.append(f'"{term.prefix}"*')
    return f"({' OR '.join(ways)})"


VISIBLE = """
    FROM broker_search
    JOIN broker_search_entries AS e ON e.id = broker_search.rowid
    JOIN json_each(:versions) AS v ON v.key = e.dataset AND e.since <= v.value AND e.until > v.value
"""
FIND = text(
    f"""
    SELECT e.dataset, e.row, t.rowid IS NOT NULL AS titled,
           -bm25(broker_search, {TITLE_WEIGHT}, {TEXT_WEIGHT}, {WORD_WEIGHT}) + 1000 * (t.rowid IS NOT NULL) AS score
    {VISIBLE}
    LEFT JOIN (SELECT rowid FROM broker_search WHERE broker_search MATCH :title) AS t ON t.rowid = broker_search.rowid
    WHERE broker_search MATCH :match
    ORDER BY titled DESC, score DESC, e.dataset, e.row LIMIT :size OFFSET :skip
    """  # noqa: S608 - constants of this module
).bindparams(bindparam("size", type_=BigInteger), bindparam("skip", type_=BigInteger))
FIND_COUNT = text(f"SELECT count(*) {VISIBLE} WHERE broker_search MATCH :match")
