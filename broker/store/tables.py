"""Data set and the schema of its table → table: columns, indexes, and how a record becomes a row of them.

A row lives from one version of its data set to another: ``_since`` ≤ version < ``_until``. Nothing is ever overwritten,
so a reader that holds a version sees that version whole, whatever is refreshed meanwhile. Columns that begin with an
underscore are the store's own; ``<field>__key`` is the Polish collation key of a text, ``<field>__text`` the words of a
markup field, ``<field>__all`` a text's languages as JSON, ``<field>__local`` a moment in the city's time, for its day, month
and year. The name of a field is the key of its column, which may have another name (see `broker.store.schemas`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import numpy as np
import orjson
import shapely
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from broker.geometry import Geometry
from broker.model import CITY_TIME, Dataset, Field, Localized, Record
from broker.query import GEOCODING
from broker.store.column_types import TEXT, Absent, column_type
from broker.store.located import PLACE
from broker.store.schemas import TableSchema
from broker.text import collation, plain_text

__all__ = [
    "ALL",
    "FOREVER",
    "GEOCODED",
    "KEY",
    "LOCAL",
    "PLAIN",
    "decoder",
    "derived",
    "encoder",
    "fingerprinter",
    "index_name",
    "metric_column",
    "step",
    "table",
    "well_known",
]

FOREVER = 2**62
KEY, PLAIN, ALL, LOCAL = "__key", "__text", "__all", "__local"
LONGEST_IDENTIFIER = 63
"""Bytes of a name in PostgreSQL."""


def derived(kind: str, *, html: bool) -> tuple[str, ...]:
    """The suffixes of the columns that are worked out from a field of this kind."""
    own = {"text": (KEY,), "localized": (KEY, ALL), "moment": (LOCAL,)}.get(kind, ())
    return (*own, PLAIN) if html else own


class _Columns:
    """Makes the columns of one table: those that the database does not have are absent."""

    def __init__(self, present: Collection[str] | None) -> None:
        self._present = present

    def fields(self, schema: TableSchema) -> Iterator[Column[Any]]:
        """What the fields are in; none but the key is NOT NULL, so that a field may become optional, or go, at once."""
        for one in schema.fields:
            info = {"late": one.since > 0}
            yield self.made(one.column, column_type(one.kind), key=one.name, nullable=one.name != schema.key, info=info)
            for suffix in derived(one.kind, html=one.html):
                yield self.made(one.column + suffix, TEXT, key=one.name + suffix)

    def made(self, name: str, kind: Any, **rest: Any) -> Column[Any]:  # noqa: ANN401 - as SQLAlchemy declares a column
        """One column."""
        if self._present is None or name in self._present:
            return Column(name, kind, **rest)
        return Absent(name, kind, **{**rest, "info": {"late": True}})


GEOCODED: tuple[tuple[str, Any], ...] = (
    (f"{GEOCODING}_method", TEXT),
    (f"{GEOCODING}_confidence", Float),
    (f"{GEOCODING}_address", TEXT),
    (f"{GEOCODING}_reason", TEXT),
    (f"{GEOCODING}_version", BigInteger),
)
"""What is kept of an address that was looked up; the version is the gazetteer's. All are null where the source gave the place."""


