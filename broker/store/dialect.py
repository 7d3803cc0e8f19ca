"""What a database must do for the store beyond plain SQL: places, full text, and how it is opened.

One small class a database. Everything else, the tables, the statements and the versions, is the same for all of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Index, Select, Table
from sqlalchemy.exc import DBAPIError

from broker.query import Find, Pair, Read, Related
from broker.store.bookkeeping import Bookkeeping
from broker.store.statements import Clause, Place

__all__ = [
    "MAX_ROWS",
    "Dialect",
    "FoundColumn",
    "FoundTable",
    "Hit",
    "Joined",
    "Places",
    "Quick",
    "SearchEntry",
    "Slow",
    "Tables",
    "Watch",
]

SearchEntry = Mapping[str, Any]
"""One record as the search keeps it: ``id``, and folded ``title`` stems, ``text`` stems and title ``words``."""

Hit = tuple[str, int, float]
"""A data set's id, a row of its table, and a score that is better when higher."""


MAX_ROWS = 100_000
"""The most related records that one join gives."""


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """A column as the database has it: its type in the database's words, whether it may be null, what it is computed by."""

    type: str
    nullable: bool
    computed: str = ""


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table as the database has it: its columns by name, and the columns of each of its indexes that works."""

    columns: Mapping[str, FoundColumn]
    indexes: Mapping[str, tuple[str | None, ...]]

    def computed_from(self, column: str) -> list[str]:
        """The columns that the database computes from another one."""
        mentioned = re.compile(rf'(?<!\w)"?{re.escape(column)}"?(?!\w)')
        return [name for name, one in self.columns.items() if mentioned.search(one.computed)]


class Tables(Protocol):
    """What questions of place need of the store: its tables by data set, and connections that read."""

    tables: dict[str, Table]

    def reading(self, *reads: Read) -> AbstractContextManager[Connection]:
        """One snapshot to read from, which has these versions."""
        ...


class Joined(Protocol):
    """The records of a data set that are linked to each of some parents: one computation for all of them."""

    reads: tuple[Read, ...]
    """The versions that it is made from."""

    def counts(self) -> dict[Any, int]:
        """How many there are, by parent; a parent without any may be missing."""
        ...

    def pairs(self, size: int, *, nearest: bool, distance: bool, shared: bool) -> list[Pair]:
        """Of each parent the first ones, by key or the nearest first (then by key), with the measures asked for.

        Raises `TooMuch` above `MAX_ROWS`.
        """
        ...

    def relation(self) -> FromClause:
        """The pairs as something to select from: ``parent``, a position among the keys asked for, and ``row``."""
        ...

    def shared(self) -> dict[Any, float]:
        """Square metres that a parent shares with all of them together, counted once where they overlap."""
        ...


class Places(Place, Protocol):
    """How one store answers questions of place."""

    def join(self, related: Related) -> Joined:
        """Link records to parents. Raises `TooMuch` when there are more pairs than a request may ask for."""
        ...


class Slow(Exception):
    """A statement that should have been quick is not: it is given up, to be executed where it may take its time."""


class Quick(Protocol):
    """A connection of the driver on which a statement is given up when it takes more than a millisecond or two."""

    @property
    def connection(self) -> Any:  # noqa: ANN401 - of the driver
        """The connection."""
        ...

    def begin(self) -> None:
        """Count anew how long it takes."""
        ...

    def gave_up(self, error: Exception) -> bool:
        """Whether this is what the driver says of a statement that was given up."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Watch(Protocol):
    """Knows whether the newest versions that were looked up are still the newest, without blocking."""

    def token(self) -> object | None:
        """Stands for a look that begins now; None when nothing can be told of it later."""
        ...

    def now(self) -> object | None:
        """Equal to the token of a look while its versions may be taken for the newest; None when that cannot be told."""
        ...

    def changed(self) -> None:
        """Called after this process has published a version, so that its own requests read it at once."""
        ...

    def close(self) -> None:
        """Look no more."""
        ...


