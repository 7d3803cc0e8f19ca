"""Migration: the tables of a store mode the declarations, and no version is lost.

A SQLite store belongs to one host: the first command that opens it applies every plan, in one transaction. Hosts of two builds
may share a PostgreSQL store: every command creates missing tables, but only `broker migrate` changes existing ones. It adds first
and drops last, in short transactions that do not block readers. An interrupted migration is planned again and completed.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import Enum

import orjson
from sqlalchemy import Connection, Engine, Table, delete, insert, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from broker.errors import StoreError
from broker.model import Dataset
from broker.store.backfill import Backfill, rebuild_search_entries
from broker.store.bookkeeping import EARLIER_VALUE, Bookkeeping
from broker.store.bulk import Bulk
from broker.store.clock import StoreClock
from broker.store.dialect import Dialect
from broker.store.leases import Lease, Leases
from broker.store.migration_plans import DatasetPlan, Inventory
from broker.store.schemas import ChangeKind, SchemaChange
from broker.store.search_writer import SearchWriter
from broker.store.tables import FOREVER, GEOCODED
from broker.telemetry import Event, log

__all__ = ["Migration", "MigrationMode", "TableState"]

PATIENCE, PAUSE = 300.0, 0.3
"""Seconds that a change waits for long readers in all, and between two attempts."""
EARLIER = "declaration"
"""The column of ``broker_declarations`` by which brokers up to version 0.1 knew a table as theirs."""


OF_A_SERVER = frozenset({ChangeKind.FIELD_REMOVED, ChangeKind.FIELD_RESTORED})
"""Changes of a layer's properties that its server makes."""


class MigrationMode(Enum):
    """How far a command that opens a store may change it."""

    AUTOMATIC = "automatic"
    ALL = "all"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class TableState:
    """How a data set's table stands to its declaration."""

    plan: DatasetPlan
    write_refusal: str = ""
    """Why no version is written by this broker; empty when it may be."""
    read_refusal: str = ""
    """Why no version can be read; empty when all can be."""

    @property
    def waiting(self) -> tuple[SchemaChange, ...]:
        """What waits for `broker migrate`."""
        return self.plan.changes