def table(dataset: Dataset, schema: TableSchema, metadata: MetaData, present: Collection[str] | None = None) -> Table:
    """The table of a data set, with an index on what one looks up, ranges over or refers by.

    ``present`` names the columns that the table in the database has; None for a table that is yet to be made.
    """
    make = _Columns(present)
    columns = [*make.fields(schema)]
    if dataset.located:
        columns += [make.made(name, TEXT if kind is Text else kind) for name, kind in PLACE]
    if dataset.geocode:
        columns += [make.made(name, kind) for name, kind in GEOCODED]
    made = Table(
        schema.table,
        metadata,
        Column("_row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("_since", BigInteger, nullable=False),
        Column("_until", BigInteger, nullable=False),
        Column("_hash", BigInteger, nullable=False),
        *columns,
        info={"geometry": dataset.geometry},
    )
    _index(made, dataset)
    return made


def metric_column(geometry: str) -> str:
    """The name of the column in metres beside a geometry's, where the database does not compute it."""
    return f"{geometry}__metric"


def index_name(table_name: str, of: str) -> str:
    """The name of an index, cut to what PostgreSQL takes."""
    name = f"ix_{table_name}_{of}"
    if len(name) <= LONGEST_IDENTIFIER:
        return name
    return f"{name[: LONGEST_IDENTIFIER - 9]}_{blake2b(name.encode(), digest_size=4).hexdigest()}"


def _index(made: Table, dataset: Dataset) -> None:
    key = made.c[dataset.key]
    indexed = [("_version", key, made.c["_since"])]
    for field in dataset.fields:
        if field.kind in (date, datetime, Decimal, int, float) or field.to is not None:
            indexed.append((made.c[field.name].name, made.c[field.name], key))
        elif field.search == "title":
            indexed.append((made.c[field.name].name, made.c[field.name + KEY], key))
    if dataset.located:
        indexed.append(("district", made.c["_district"], key))
    for name, *columns in indexed:
        if not any(isinstance(one, Absent) for one in columns):
            text = columns[0].key.endswith(KEY)
            Index(index_name(made.name, name), *columns, unique=name == "_version", info={"text": text})


def well_known(records: Sequence[Record], geometry: str | None) -> list[bytes | None]:
    """The geometry of each record as well-known binary: its form in the store, and what its content hash is made of."""
    if geometry is None or not records:
        return [None] * len(records)
    shapes = np.array([getattr(record, geometry) for record in records], dtype=object)
    return list(shapely.to_wkb(shapes))


Fingerprint = Callable[[Record, bytes | None, str | None], int]


def fingerprinter(dataset: Dataset, table: Table) -> Fingerprint:
    """A function that gives a record's content hash: 64 bits, so that an unchanged record is known without reading it.

    Hashed are the values that the table holds, each by the name of its column, and a repair. A value that is not there does not
    count: so neither a new field without values, nor a new name or another order of fields, makes a record another one.
    """
    fields = sorted((table.c[one.name].name, one) for one in dataset.fields if one.kind is not Geometry)
    held = [(name, one) for name, one in fields if not isinstance(table.c[one.name], Absent)]
    names = [name for name, _ in held]
    values = attrgetter(*(one.name for _, one in held), dataset.key)  # the key once more: a tuple also of one field
    canonical = [(place, CANONICAL[one.kind](one)) for place, (_, one) in enumerate(held) if one.kind in CANONICAL]

    def fingerprint(record: Record, wkb: bytes | None, repaired: str | None) -> int:
        content = list(values(record))
        for place, canon in canonical:
            if content[place] is not None:
                content[place] = canon(content[place])
        present = [pair for pair in zip(names, content, strict=False) if pair[1] is not None]
        hashed = blake2b(orjson.dumps(present), digest_size=8)
        if wkb is not None or repaired is not None:
            hashed.update(repr((wkb, repaired)).encode())
        return int.from_bytes(hashed.digest(), "big", signed=True)

    return fingerprint


def _whole(field: Field) -> Callable[[Any], Any]:
    scale = field.scale
    return lambda value: int(Decimal(value).scaleb(scale).to_integral_value())


CANONICAL: dict[type, Callable[[Field], Callable[[Any], Any]]] = {
    Decimal: _whole,
    datetime: lambda _: lambda value: value.astimezone(UTC).isoformat(),
    Localized: lambda _: lambda value: sorted(value.items()) if len(value) > 1 else value.best(),
    tuple: lambda _: tuple,
    float: lambda _: float,
}
"""Of the kinds of which the same value has several forms: the one that is hashed, whether a source or the table gave it."""


Encode = Callable[[Record, bytes | None], dict[str, Any]]


def encoder(dataset: Dataset) -> Encode:
    """A function that turns a record and its well-known binary into the values of its declared columns."""
    steps = [step(field) for field in dataset.fields if field.kind is not Geometry]
    geometry = dataset.geometry

    def encode(record: Record, wkb: bytes | None) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for one in steps:
            one(record, row)
        if geometry is not None:
            row[geometry] = wkb
        return row

    return encode


Step = Callable[[Any, dict[str, Any]], None]


def step(field: Field) -> Step:
    """A function that puts what a record holds of a field into a row, with everything that is worked out from it."""
    name, key, plain = field.name, field.name + KEY, field.name + PLAIN
    everything, local = field.name + ALL, field.name + LOCAL

    def text(record: Record, row: dict[str, Any]) -> None:
        value = getattr(record, name)
        row[name] = value
        words = value
        if field.html:
            words = row[plain] = None if value is None else plain_text(value)
        row[key] = None if words is None else collation(words)

    def localized(record: Record, row: dict[str, Any]) -> None:
        value: Localized | None = getattr(record, name)
        row[name] = words = None if value is None else value.best()
        row[everything] = orjson.dumps(value).decode() if value is not None and len(value) > 1 else None
        if field.html:
            words = row[plain] = None if words is None else plain_text(words)
        row[key] = None if words is None else collation(words)

    def listed(record: Record, row: dict[str, Any]) -> None:
        value = getattr(record, name)
        row[name] = None if value is None else orjson.dumps(value).decode()

    def moment(record: Record, row: dict[str, Any]) -> None:
        value: datetime | None = getattr(record, name)
        row[name] = value
        row[local] = None if value is None else value.astimezone(CITY_TIME).isoformat()

    def plainly(record: Record, row: dict[str, Any]) -> None:
        row[name] = getattr(record, name)

    steps: dict[type, Step] = {str: text, Localized: localized, tuple: listed, datetime: moment}
    return steps.get(field.kind, plainly)


def decoder(dataset: Dataset, names: Collection[str]) -> Callable[[Any], dict[str, Any]]:
    """A function that turns column values into a record's; a geometry stays well-known binary, since few ask for its coordinates."""
    lists = [one.name for one in dataset.fields if one.kind is tuple and one.name in names]
    texts = [(one.name, one.name + ALL) for one in dataset.fields if one.localized and one.name in names]

    def decode(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a mapping: SQLAlchemy's is none by its type
        values = dict(row)
        for name in lists:
            values[name] = None if values[name] is None else orjson.loads(values[name])
        for name, everything in texts:
            languages = values.pop(everything)
            if values[name] is not None:
                values[name] = Localized(orjson.loads(languages)) if languages else Localized(pl=values[name])
        return values

    return decode