class Dialect(Protocol):
    """How one kind of database is opened, indexes places, and finds words."""

    @property
    def shared(self) -> bool:
        """Whether hosts of two builds may share a database: then tables that are there change by command alone."""
        ...

    @property
    def clock(self) -> ColumnElement[datetime] | None:
        """What time it is in the database; None for a database that has no clock but its host's."""
        ...

    def tables(self, connection: Connection) -> Mapping[str, FoundTable]:
        """The tables that the database has, by name."""
        ...

    def let_be_null(self, connection: Connection, table_name: str, column: str) -> None:
        """Let a column be null that was NOT NULL."""
        ...

    def add_required(self, connection: Connection, table: Table, column: str, value: str) -> None:
        """Add a column that may not be null to one of the store's own tables; its rows have this value, which is SQL."""
        ...

    def replace_places(self, connection: Connection, table: Table) -> None:
        """Rebuild the spatial index from the rows."""
        ...

    def give_way(self, connection: Connection) -> None:
        """Let a change of a table give up soon when somebody reads it, for the rest of the transaction."""
        ...

    def gave_way(self, error: DBAPIError) -> bool:
        """Whether this is what the database says of such a change."""
        ...

    def index_later(self, engine: Engine, index: Index) -> None:
        """Create an index without blocking readers or writers; an invalid one of that name is replaced."""
        ...

    def watch(self, engine: Engine, look: Callable[[], object]) -> Watch:
        """What knows how long versions stay the newest; ``look`` looks them up."""
        ...

    def quick(self, engine: Engine) -> "Quick | None":
        """A connection for short statements, where these take no longer than handing them to a thread; else None."""
        ...

    def snapshot(
        self,
        connection: Any,  # noqa: ANN401 - of the driver
        seconds: float | None,
        reads: Sequence[Read],
    ) -> AbstractContextManager[Mapping[Read, int]]:
        """Begin one snapshot on a driver's connection; its statements are cancelled after ``seconds``.

        Gives those of the versions that it does not have, with the number of the newest version of their data set.
        """
        ...

    def missing(self, connection: Any, reads: Sequence[Read]) -> Mapping[Read, int]:  # noqa: ANN401 - of the driver
        """The same of a snapshot that was begun."""
        ...

    def broke_off(self, error: Exception) -> bool:
        """Whether this error of the driver says that the database is away, or cancelled what may go well the next time."""
        ...

    def among(self, column: ColumnElement[Any], name: str) -> Clause:
        """Whether a column is among the values of a parameter."""
        ...

    def listing(self, values: Sequence[Any]) -> Any:  # noqa: ANN401 - as the driver takes it
        """Values as such a parameter."""
        ...

    def places(self, store: Tables) -> Places:
        """What answers questions of place in this store."""
        ...

    def open(self, url: str) -> Engine:
        """An engine for this address; a connection with the execution option ``writing`` may write. Raises `StoreError`."""
        ...

    def declare(self, table: Table, found: FoundTable | None = None) -> None:
        """Add to a data set's table what this database needs for its places; ``found`` is the table as it is, when it is."""
        ...

    def prepare(self, connection: Connection, own: Bookkeeping) -> None:
        """Make what the search needs, when it is not there."""
        ...

    def prepare_table(self, connection: Connection, table: Table) -> None:
        """Make what a data set's table needs for its places, when it is not there."""
        ...

    def drop_table(self, connection: Connection, table_name: str) -> None:
        """Take away a data set's table and what belongs to it."""
        ...

    def index(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take new rows of a located data set into the index of places."""
        ...

    def settle(self, connection: Connection, table: Table) -> None:
        """Let the database take notice of how much a table holds now, after a version has been published."""
        ...

    def enter(self, connection: Connection, entries: Sequence[SearchEntry]) -> None:
        """Take new records into the search."""
        ...

    def unplace(self, connection: Connection, table: Table, rows: Select[Any]) -> None:
        """Take these rows out of the index of places."""
        ...

    def unlist(self, connection: Connection, entries: Select[Any]) -> None:
        """Take these entries out of the search."""
        ...

    def find(self, connection: Connection, find: Find) -> tuple[list[Hit], int]:
        """A page of what matches, best first, and how many there are in all."""
        ...

    def known(self, connection: Connection, word: str, *, prefix: bool) -> bool:
        """Whether any record holds this word, or one that begins with it."""
        ...

    def vocabulary(self, connection: Connection) -> Iterable[tuple[str, int]]:
        """Every word the search holds, and in how many records."""
        ...
