"""The tables of a store follow the declarations, and no version is lost.

What is there is compared with what is declared. Where one host has the database (SQLite), whichever command opens it first does
what is to be done, in one transaction. Where hosts of two builds may share it (PostgreSQL), any command makes tables that are
missing; those that are there change by `broker migrate` alone, first what adds, then what takes away, in short transactions that
let readers pass. Broken off at any point, it is done again from what is there.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import orjson
from sqlalchemy import Connection, Engine, Table, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from broker.errors import StoreError
from broker.model import Dataset
from broker.store.bookkeeping import Bookkeeping
from broker.store.bulk import Bulk
from broker.store.dialect import Claim, Dialect
from broker.store.plans import DatasetPlan, Look
from broker.store.rework import Rework, enter_again
from broker.store.schemas import ChangeKind, SchemaChange
from broker.store.tables import FOREVER, GEOCODED
from broker.telemetry import Event, log

__all__ = ["Follow", "Followed", "Migration", "Past", "pasts"]

PATIENCE, PAUSE = 300.0, 0.3
"""Seconds that a change waits for long readers in all, and between two attempts."""
EARLIER = "declaration"
"""The column of ``broker_declarations`` by which brokers up to version 0.1 knew a table as theirs."""


OF_A_SERVER = frozenset({ChangeKind.FIELD_REMOVED, ChangeKind.FIELD_RESTORED})
"""Changes of a layer's properties that its server makes."""


class Follow(Enum):
    """How far a command that opens a store may change it."""

    ITSELF = "itself"
    ALL = "all"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Followed:
    """How a data set's table stands to its declaration."""

    plan: DatasetPlan
    refused: str = ""
    """Why no version is written by this broker; empty when it may be."""
    unreadable: str = ""
    """Why no version can be read; empty when all can be."""

    @property
    def waiting(self) -> tuple[SchemaChange, ...]:
        """What waits for `broker migrate`."""
        return self.plan.changes


@dataclass(frozen=True, slots=True)
class Past:
    """What a table has followed, and when (in UTC); ``version`` was the newest version then."""

    dataset: str
    number: int
    at: datetime
    version: int
    changes: tuple[SchemaChange, ...]


