"""The database under the store: opened, its tables made, connections to read and to write, the versions it holds."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, MetaData, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from broker.catalog import Catalog
from broker.deadline import check, remaining
from broker.errors import StoreError, StoreUnavailable, VersionGone
from broker.model import Dataset
from broker.query import Read
from broker.store.applied_migrations import AppliedMigration, applied_migrations
from broker.store.bookkeeping import bookkeeping, without_added
from broker.store.bulk import Bulk
from broker.store.clock import StoreClock
from broker.store.dialect import Dialect, Slow
from broker.store.leases import Lease, Leases
from broker.store.migration import Migration, MigrationMode, TableState
from broker.store.published import Published, newest
from broker.store.schemas import ChangeKind, SchemaChange
from broker.telemetry import Event, log

__all__ = ["Database", "tried_again"]

PAUSE = 0.1
"""Seconds before a read that was broken off is tried again."""
P = ParamSpec("P")
T = TypeVar("T")


def tried_again(read: Callable[P, T]) -> Callable[P, T]:
    """A function that only reads the store: what the database broke off is tried once more, while the request has time."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except StoreUnavailable:
            left = remaining()
            if left is not None and left < 2 * PAUSE:
                raise
            time.sleep(PAUSE)
            return read(*args, **kwargs)

    return reading


@dataclass(slots=True)
class _Snapshot:
    """What a thread reads from, and the versions that are known to be in it."""

    connection: Connection
    reads: set[Read]


