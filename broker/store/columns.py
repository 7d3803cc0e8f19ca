"""Questions whose answers are columns in the form of an answer, by statements compiled once for all questions of one form."""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Select

from broker.model import Dataset
from broker.query import ROW, Columns, Query, Read, Slot, Version, reads
from broker.store import statements
from broker.store.database import Database
from broker.store.dialect import Places, Slow
from broker.store.prepared import Prepared, form
from broker.store.wire import Wire

__all__ = ["ColumnReads", "Reading"]

KEPT = 1000
"""Statements that are kept compiled."""
AT_ONCE = 250
"""Rows between two looks at how much was read."""
NAMED = "listed"


@dataclass(frozen=True, slots=True)
class Reading:
    """How columns are read: by which connection of the driver, and where it is told how much was read.

    What is read ``quick`` is given up (`Slow`) when its statement has to be made for its values.
    """

    connection: Any
    spend: Callable[[int], None]
    quick: bool = False


class ColumnReads:
    """Reads pages and single records of a store as columns."""

    def __init__(self, store: Database, places: Places) -> None:
        self._store = store
        self._places = places
        self._database = store.engine.dialect
        kind = self._database.name
        self._wires = {id: Wire(one, store.catalog.datasets[id], kind) for id, one in store.tables.items()}
        self._kept: LRUCache[Hashable, Prepared] = LRUCache(KEPT)
        self._lock = threading.Lock()

    def page(self, query: Query, how: Reading, *, positions: bool) -> Columns:
        """A page of records, with their positions in the order when these are wanted."""
        dataset, names = query.dataset, sorted(query.columns)
        table, wire = self._store.tables[dataset.id], self._wires[dataset.id]

        def statement(asked: Query) -> Select[Any]:
            more = statements.positions(table, asked) if positions else []
            return statements.page(table, asked, self._places, wire.columns(names) + more)

        formed = None if positions else form(query)
        if formed is None:
            if how.quick:
                raise Slow
            rows = self._compiled(statement(query), reads(query), wire, names, how)
        else:
            asked, values = formed
            key = (dataset.id, *names, asked.window, asked.where, asked.order)
            rows = self._prepared(key, lambda: statement(asked), values, wire, names, how)
        size = query.window.size
        more, rows = len(rows) > size, rows[:size]
        if query.window.backward:
            rows.reverse()
        ends = [tuple(row[len(names) :]) for row in rows] if positions else []
        return Columns(wire.turned(names, rows), len(rows), more, ends)

    def by_key(
        self, dataset: Dataset, version: Version, keys: Iterable[Any], columns: frozenset[str], how: Reading
    ) -> Columns:
        """The records of these keys, those that there are, in no order; the key is among the columns."""

        def statement(selected: list[Any]) -> Select[Any]:
            table, among = self._store.tables[dataset.id], self._store.dialect.among
            return statements.by_key(table, dataset, Slot(0), selected, among)

        return self._listed(dataset, "key", columns | {dataset.key}, statement, {"slot_0": version.number}, keys, how)

    def by_row(self, dataset: Dataset, rows: Iterable[int], columns: frozenset[str], how: Reading) -> Columns:
        """The records of these rows, in no order; the row's number is among the columns."""

        def statement(selected: list[Any]) -> Select[Any]:
            return statements.by_row(self._store.tables[dataset.id], selected, self._store.dialect.among)

        return self._listed(dataset, "row", columns | {ROW}, statement, {}, rows, how)

    def _listed(
        self,
        dataset: Dataset,
        what: str,
        columns: frozenset[str],
        statement: Callable[[list[Any]], Select[Any]],
        values: Mapping[str, Any],
        listed: Iterable[Any],
        how: Reading,
    ) -> Columns:
        wire, names = self._wires[dataset.id], sorted(columns)
        given = {**values, NAMED: self._store.dialect.listing(sorted(listed))}
        key = (what, dataset.id, *names)
        rows = self._prepared(key, lambda: statement(wire.columns(names)), given, wire, names, how)
        return Columns(wire.turned(names, rows), len(rows))

    def _prepared(
        self,
        key: Hashable,
        statement: Callable[[], Select[Any]],
        values: Mapping[str, Any],
        wire: Wire,
        names: Sequence[str],
        how: Reading,
    ) -> list[Sequence[Any]]:
        with self._lock:
            prepared = self._kept.get(key)
        if prepared is None:
            prepared = Prepared(statement(), self._database)
            with self._lock:
                self._kept[key] = prepared
        found: list[Sequence[Any]] = []
        with closing(prepared.execute(how.connection, values)) as cursor:
            while some := cursor.fetchmany(AT_ONCE):
                how.spend(wire.spent(names, some))
                found += some
        return found

    def _compiled(
        self, statement: Select[Any], versions: Sequence[Read], wire: Wire, names: Sequence[str], how: Reading
    ) -> list[Sequence[Any]]:
        found: list[Sequence[Any]] = []
        with self._store.reading(*versions) as connection:
            for some in connection.execute(statement).partitions(AT_ONCE):
                how.spend(wire.spent(names, some))
                found += some
        return found