class Migration:
    """Brings one store's tables to their declarations."""

    def __init__(
        self, engine: Engine, dialect: Dialect, own: Bookkeeping, datasets: Sequence[Dataset], keep: timedelta
    ) -> None:
        self._engine = engine
        self._dialect = dialect
        self._own = own
        self._datasets = datasets
        self._keep = keep
        self.done: list[tuple[str, SchemaChange]] = []
        """What was followed, by data set."""

    def run(self, follow: Follow) -> dict[str, Followed]:
        """Do what may be done, and tell how each table stands then. Raises `StoreError` for a store that cannot be followed."""
        look = self._look()
        if self._due(look, follow):
            claim = self._turn()
            try:
                self._do(follow)
            finally:
                claim.release()
            look = self._look()
        return {one.dataset.id: self._followed(look, one) for one in self._plans(look, back=follow is Follow.ALL)}

    # what is there, and what may be done about it

    def _look(self) -> Look:
        with self._engine.connect() as connection:
            return Look.at(connection, self._dialect, self._own)

    def _plans(self, look: Look, *, back: bool) -> Iterator[DatasetPlan]:
        return look.plans(self._datasets, self._dialect, self._engine.dialect, datetime.now(UTC), back=back)

    def _due(self, look: Look, follow: Follow) -> bool:
        """Whether there is anything that may be done."""
        lacking = self._lacking(look)
        if follow is Follow.NOTHING:
            return False
        if lacking and self._alters(follow):
            return True
        return self._own_due(look, follow) or any(
            self._may(one, follow) for one in self._plans(look, back=follow is Follow.ALL)
        )

    def _own_due(self, look: Look, follow: Follow) -> bool:
        lacking = any(one.name not in look.tables for one in self._own.tables)
        return lacking or (self._alters(follow) and self._is_earlier(look))

    def _alters(self, follow: Follow) -> bool:
        return follow is Follow.ALL or not self._dialect.shared

    def _may(self, plan: DatasetPlan, follow: Follow) -> bool:
        if plan.behind or plan.idle:
            return False
        return (plan.anew and not plan.changes) or self._alters(follow)

    def _is_earlier(self, look: Look) -> bool:
        """Whether brokers that know no schemas can still open the store."""
        found = look.tables.get(self._own.declarations.name)
        return found is not None and EARLIER in found.columns

    def _lacking(self, look: Look) -> list[tuple[Table, str]]:
        """Columns that the store's own tables lack. Raises `StoreError` for tables of a layout that is not known here."""
        lacking = []
        for one in self._own.tables:
            found = look.tables.get(one.name)
            if found is None or one is self._own.declarations:
                continue
            for column in one.columns:
                if column.name in found.columns:
                    continue
                if not column.nullable:
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

    def _followed(self, look: Look, plan: DatasetPlan) -> Followed:
        id, newer = plan.dataset.id, f"{plan.dataset.id} was declared otherwise by a newer broker"
        if plan.behind:
            text = f"{newer}; this one reads it and refreshes it no more: start the newer one, or go back by `broker migrate`"
            return Followed(plan, refused=text)
        waits = f"{id} waits for `broker migrate`"
        if plan.key_changes and plan.changes:
            return Followed(plan, refused=waits, unreadable=f"{waits}: {plan.changes[0].text}")
        if plan.unmeasured:
            return Followed(plan, refused=waits, unreadable=f"{waits}: its table has an earlier layout")
        generic = plan.dataset.generic  # what a layer's server gives, or gives no more, is the same for every host
        harmless = all(one.adds or (generic and one.kind in OF_A_SERVER) for one in plan.changes)
        if self._is_earlier(look) or not harmless:
            return Followed(plan, refused=waits + "".join(f"; {one.text}" for one in plan.changes))
        return Followed(plan)

    # doing it

    def _turn(self) -> Claim:
        """Be the only one that changes tables; whoever comes second finds them done."""
        while (claim := self._dialect.claim(self._engine, "migration")) is None:
            time.sleep(PAUSE)
        return claim

    def _do(self, follow: Follow) -> None:
        if self._dialect.shared:
            self._carry_out(follow, self._short)
            return
        with self._short() as connection:  # whole or not at all
            self._carry_out(follow, lambda: nullcontext(connection))

    @contextmanager
    def _short(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(writing=True) as connection, connection.begin():
            yield connection

    def _carry_out(self, follow: Follow, transaction: "Transaction") -> None:
        self.done = []
        with transaction() as connection:
            look = Look.at(connection, self._dialect, self._own)
        self._own_tables(look, follow, transaction)
        plans = [one for one in self._plans(look, back=follow is Follow.ALL) if self._may(one, follow)]
        for one in plans:
            self._add(one, transaction)
        for one in plans:
            self._take_away(one, transaction)

    def _own_tables(self, look: Look, follow: Follow, transaction: "Transaction") -> None:
        lacking = self._lacking(look)
        with transaction() as connection:
            if self._is_earlier(look) and self._alters(follow):
                self._own.declarations.drop(connection)
            for one in self._own.tables:
                one.create(connection, checkfirst=True)
            for one, name in lacking if self._alters(follow) else ():
                self._add_column(connection, one, name)
            self._dialect.prepare(connection, self._own)

    def _add(self, plan: DatasetPlan, transaction: "Transaction") -> None:
        """Everything that a table lacks; the schema is recorded last, in one transaction with the last rows."""
        if plan.anew:
            with transaction() as connection:
                plan.table.create(connection, checkfirst=True)
                self._dialect.prepare_table(connection, plan.table)
                if plan.key_changes:
                    self._begin_history(connection, plan)
                self._record(connection, plan)
            return
        self._alter(transaction, lambda connection: self._columns(connection, plan))
        if not self._dialect.shared:
            for name in plan.useless:
                self._drop_index(transaction, name)
        rework = plan.rework()
        if rework:
            self._work_through(rework, transaction)
        self._make_indexes(plan, transaction)
        with transaction() as connection:
            while rework and rework.some(connection):  # what was written meanwhile
                pass
            self._index_contents(connection, plan)
            if plan.changes:
                self._record(connection, plan)

    def _index_contents(self, connection: Connection, plan: DatasetPlan) -> None:
        """What is found by place, by words and by address follows the rows."""
        if plan.places or any(one.name == "_west" for one in plan.missing):
            self._dialect.replace_places(connection, plan.table)
        if plan.entries:
            bulk = Bulk(self._own.entries, self._engine.dialect)
            enter_again(connection, self._dialect, self._own, plan.dataset, plan.table, bulk.insert)
        if plan.again:
            due, table = GEOCODED[-1][0], plan.table
            some = table.c[due].is_not(None) & (table.c["_until"] == FOREVER)
            connection.execute(update(table).where(some).values({table.c[due]: -1}))

    @staticmethod
    def _work_through(rework: Rework, transaction: "Transaction") -> None:
        more = True
        while more:
            with transaction() as connection:
                more = rework.some(connection)

    def _columns(self, connection: Connection, plan: DatasetPlan) -> None:
        for name in plan.required:
            self._dialect.let_be_null(connection, plan.table.name, name)
        for column in plan.missing:
            self._add_column(connection, plan.table, column.key)
        if plan.dataset.located:
            self._dialect.prepare_table(connection, plan.table)

    def _add_column(self, connection: Connection, table: Table, key: str) -> None:
        made = CreateColumn(table.c[key]).compile(dialect=self._engine.dialect)
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {made}')

    def _make_indexes(self, plan: DatasetPlan, transaction: "Transaction") -> None:
        if self._dialect.shared:
            for one in plan.indexes:
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
        for name in plan.useless if self._dialect.shared and not plan.anew else ():
            if name not in wanted:
                self._drop_index(transaction, name)
        schema, before = plan.schema, datetime.now(UTC) - self._keep
        gone = [one for one in schema.set_aside if datetime.fromisoformat(one.at) < before]
        expired = plan.expired
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
        for name in expired:
            log().info(
                Event.SCHEMA_FOLLOWED,
                dataset=plan.dataset.id,
                change=f"the column {name}, read by no version, was dropped",
            )

    def _begin_history(self, connection: Connection, plan: DatasetPlan) -> None:
        """Let a data set begin anew: its versions stay in the table that is set aside, and are read no more."""
        id, own = plan.dataset.id, self._own
        listed = own.entries.c.dataset == id
        self._dialect.unlist(connection, select(own.entries.c.id).where(listed))
        for mine in (own.entries, own.versions, own.facts, own.quarantine, own.rejected):
            connection.execute(delete(mine).where(mine.c.dataset == id))

    def _record(self, connection: Connection, plan: DatasetPlan) -> None:
        id, own, schema = plan.dataset.id, self._own.schemas, plan.schema
        number = max(schema.number, (plan.before.number if plan.before else 0) + 1)
        connection.execute(
            insert(own).values(
                dataset=id,
                number=number,
                at=datetime.now(UTC),
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


def pasts(connection: Connection, own: Bookkeeping) -> list[Past]:
    """What the tables of a store have followed since they were made, the latest first."""
    of = own.schemas.c
    rows = connection.execute(select(own.schemas).where(of.changes != "[]").order_by(of.at.desc(), of.dataset)).all()
    return [
        Past(row.dataset, row.number, row.at, row.since, tuple(_change(one) for one in orjson.loads(row.changes)))
        for row in rows
    ]


def _change(kept: Mapping[str, object]) -> SchemaChange:
    return SchemaChange(
        ChangeKind(str(kept["kind"])), str(kept["text"]), None if kept["field"] is None else str(kept["field"])
    )
