"""The database under the store: opened, its tables made, connections to read and to write, the versions it holds."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from broker.catalog import Catalog
from broker.deadline import check, remaining
from broker.errors import StoreError
from broker.model import Dataset
from broker.store.bookkeeping import bookkeeping
from broker.store.bulk import Bulk
from broker.store.dialect import Claim, Dialect, Slow
from broker.store.migration import AppliedMigration, Migration, MigrationMode, TableState, applied_migrations
from broker.store.schemas import ChangeKind, SchemaChange
from broker.telemetry import Event, log

__all__ = ["Database", "Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """A version that readers can see. ``number`` 0 is the empty version before the first."""

    dataset: str
    number: int
    published_at: datetime | None = None
    checked_at: datetime | None = None
    records: int = 0
    sample: bool = False


class Database:
    """The tables of a catalogue's data sets in one database, and the store's own; it knows which versions there are."""

    def __init__(
        self,
        url: str,
        catalog: Catalog,
        dialect: Dialect,
        keep: timedelta,
        mode: MigrationMode = MigrationMode.AUTOMATIC,
    ) -> None:
        self.catalog = catalog
        self.keep = keep
        self.dialect = dialect
        self.metadata = MetaData()
        self.own = bookkeeping(self.metadata)
        self.tables: dict[str, Table] = {}
        self.table_states: Mapping[str, TableState] = {}
        self.applied_migrations: list[AppliedMigration] = []
        self.migrated: list[tuple[str, SchemaChange]] = []
        """What was followed when it was opened, by data set."""
        self._numbers: dict[str, int] = {}
        self._turn = threading.Lock()
        self._short = threading.Lock()
        self._bulks: dict[str, Bulk] = {}
        self._known: tuple[object, dict[str, Published]] | None = None
        self.engine = dialect.open(url)
        try:
            self._migrate(mode)
            self._watch = dialect.watch(self.engine)
            self._quick = dialect.quick(self.engine)
        except SQLAlchemyError as error:
            self.engine.dispose()
            raise StoreError(f"the store at {self.engine.url!r} cannot be opened: {_said(error)}") from error
        except StoreError:
            self.engine.dispose()
            raise

    def close(self) -> None:
        """Give back every connection."""
        self._watch.close()
        if self._quick is not None:
            self._quick.close()
        self.engine.dispose()

    def _migrate(self, mode: MigrationMode) -> None:
        """Let the tables follow the declarations as far as this command may, and read them as they are then."""
        migration = Migration(self.engine, self.dialect, self.own, [*self.catalog.datasets.values()], self.keep)
        self.table_states = migration.run(mode)
        self.migrated = migration.done
        for id, one in self.table_states.items():
            self.tables[id] = one.plan.readable(self.metadata)
            self._numbers[id] = one.plan.before.number if one.plan.before else 0
            if reason := one.read_refusal or one.write_refusal:
                log().warning(Event.SCHEMA_WAITS, dataset=id, reason=reason)
        if mode is not MigrationMode.NOTHING:
            with self.reading() as connection:
                self.applied_migrations = applied_migrations(connection, self.own)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads. Raises `StoreError` for whatever the database says, `Overdue` when there is no time left."""
        try:
            with self.engine.connect() as connection, self._limited(connection.connection.driver_connection):
                yield connection
        except SQLAlchemyError as error:
            check()
            raise StoreError(f"the store cannot be read: {_said(error)}") from error

    def _limited(self, connection: Any) -> AbstractContextManager[None]:  # noqa: ANN401 - of the driver
        left = remaining()
        if left is None:
            return nullcontext()
        check()
        return self.dialect.limit(connection, left)

    @contextmanager
    def driver(self) -> Iterator[Any]:
        """The driver's own connection, to read by. Raises as `reading` does."""
        connection = self.engine.raw_connection()
        try:
            with self._limited(connection.driver_connection):
                yield connection.driver_connection
        except self._driver_error as error:
            check()
            raise StoreError(f"the store cannot be read: {error}") from error
        finally:
            connection.close()

    @contextmanager
    def quick_driver(self) -> Iterator[Any]:
        """The same for short statements where nothing may block: raises `Slow` when one is not, or cannot be told to be."""
        if self._quick is None or not self._short.acquire(blocking=False):
            raise Slow
        try:
            self._quick.begin()
            yield self._quick.connection
        except self._driver_error as error:
            if self._quick.gave_up(error):
                raise Slow from error
            raise StoreError(f"the store cannot be read: {error}") from error
        finally:
            self._short.release()

    @property
    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = self.engine.dialect.dbapi.Error  # type: ignore[union-attr]  # there is a driver
        return error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes, one at a time in this process; the database sees to other processes."""
        try:
            with self._turn, self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be written: {_said(error)}") from error

    def check_writable(self, connection: Connection, dataset: Dataset) -> None:
        """Raise `StoreError` unless the table still follows this declaration; called in the writing transaction."""
        state, own = self.table_states[dataset.id], self.own.schemas
        if state.write_refusal:
            raise StoreError(state.write_refusal)
        newest = connection.scalar(select(func.max(own.c.number)).where(own.c.dataset == dataset.id))
        if newest != self._numbers[dataset.id]:
            raise StoreError(
                f"{dataset.id}: a newer broker has changed its declaration meanwhile; this one answers, and refreshes it no "
                "more: start the newer one in its place"
            )

    def bulk(self, one: Table) -> Bulk:
        """What inserts many rows into a table of this store."""
        if one.name not in self._bulks:
            self._bulks[one.name] = Bulk(one, self.engine.dialect)
        return self._bulks[one.name]

    # versions

    def known_versions(self) -> dict[str, Published] | None:
        """What `versions` would give, when it is certain that nothing was committed since it was last looked up.

        For SQLite this takes some microseconds and may be called where nothing may block.
        """
        known = self._known
        return known[1] if known is not None and known[0] == self._watch.token() else None

    def versions(self) -> dict[str, Published]:
        """The newest version of every data set, in one look: what a request reads from begin to end."""
        token = self._watch.token()  # before the look: what is committed meanwhile makes it look again
        found = self._versions()
        self._known = None if token is None else (token, found)
        return found

    def _versions(self) -> dict[str, Published]:
        own = self.own.versions
        newest = select(own.c.dataset, func.max(own.c.number).label("number")).group_by(own.c.dataset).subquery()
        statement = select(own).join(newest, (own.c.dataset == newest.c.dataset) & (own.c.number == newest.c.number))
        with self.reading() as connection:
            found = {row.dataset: Published(**row._mapping) for row in connection.execute(statement)}
        return {
            id: Published(id, 0) if one.read_refusal else found.get(id, Published(id, 0))
            for id, one in self.table_states.items()
        }

    @cached_property
    def changed(self) -> Mapping[str, datetime]:
        """When the table of a data set last followed a change of its declaration, by the data set's id."""
        found = [
            one
            for one in self.applied_migrations
            if any(change.kind is not ChangeKind.ADOPTED for change in one.changes)
        ]
        return {one.dataset: one.at for one in reversed(found)}

    def may_lack(self, dataset: Dataset, field: str) -> bool:
        """Whether there are versions without any value of a field that every record has now."""
        return bool(self.tables[dataset.id].c[field].info.get("late"))

    def next_number(self, base: Published) -> int:
        """The number of the next version; after a change of the key numbers continue from the earlier history."""
        return max(base.number, self.table_states[base.dataset].plan.schema.floor) + 1

    def version(self, dataset: Dataset) -> Published:
        """The newest version of a data set; number 0 before its first."""
        return self.versions()[dataset.id]

    def claim(self, name: str) -> Claim | None:
        """Be the only one, over all processes of this store, to do what has this name; None when another one is."""
        return self.dialect.claim(self.engine, name)


def _said(error: SQLAlchemyError) -> str:
    """What the database said, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