class Migration:
    """Brings one store's tables to their declarations."""

    def __init__(
        self,
        engine: Engine,
        dialect: Dialect,
        own: Bookkeeping,
        datasets: Sequence[Dataset],
        keep: timedelta,
        leases: Leases,
        clock: StoreClock,
    ) -> None:
        self._engine = engine
        self._leases = leases
        self._clock = clock
        self._dialect = dialect
        self._own = own
        self._datasets = datasets
        self._keep = keep
        self._search = SearchWriter(dialect, own.entries, Bulk(own.entries, engine.dialect))
        self.done: list[tuple[str, SchemaChange]] = []
        """What was followed, by data set."""
        self.lacking: list[tuple[Table, str]] = []
        """Columns that the store's own tables lack until `broker migrate`."""
        self.added: list[tuple[Table, str]] = []
        """Columns that they got."""

    def run(self, mode: MigrationMode) -> dict[str, TableState]:
        """Apply the plans that the mode allows, and return the state of each table. Raises `StoreError` for an unknown layout."""
        inventory = self._inventory()
        if self._due(inventory, mode):
            self._do(mode)
            inventory = self._inventory()
        self.lacking = self._lacking(inventory)
        return {
            one.dataset.id: self._state(inventory, one)
            for one in self._plans(inventory, back=mode is MigrationMode.ALL)
        }

    # plans, and which of them this mode allows

    def _inventory(self) -> Inventory:
        with self._engine.connect() as connection:
            self._clock.read(connection)
            return Inventory.at(connection, self._dialect, self._own)

    def _plans(self, inventory: Inventory, *, back: bool) -> Iterator[DatasetPlan]:
        now = self._clock.now()
        return inventory.plans(self._datasets, self._dialect, self._engine.dialect, now, now - self._keep, back=back)

    def _due(self, inventory: Inventory, mode: MigrationMode) -> bool:
        """Whether the mode allows any plan that is due."""
        lacking = self._lacking(inventory)
        if mode is MigrationMode.NOTHING:
            return False
        if lacking and self._alters(mode):
            return True
        return self._own_due(inventory, mode) or any(
            self._may(one, mode) for one in self._plans(inventory, back=mode is MigrationMode.ALL)
        )

    def _own_due(self, inventory: Inventory, mode: MigrationMode) -> bool:
        lacking = any(one.name not in inventory.tables for one in self._own.tables)
        return lacking or (self._alters(mode) and self._is_earlier(inventory))

    def _alters(self, mode: MigrationMode) -> bool:
        return mode is MigrationMode.ALL or not self._dialect.shared

    def _may(self, plan: DatasetPlan, mode: MigrationMode) -> bool:
        if plan.behind or plan.idle:
            return False
        return (plan.table_missing and not plan.changes) or self._alters(mode)

    def _is_earlier(self, inventory: Inventory) -> bool:
        """Whether brokers that know no schemas can still open the store."""
        found = inventory.tables.get(self._own.declarations.name)
        return found is not None and EARLIER in found.columns

    def _lacking(self, inventory: Inventory) -> list[tuple[Table, str]]:
        """Columns that the store's own tables lack. Raises `StoreError` for tables of a layout that is not known here."""
        lacking = []
        for one in self._own.tables:
            found = inventory.tables.get(one.name)
            if found is None or one is self._own.declarations:
                continue
            for column in one.columns:
                if column.name in found.columns:
                    continue
                if not column.nullable and EARLIER_VALUE not in column.info:
                    raise StoreError(
                        f"the store at {self._engine.url!r} has a layout that is not known here: {one.name} has no "
                        f"{column.name}; move it away, and a new one is made and filled"
                    )
                lacking.append((one, column.name))
            newer = [n for n, c in found.columns.items() if n not in one.columns and not c.nullable]
            if newer:
                raise StoreError(
                    f"the store at {self._engine.url!r} was made by a newer broker: {one.name} has {', '.join(newer)}; "
                    "start that broker, or move the store away, and a new one is made and filled"
                )
        return lacking

    def _state(self, inventory: Inventory, plan: DatasetPlan) -> TableState:
        id, newer = plan.dataset.id, f"{plan.dataset.id} was declared otherwise by a newer broker"
        if plan.behind:
            text = f"{newer}; this one reads it and refreshes it no more: start the newer one, or go back by `broker migrate`"
            return TableState(plan, write_refusal=text)
        waits = f"{id} waits for `broker migrate`"
        if plan.key_changes and plan.changes:
            return TableState(plan, write_refusal=waits, read_refusal=f"{waits}: {plan.changes[0].text}")
        if plan.lacks_derived:
            return TableState(plan, write_refusal=waits, read_refusal=f"{waits}: its table has an earlier layout")
        generic = plan.dataset.generic  # what a layer's server gives, or gives no more, is the same for every host
        harmless = all(one.adds or (generic and one.kind in OF_A_SERVER) for one in plan.changes)
        if self._is_earlier(inventory) or self.lacking or not harmless:
            return TableState(plan, write_refusal=waits + "".join(f"; {one.text}" for one in plan.changes))
        return TableState(plan)

    # applying the plans

    def _do(self, mode: MigrationMode) -> None:
        if not self._dialect.shared:
            with self._short() as connection:  # whole or not at all, and nobody else writes meanwhile
                self._carry_out(mode, lambda: nullcontext(connection))
            return
        with self._short() as connection:
            self._own.leases.create(connection, checkfirst=True)
        lease = self._turn()
        try:
            self._carry_out(mode, self._short)
        finally:
            lease.release()

    def _turn(self) -> Lease:
        """Wait for the lease; a second process then finds nothing left to do."""
        while (lease := self._leases.take("migration")) is None:
            time.sleep(PAUSE)
        return lease

    @contextmanager
    def _short(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(writing=True) as connection, connection.begin():
            yield connection

    def _carry_out(self, mode: MigrationMode, transaction: "Transaction") -> None:
        self.done = []
        with transaction() as connection:
            inventory = Inventory.at(connection, self._dialect, self._own)
        self._own_tables(inventory, mode, transaction)
        plans = [one for one in self._plans(inventory, back=mode is MigrationMode.ALL) if self._may(one, mode)]
        for one in plans:
            self._add(one, transaction)
        for one in plans:
            self._take_away(one, transaction)

    def _own_tables(self, inventory: Inventory, mode: MigrationMode, transaction: "Transaction") -> None:
        lacking = self._lacking(inventory)
        with transaction() as connection:
            if self._is_earlier(inventory) and self._alters(mode):
                self._own.declarations.drop(connection)
            for one in self._own.tables:
                one.create(connection, checkfirst=True)
            # Required columns come last: for those SQLite copies the table, with all its other columns.
            for one, name in (
                sorted(lacking, key=lambda pair: not pair[0].c[pair[1]].nullable) if self._alters(mode) else ()
            ):
                self._add_column(connection, one, name)
                self.added.append((one, name))
            self._dialect.prepare(connection, self._own)

    def _add(self, plan: DatasetPlan, transaction: "Transaction") -> None:
        """Everything that a table lacks; the schema is recorded last, in one transaction with the last rows."""
        if plan.table_missing:
            with transaction() as connection:
                plan.table.create(connection, checkfirst=True)
                self._dialect.prepare_table(connection, plan.table)
                if plan.key_changes:
                    self._begin_history(connection, plan)
                self._record(connection, plan)
            return
        self._alter(transaction, lambda connection: self._columns(connection, plan))
        if not self._dialect.shared:
            for name in plan.unwanted_indexes:
                self._drop_index(transaction, name)
        backfill = plan.backfill()
        if backfill:
            self._work_through(backfill, transaction)
        self._make_indexes(plan, transaction)
        with transaction() as connection:
            while backfill and backfill.some(connection):  # what was written meanwhile
                pass
            self._index_contents(connection, plan)
            if plan.changes:
                self._record(connection, plan)

    def _index_contents(self, connection: Connection, plan: DatasetPlan) -> None:
        """What is found by place, by words and by address follows the rows."""
        if plan.places_change or any(one.name == "_west" for one in plan.missing_columns):
            self._dialect.replace_places(connection, plan.table)
        if plan.search_changes:
            rebuild_search_entries(connection, self._search, plan.dataset, plan.table)
        if plan.geocodes_again:
            due, table = GEOCODED[-1][0], plan.table
            some = table.c[due].is_not(None) & (table.c["_until"] == FOREVER)
            connection.execute(update(table).where(some).values({table.c[due]: -1}))

    @staticmethod
    def _work_through(backfill: Backfill, transaction: "Transaction") -> None:
        more = True
        while more:
            with transaction() as connection:
                more = backfill.some(connection)

    def _columns(self, connection: Connection, plan: DatasetPlan) -> None:
        for name in plan.constrained_columns:
            self._dialect.let_be_null(connection, plan.table.name, name)
        for column in plan.missing_columns:
            self._add_column(connection, plan.table, column.key)
        if plan.dataset.located:
            self._dialect.prepare_table(connection, plan.table)

    def _add_column(self, connection: Connection, table: Table, key: str) -> None:
        if (earlier := table.c[key].info.get(EARLIER_VALUE)) is not None:
            self._dialect.add_required(connection, table, key, earlier)
            return
        made = CreateColumn(table.c[key]).compile(dialect=self._engine.dialect)
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {made}')

    def _make_indexes(self, plan: DatasetPlan, transaction: "Transaction") -> None:
        if self._dialect.shared:
            for one in plan.missing_indexes:
                self._dialect.index_later(self._engine, one)
            return
        with transaction() as connection:
            there = self._dialect.tables(connection)[plan.table.name].indexes
            for one in sorted(plan.table.indexes, key=lambda index: str(index.name)):
                if one.name not in there:
                    one.create(connection)

    def _drop_index(self, transaction: "Transaction", name: str) -> None:
        self._alter(transaction, lambda connection: connection.exec_driver_sql(f'DROP INDEX IF EXISTS "{name}"'))

    def _take_away(self, plan: DatasetPlan, transaction: "Transaction") -> None:
        """What no version and no declaration needs any more: indexes, columns, tables of an earlier history."""
        wanted = {str(one.name) for one in plan.table.indexes}
        for name in plan.unwanted_indexes if self._dialect.shared and not plan.table_missing else ():
            if name not in wanted:
                self._drop_index(transaction, name)
        schema, gone, expired = plan.schema, plan.expired_tables, plan.expired_columns
        if not expired and not gone:
            return

        def drop(connection: Connection) -> None:
            for name in expired:
                connection.exec_driver_sql(f'ALTER TABLE "{plan.table.name}" DROP COLUMN "{name}"')
            for one in gone:
                self._dialect.drop_table(connection, one.table)
            left = replace(
                schema,
                retired=tuple(one for one in schema.retired if one.column not in expired),
                set_aside=tuple(one for one in schema.set_aside if one not in gone),
            )
            own = self._own.schemas
            mine = (own.c.dataset == plan.dataset.id) & (own.c.number == schema.number)
            connection.execute(update(own).where(mine).values(schema=left.dumped()))

        self._alter(transaction, drop)
        dropped = [f"the column {name}" for name in expired] + [f"the table {one.table}" for one in gone]
        for what in dropped:
            text = f"{what}, which no version reads, was dropped"
            log().info(Event.SCHEMA_FOLLOWED, dataset=plan.dataset.id, change=text)

    def _begin_history(self, connection: Connection, plan: DatasetPlan) -> None:
        """Let a data set begin anew: its versions stay in the table that is set aside, and are read no more."""
        id, own = plan.dataset.id, self._own
        self._search.clear(connection, plan.dataset)
        for mine in (own.versions, own.facts, own.quarantine, own.rejected):
            connection.execute(delete(mine).where(mine.c.dataset == id))

    def _record(self, connection: Connection, plan: DatasetPlan) -> None:
        id, own, schema = plan.dataset.id, self._own.schemas, plan.schema
        number = max(schema.number, (plan.before.number if plan.before else 0) + 1)
        connection.execute(
            insert(own).values(
                dataset=id,
                number=number,
                at=self._clock.now(),
                since=plan.newest,
                schema=replace(schema, number=number).dumped(),
                changes=orjson.dumps([asdict(one) for one in plan.changes]).decode(),
            )
        )
        for one in plan.changes:
            self.done.append((id, one))
            log().info(Event.SCHEMA_FOLLOWED, dataset=id, change=one.text)

    def _alter(self, transaction: "Transaction", work: Callable[[Connection], object]) -> None:
        """Change a table in one go, giving way to readers: a change that waited for one would make all others wait behind it."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with transaction() as connection:
                    self._dialect.give_way(connection)
                    work(connection)
            except DBAPIError as error:
                if not self._dialect.gave_way(error) or time.monotonic() > until:
                    raise
                time.sleep(PAUSE)
            else:
                return


Transaction = Callable[[], AbstractContextManager[Connection]]
"""Begins a transaction, or goes on in the one there is."""
