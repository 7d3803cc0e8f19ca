"""Backfill: stored rows get the columns that a new schema adds: converted values, derived columns, content hashes, search entries.

It goes through the rows in order, a batch at a time, in one transaction or in many, and may be repeated. Columns that an earlier
schema reads stay as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import shapely
from sqlalchemy import Connection, Table, bindparam, column, select, update

from broker.fields import LARGEST
from broker.model import Dataset, Field
from broker.query import GEOCODING, MENDED
from broker.store.column_types import Absent, column_type
from broker.store.entries import searchable
from broker.store.located import placed
from broker.store.search_writer import SearchWriter
from broker.store.tables import decoder, fingerprinter, step

__all__ = ["Backfill", "Conversion", "rebuild_search_entries"]

AT_ONCE = 2000
LIFE = frozenset({"_row", "_since", "_until"})
KEPT_PLACES = ("_district", MENDED)
"""Of a place, what is not worked out from its shape alone."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """Values of a field that are in another column, and are of another kind there."""

    field: Field
    column: str
    kind: str


class Backfill:
    """Recomputes columns in the rows of one table.

    Args:
        dataset: as it is declared now.
        table: its table.
        conversions: the fields whose values are in other columns.
        fields: the fields whose other columns, such as a text's collation key, are recomputed.
        places: whether everything that follows from a shape is.
        hashes: whether the content hashes are.
    """

    def __init__(
        self,
        dataset: Dataset,
        table: Table,
        *,
        conversions: Sequence[Conversion] = (),
        fields: Sequence[Field] = (),
        places: bool = False,
        hashes: bool = False,
    ) -> None:
        self._dataset = dataset
        self._table = table
        self._conversions = conversions
        self._fields = fields
        self._places = places
        self._hashes = hashes
        self._fingerprint = fingerprinter(dataset, table)
        self._sources = {one.column: column_type(one.kind) for one in conversions}
        present = [one.name for one in dataset.fields if not isinstance(table.c[one.name], Absent)]
        self._decode = decoder(dataset, present)
        self._metric = [one for one in table.c if places and "value_of" in one.info]
        self._last = -1

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._conversions or self._fields or self._places or self._hashes)

    def some(self, connection: Connection) -> bool:
        """Process the next batch; False when there are no more rows."""
        rows = [dict(one) for one in connection.execute(self._reading()).mappings()]
        if not rows:
            return False
        self._last = rows[-1]["_row"]
        changed = self._worked_out(rows)
        names = [name for name in changed[0] if name != "_row"]
        if names:
            statement = update(self._table).where(self._table.c["_row"] == bindparam("of_row"))
            values = {name: bindparam(f"to_{name}", type_=self._table.c[name].type) for name in names}
            given = [{"of_row": one["_row"], **{f"to_{name}": one[name] for name in names}} for one in changed]
            connection.execute(statement.values(values), given)
        return True

    def _reading(self) -> Any:  # noqa: ANN401 - a statement
        table = self._table
        needed = [one.label(one.key) for one in table.c if not isinstance(one, Absent)]
        sources = [column(name, kind).label(f"{name} before") for name, kind in self._sources.items()]
        some = select(*needed, *sources).select_from(table)
        return some.where(table.c["_row"] > self._last).order_by(table.c["_row"]).limit(AT_ONCE)

    def _worked_out(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        steps = [step(one) for one in (*self._fields, *(one.field for one in self._conversions))]
        shapes = placed(self._shapes(rows)) if self._places else [{} for _ in rows]
        found = []
        for row, place in zip(rows, shapes, strict=True):
            made = {"_row": row["_row"], **{name: value for name, value in place.items() if name not in KEPT_PLACES}}
            record = SimpleNamespace(**self._values(row))
            for one in steps:
                one(record, made)
            made |= {one.key: row[one.info["value_of"]] for one in self._metric}
            if self._hashes:
                made["_hash"] = self._fingerprint(record, self._given(row), row.get(MENDED))  # type: ignore[arg-type]  # its values are all that counts
            found.append({name: value for name, value in made.items() if not isinstance(self._table.c[name], Absent)})
        return found

    def _values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values = self._decode(row)
        for one in self._conversions:
            values[one.field.name] = _converted(row[f"{one.column} before"], one.field)
        return values

    def _shapes(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
        name = str(self._dataset.geometry)
        for row in rows:
            yield None if row[name] is None else shapely.from_wkb(bytes(row[name]))

    def _given(self, row: Mapping[str, Any]) -> bytes | None:
        """The shape as the source gave it, for the hash; one that was found by an address is not of the source."""
        name = self._dataset.geometry
        if name is None or row.get(name) is None or row.get(f"{GEOCODING}_version") is not None:
            return None
        wkb: bytes = shapely.to_wkb(shapely.from_wkb(bytes(row[name])))
        return wkb


def _converted(value: int | Decimal | None, to: Field) -> Decimal | None:
    """A number as a decimal with more digits after the point; None beyond what such a column holds."""
    return None if value is None or abs(value) > LARGEST // 10**to.scale else Decimal(value)


def rebuild_search_entries(connection: Connection, search: SearchWriter, dataset: Dataset, table: Table) -> None:
    """Replace the search entries of all versions of a data set."""
    search.clear(connection, dataset)
    if not searchable(dataset):
        return
    needed = [one.label(one.key) for one in table.c if not one.key.startswith("_") or one.key in LIFE]
    last = -1
    while True:
        some = select(*needed).where(table.c["_row"] > last).order_by(table.c["_row"]).limit(AT_ONCE)
        rows = [dict(one) for one in connection.execute(some).mappings()]
        if not rows:
            return
        last = rows[-1]["_row"]
        search.write(connection, dataset, rows)