class Database:
    """The tables of a catalogue's data sets in one database, and the store's own; it knows which versions there are.

    ``own_added`` and ``own_waiting`` say in words what the store's own tables got when it was opened, and what they are to get by
    `broker migrate`; ``migrated`` what the tables of the data sets have followed then, by data set.
    """

    own_added: Sequence[str] = ()
    own_waiting: Sequence[str] = ()

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
        self.clock = StoreClock(dialect)
        self.versions_table = self.own.versions
        self._identified = False
        self._numbers: dict[str, int] = {}
        self._turn = threading.Lock()
        self._short = threading.Lock()
        self._here = threading.local()
        self._looking = threading.Lock()
        self._bulks: dict[str, Bulk] = {}
        self._known: tuple[object, Mapping[str, Published]] | None = None
        self.engine = dialect.open(url)
        self.leases = Leases(self.own.leases, self.clock, self.reading, self.writing, self._single)
        try:
            self._migrate(mode)
            self._watch = dialect.watch(self.engine, self.look)
            self._quick = dialect.quick(self.engine)
        except SQLAlchemyError as error:
            self.engine.dispose()
            raise StoreError(f"the store at {self.engine.url!r} cannot be opened: {_said(error)}") from error
        except StoreError:
            self.engine.dispose()
            raise

    def close(self) -> None:
        """Give back every connection."""
        self.leases.close()
        self._watch.close()
        if self._quick is not None:
            self._quick.close()
        self.engine.dispose()

    def _migrate(self, mode: MigrationMode) -> None:
        """Let the tables follow the declarations as far as this command may, and read them as they are then."""
        datasets = [*self.catalog.datasets.values()]
        migration = Migration(self.engine, self.dialect, self.own, datasets, self.keep, self.leases, self.clock)
        self.table_states = migration.run(mode)
        self.migrated = migration.done
        self.own_added = [f"{table.name} got the column {name}" for table, name in migration.added]
        self.own_waiting = [f"{table.name} is to get the column {name}" for table, name in migration.lacking]
        self._identified = not migration.lacking
        if not self._identified:
            self.versions_table = without_added(self.own.versions)
        for id, one in self.table_states.items():
            self.tables[id] = one.plan.readable(self.metadata)
            self._numbers[id] = one.plan.before.number if one.plan.before else 0
            if reason := one.read_refusal or one.write_refusal:
                log().warning(Event.SCHEMA_WAITS, dataset=id, reason=reason)
        if mode is not MigrationMode.NOTHING:
            with self.reading() as connection:
                self.applied_migrations = applied_migrations(connection, self.own)

    # reading

    @contextmanager
    def reading(self, *reads: Read) -> Iterator[Connection]:
        """One snapshot to read from, which has these versions; within another one of the same thread it is that one.

        Raises `VersionGone` or `StoreUnavailable` when it has not, `StoreUnavailable` when the database is away or breaks off,
        `StoreError` for whatever else it says, `Overdue` when there is no time left.
        """
        around: _Snapshot | None = getattr(self._here, "snapshot", None)
        if around is not None:
            self._check_there(around, reads)
            yield around.connection
            return
        try:
            with self.engine.connect() as connection, connection.begin():
                try:
                    with self._limited(connection, reads) as self._here.snapshot:
                        yield connection
                except StoreUnavailable:
                    connection.invalidate()  # the next one may be of another node
                    raise
                finally:
                    self._here.snapshot = None
        except SQLAlchemyError as error:
            raise self._unreadable(error, getattr(error, "orig", None)) from error
        except self._driver_error as error:
            raise self._unreadable(error, error) from error

    @contextmanager
    def driver(self, *reads: Read) -> Iterator[Any]:
        """The driver's own connection, to read by. Raises as `reading` does."""
        with self.reading(*reads) as connection:
            try:
                yield connection.connection.driver_connection
            except self._driver_error as error:
                failed = self._unreadable(error, error)
                if isinstance(failed, StoreUnavailable):
                    connection.invalidate()
                raise failed from error

    @contextmanager
    def quick_driver(self, *reads: Read) -> Iterator[Any]:
        """The same for short statements where nothing may block: raises `Slow` when one is not, or cannot be told to be.

        Whether the versions are there is looked at in the end: in one file, rows that are dropped go together with their version.
        """
        if self._quick is None or not self._short.acquire(blocking=False):
            raise Slow
        try:
            self._quick.begin()
            yield self._quick.connection
            self._check_missing(self.dialect.missing(self._quick.connection, self._identified_ones(reads)))
        except self._driver_error as error:
            if self._quick.gave_up(error):
                raise Slow from error
            raise self._unreadable(error, error) from error
        finally:
            self._short.release()

    @contextmanager
    def _limited(self, connection: Connection, reads: tuple[Read, ...]) -> Iterator["_Snapshot"]:
        left = remaining()
        if left is not None:
            check()
        driver = connection.connection.driver_connection
        with self.dialect.snapshot(driver, left, self._identified_ones(reads)) as missing:
            self._check_missing(missing)
            yield _Snapshot(connection, {*reads})

    def _check_there(self, snapshot: "_Snapshot", reads: tuple[Read, ...]) -> None:
        """Raise as `reading` does unless a snapshot has these versions, most of which it was asked for before."""
        if new := [one for one in reads if one not in snapshot.reads]:
            driver = snapshot.connection.connection.driver_connection
            self._check_missing(self.dialect.missing(driver, self._identified_ones(new)))
            snapshot.reads.update(new)

    def _identified_ones(self, reads: Sequence[Read]) -> list[Read]:
        """Those that can be looked for; before `broker migrate` versions of a server have no ids."""
        return [one for one in reads if one[1].number] if self._identified else []

    @staticmethod
    def _check_missing(missing: Mapping[Read, int]) -> None:
        for (id, version), last in missing.items():
            if last < version.number:
                raise StoreUnavailable(
                    f"{id}: version {version.number} has not reached this node of the database, or is lost; ask again in a second"
                )
            raise VersionGone(
                f"{id}: version {version.number} does not exist any more; ask again, and begin with the newest one"
            )

    def _unreadable(self, error: Exception, said: BaseException | None) -> StoreError:
        check()
        if isinstance(said, Exception) and self.dialect.broke_off(said):
            log().warning(Event.STORE_AWAY, reason=_said(error))
            return StoreUnavailable("the store cannot be read at this moment; ask again in a second")
        return StoreError(f"the store cannot be read: {_said(error)}")

    @property
    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = self.engine.dialect.dbapi.Error  # type: ignore[union-attr]  # there is a driver
        return error

    # writing

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[Connection]:
        """A transaction that writes, one at a time in the whole database. Raises `StoreError`, `LeaseLost` when the lease is."""
        try:
            with self._turn, self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                if lease is not None:
                    lease.check(connection)
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be written: {_said(error)}") from error

    @contextmanager
    def _single(self) -> Iterator[Connection]:
        """A transaction of one statement that waits for nobody's turn."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def check_writable(self, connection: Connection, dataset: Dataset) -> None:
        """Raise `StoreError` unless the table still follows this declaration; called in the writing transaction."""
        state, own = self.table_states[dataset.id], self.own.schemas
        if state.write_refusal:
            raise StoreError(state.write_refusal)
        newest_number = connection.scalar(select(func.max(own.c.number)).where(own.c.dataset == dataset.id))
        if newest_number != self._numbers[dataset.id]:
            raise StoreError(
                f"{dataset.id}: a newer broker has changed its declaration meanwhile; this one answers, and refreshes it no "
                "more: start the newer one in its place"
            )

    def bulk(self, one: Table) -> Bulk:
        """What inserts many rows into a table of this store."""
        if one.name not in self._bulks:
            self._bulks[one.name] = Bulk(one, self.engine.dialect)
        return self._bulks[one.name]

    def lease(self, name: str) -> Lease | None:
        """Be the only one, over all processes of this store, to do what has this name; None when another one is."""
        return self.leases.take(name)

    # versions

    def known_versions(self) -> Mapping[str, Published] | None:
        """What `versions` would give, as far as that is known without asking the database; None when it is not.

        Of a SQLite file it is certain, at some microseconds. A server is asked beside the requests: what another host has published
        is seen some tenths of a second later (see `broker.store.polling`), what this process has at once. Nothing blocks.
        """
        now, known = self._watch.now(), self._known
        return known[1] if known is not None and known[0] == now else None

    @tried_again
    def versions(self) -> Mapping[str, Published]:
        """The newest version of every data set, in one look: what a request reads from begin to end."""
        return self.look()

    def look(self) -> Mapping[str, Published]:
        """Look up the newest versions, and what time it is where they are; looks come one after another. Raises `StoreError`."""
        with self._looking:
            token = self._watch.token()  # before the look: what is committed meanwhile makes it look again
            with self.reading() as connection:
                found = newest(connection, self.versions_table)
                self.clock.read(connection)
            versions: Mapping[str, Published] = {
                id: Published(id, 0) if one.read_refusal else found.get(id, Published(id, 0))
                for id, one in self.table_states.items()
            }
            if getattr(self._here, "snapshot", None) is not None:
                return versions  # of a snapshot that was begun before, so they need not be the newest any more
            before = self._known
            if before is not None and before[1] == versions:
                versions = before[1]  # the very same: answers that were compared with it need not be compared again
            self._known = None if token is None else (token, versions)
            return versions

    def published(self) -> None:
        """Let the requests of this process read what it has just published."""
        self._watch.changed()

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


def _said(error: Exception) -> str:
    """What the database said, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
