"""Rows that are there get what their new schema has beside: values of another kind, columns worked out from others, hashes.

Worked through in the order of the rows, some at a time, so that it can be done in one transaction or in many; doing it twice does
no harm. What readers of an earlier schema read stays as it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import shapely
from sqlalchemy import Connection, Table, bindparam, column, delete, func, select, update

from broker.model import Dataset, Field, Localized
from broker.query import GEOCODING, MENDED
from broker.store.bookkeeping import Bookkeeping
from broker.store.dialect import Dialect
from broker.store.entries import entries
from broker.store.located import placed
from broker.store.schemas import TableSchema
from broker.store.tables import ALL, Absent, column_type, fingerprinter, step

__all__ = ["Conversion", "Rework", "enter_again"]

AT_ONCE = 2000
LARGEST = 2**63 - 1
KEPT_PLACES = ("_district", MENDED)
"""Of a place, what is not worked out from its shape alone."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """Values of a field that are in another column, and are of another kind there."""

    field: Field
    column: str
    kind: str


class Rework:
    """What has to be worked out anew in the rows of one table.

    Args:
        dataset: as it is declared now.
        schema: of its table.
        table: the table.
        conversions: the fields whose values are in other columns.
        fields: the fields whose other columns, such as a text's collation key, are worked out anew.
        places: whether everything that follows from a shape is.
        hashes: whether the content hashes are.
    """

    def __init__(
        self,
        dataset: Dataset,
        schema: TableSchema,
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
        self._kinds = {one.name: one.kind for one in schema.fields}
        self._metric = [one for one in table.c if places and "value_of" in one.info]
        self._last = -1

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._conversions or self._fields or self._places or self._hashes)

    def some(self, connection: Connection) -> bool:
        """Do the next rows; False when there are no more."""
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
        values = {
            one.name: _decoded(self._kinds[one.name], row, one.name)
            for one in self._dataset.fields
            if not isinstance(self._table.c[one.name], Absent)
        }
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


def _decoded(kind: str, row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - a value of any kind
    """A field's value as a record has it, from the columns of a row."""
    value = row[name]
    if value is None:
        return None
    if kind == "list":
        return tuple(orjson.loads(value))
    if kind == "localized":
        languages = row.get(name + ALL)
        return Localized(orjson.loads(languages)) if languages else Localized(pl=value)
    return value


def _converted(value: int | Decimal | None, to: Field) -> Decimal | None:
    """A number as a decimal with more digits after the point; None beyond what such a column holds."""
    return None if value is None or abs(value) > LARGEST // 10**to.scale else Decimal(value)


def enter_again(
    connection: Connection,
    dialect: Dialect,
    own: Bookkeeping,
    dataset: Dataset,
    table: Table,
    insert_rows: Callable[..., None],
) -> None:
    """Make the search entries of a data set anew, those of all its versions."""
    listed = own.entries
    mine = listed.c.dataset == dataset.id
    dialect.unlist(connection, select(listed.c.id).where(mine))
    connection.execute(delete(listed).where(mine))
    if not any(one.search == "title" for one in dataset.fields):
        return
    last, number = -1, connection.scalar(select(func.max(listed.c.id))) or 0
    needed = [
        one.label(one.key) for one in table.c if not one.key.startswith("_") or one.key in ("_row", "_since", "_until")
    ]
    while True:
        some = select(*needed).where(table.c["_row"] > last).order_by(table.c["_row"]).limit(AT_ONCE)
        rows = [dict(one) for one in connection.execute(some).mappings()]
        if not rows:
            return
        last = rows[-1]["_row"]
        made = list(entries(dataset, rows, number + 1))
        number += len(made)
        insert_rows(
            connection,
            [
                {
                    "id": one["id"],
                    "dataset": dataset.id,
                    "row": row["_row"],
                    "since": row["_since"],
                    "until": row["_until"],
                }
                for one, row in zip(made, rows, strict=True)
            ],
        )
        dialect.enter(connection, made)
