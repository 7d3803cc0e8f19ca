"""Tables of earlier layouts, from before schemas were stored: the schema is inferred from the columns.

A column whose type fits the declared kind is taken to be of that kind (SQLite has one type for whole numbers and for decimals).
Otherwise, and for columns without a declared field, the kind is guessed from the column and the columns derived from it.
"""

import re
from collections.abc import Mapping

from sqlalchemy import Dialect

from broker.model import Dataset
from broker.store.column_types import column_type
from broker.store.dialect import FoundTable
from broker.store.schemas import FieldSchema, TableSchema, kind_of
from broker.store.tables import ALL, GEOCODED, KEY, LOCAL, PLAIN

__all__ = ["adopted"]

GUESSED: Mapping[str, str] = {
    "bigint": "integer", "float": "float", "doubleprecision": "float", "boolean": "boolean", "date": "date", "varchar": "moment",
    "blob": "geometry",
}  # fmt: skip
"""Kinds by the types that SQLite and PostgreSQL have for them."""


def adopted(dataset: Dataset, name: str, found: FoundTable, dialect: Dialect) -> TableSchema:
    """The schema of a table as it is, with the number 0: what it is declared as now comes after it."""
    fields = []
    declared = {was: one for one in dataset.fields for was in one.was} | {one.name: one for one in dataset.fields}
    for column, there in found.columns.items():
        if column.startswith("_") or any(
            column == base + suffix for base in found.columns for suffix in (KEY, PLAIN, ALL, LOCAL)
        ):
            continue
        one = declared.get(column)
        if one is not None and _plain(column_type(kind_of(one)).compile(dialect)) == _plain(there.type):
            kind, search = kind_of(one), one.search
        else:
            kind, search = _guessed(column, _plain(there.type), found), None
        html = column + PLAIN in found.columns
        fields.append(FieldSchema(column, column, kind, there.nullable, html, search))
    geocode = dataset.geocode if GEOCODED[0][0] in found.columns else ()
    key = next((names[0] for index, names in found.indexes.items() if index.endswith("__version")), None)
    return TableSchema(0, name, str(key or dataset.key), tuple(sorted(fields, key=lambda one: one.name)), geocode)


def _plain(type_name: str) -> str:
    """A type's name in one form: ``NUMERIC(20, 2)`` and ``numeric(20,2)`` are the same."""
    name = re.sub(r"\s", "", type_name.lower()).removesuffix('collate"c"')
    return "doubleprecision" if name == "float" else name


def _guessed(column: str, type_name: str, found: FoundTable) -> str:
    if type_name.startswith("numeric("):
        return f"decimal({type_name[8:-1].rpartition(',')[2]})"
    if type_name.startswith("geometry("):
        return "geometry"
    if type_name in GUESSED:
        return GUESSED[type_name]
    if column + ALL in found.columns:
        return "localized"
    if column + LOCAL in found.columns:
        return "moment"
    return "text" if column + KEY in found.columns else "list"
