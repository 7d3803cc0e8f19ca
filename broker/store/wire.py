"""Columns in the form of an answer: what the database gives, turned column by column, and only where the two forms differ.

Texts, numbers and ready GeoJSON pass as they are; days, moments and exact decimals are texts already or become so at once. A
shape is well-known binary, for whoever wants it in another coordinate system.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Table, type_coerce
from sqlalchemy.types import NullType

from broker.model import Dataset, Field, Geometry
from broker.query import GEOJSON
from broker.store.tables import ALL, LOCAL, PLAIN

__all__ = ["Wire"]

Convert = Callable[[Any], Any]
RAW = NullType()


@dataclass(frozen=True, slots=True)
class _Read:
    column: ColumnElement[Any]
    convert: Convert | None = None
    large: bool = False


class Wire:
    """The columns of one data set's table in a database, ``sqlite`` or another one."""

    def __init__(self, table: Table, dataset: Dataset, database: str) -> None:
        self._table = table
        self._fields: Mapping[str, Field] = {one.name: one for one in dataset.fields}
        self._exact = database != "sqlite"
        self._known: dict[str, _Read] = {}

    def columns(self, names: Iterable[str]) -> list[ColumnElement[Any]]:
        """What to select for these names: a field's, a field's ``__text`` or ``__all``, or one of the store's own."""
        return [self._read(name).column for name in names]

    def spent(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """How many bytes these rows take, roughly: what may be large is counted, the rest taken as a hundred a row."""
        large = [number for number, name in enumerate(names) if self._read(name).large]
        return sum(len(row[number] or "") for number in large for row in rows) + 100 * len(rows)

    def turned(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
        """The rows as columns by name, each value in the form of an answer."""
        turned: dict[str, Sequence[Any]] = {}
        for name, values in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=False):
            convert = self._read(name).convert
            turned[name] = values if convert is None else [None if one is None else convert(one) for one in values]
        return turned

    def _read(self, name: str) -> _Read:
        read = self._known.get(name)
        if read is None:
            read = self._known[name] = self._made(name)
        return read

    def _made(self, name: str) -> _Read:
        field = self._fields.get(name)
        if field is None:
            return _Read(
                self._raw(name),
                orjson.Fragment if name == GEOJSON else None,
                name == GEOJSON or name.endswith((PLAIN, ALL)),
            )
        if field.kind is Geometry:
            return _Read(self._table.c[name], None, large=True)
        if field.kind is datetime:
            return _Read(self._raw(name + LOCAL), _seconds)
        return _Read(self._raw(name), self._convert(field), field.html or field.localized)

    def _raw(self, name: str) -> ColumnElement[Any]:
        """The column as the driver gives it."""
        return type_coerce(self._table.c[name], RAW).label(name)

    def _convert(self, field: Field) -> Convert | None:
        if field.kind is tuple:
            return orjson.Fragment
        if field.kind is Decimal:
            return _written if self._exact else partial(_scaled, field.scale)
        if field.kind is date and self._exact:
            return date.isoformat
        return bool if field.kind is bool else None


def _seconds(moment: str) -> str:
    """A moment without parts of a second, as the graph writes it."""
    return moment if moment[19:20] != "." else moment[:19] + moment[26:]


def _written(number: Decimal) -> str:
    return f"{number:f}"


def _scaled(scale: int, number: int) -> str:
    return f"{Decimal(number).scaleb(-scale):f}"
