"""Data set → table: columns, indexes, and how a record becomes a row of them.

A row lives from one version of its data set to another: ``_since`` ≤ version < ``_until``. Nothing is ever overwritten,
so a reader that holds a version sees that version whole, whatever is refreshed meanwhile. Columns that begin with an
underscore are the store's own; ``<field>__key`` is the Polish collation key of a text, ``<field>__text`` the words of a
markup field, ``<field>__all`` a text's languages as JSON, ``<field>__local`` a moment in the city's time, for its day, month
and year.
"""

from collections.abc import Callable, Iterator, Sequence
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
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    func,
    literal_column,
)
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from broker.geometry import WGS84, Geometry
from broker.model import CITY_TIME, Dataset, Field, Localized, Record
from broker.query import GEOCODING
from broker.store.located import PLACE
from broker.text import collation, plain_text

__all__ = [
    "ALL",
    "FOREVER",
    "GEOCODED",
    "KEY",
    "LOCAL",
    "PLAIN",
    "Instant",
    "PostgisGeometry",
    "Scaled",
    "encoder",
    "fingerprinter",
    "table",
    "well_known",
]

FOREVER = 2**62
KEY, PLAIN, ALL, LOCAL = "__key", "__text", "__all", "__local"


TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Texts are compared by their bytes in every database: what is sorted for people has a collation key of its own."""


class PostgisGeometry(UserDefinedType[bytes]):
    """A geometry of PostGIS in a coordinate system, given and taken as well-known binary."""

    cache_ok = True

    def __init__(self, srid: int) -> None:
        self.srid = srid

    def get_col_spec(self, **_: object) -> str:
        """Any kind of geometry in the system."""
        return f"geometry(Geometry, {self.srid})"

    def bind_expression(self, bindvalue: BindParameter[bytes]) -> ColumnElement[bytes]:
        """From well-known binary."""
        return func.ST_GeomFromWKB(bindvalue, literal_column(str(self.srid)), type_=self)

    def column_expression(self, colexpr: ColumnElement[bytes]) -> ColumnElement[bytes]:
        """To well-known binary."""
        return func.ST_AsBinary(colexpr, type_=LargeBinary())


class Scaled(TypeDecorator[Decimal]):
    """An exact decimal: a scaled integer in SQLite, whose own numbers are binary, and NUMERIC elsewhere."""

    impl = Numeric
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Integers for SQLite, NUMERIC for the others."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(20, self.scale))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - as SQLAlchemy declares it
        """Scale on the way in; what has more digits is rounded here, so that every database holds the same."""
        if value is None:
            return None
        whole = int(Decimal(value).scaleb(self.scale).to_integral_value())
        return whole if dialect.name == "sqlite" else Decimal(whole).scaleb(-self.scale)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ANN401 - as SQLAlchemy declares it
        """Scale back on the way out."""
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]
        return Decimal(value).scaleb(-self.scale)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC as ISO 8601 text, which sorts as time does."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A text like the others."""
        return dialect.type_descriptor(TEXT.dialect_impl(dialect) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401 - as SQLAlchemy declares it
        """To UTC on the way in."""
        del dialect
        if value is None:
            return None
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"  # four digits a year

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401 - as SQLAlchemy declares it
        """An aware datetime on the way out."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


def _type(field: Field) -> TypeEngine[Any]:
    if field.kind is Decimal:
        return Scaled(field.scale)
    types: dict[type, TypeEngine[Any]] = {
        int: BigInteger(),
        float: Float(),
        bool: Boolean(),
        date: Date(),
        datetime: Instant(),
        Geometry: LargeBinary().with_variant(PostgisGeometry(WGS84), "postgresql"),
    }
    return types.get(field.kind, TEXT)


def _columns(field: Field) -> Iterator[Column[Any]]:
    yield Column(field.name, _type(field), nullable=field.optional)
    if field.kind in (str, Localized):
        yield Column(field.name + KEY, TEXT)
    if field.kind is datetime:
        yield Column(field.name + LOCAL, TEXT)
    if field.html:
        yield Column(field.name + PLAIN, TEXT)
    if field.localized:
        yield Column(field.name + ALL, TEXT)


GEOCODED: tuple[tuple[str, Any], ...] = (
    (f"{GEOCODING}_method", TEXT),
    (f"{GEOCODING}_confidence", Float),
    (f"{GEOCODING}_address", TEXT),
    (f"{GEOCODING}_reason", TEXT),
    (f"{GEOCODING}_version", BigInteger),
)
"""What is kept of an address that was looked up; the version is the gazetteer's. All are null where the source gave the place."""


def table(dataset: Dataset, metadata: MetaData) -> Table:
    """The table of a data set, with an index on what one looks up, ranges over or refers by."""
    columns = [column for field in dataset.fields for column in _columns(field)]
    if dataset.located:
        columns += [Column(name, TEXT if kind is Text else kind) for name, kind in PLACE]
    if dataset.geocode:
        columns += [Column(name, kind) for name, kind in GEOCODED]
    name = dataset.id.replace(".", "_")
    made = Table(
        name,
        metadata,
        Column("_row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("_since", BigInteger, nullable=False),
        Column("_until", BigInteger, nullable=False),
        Column("_hash", BigInteger, nullable=False),
        *columns,
        info={"geometry": dataset.geometry},
    )
    Index(f"ix_{name}__version", made.c[dataset.key], made.c["_since"], unique=True)
    for field in dataset.fields:
        if field.kind in (date, datetime, Decimal, int, float) or field.to is not None:
            Index(f"ix_{name}_{field.name}", made.c[field.name], made.c[dataset.key])
        elif field.search == "title":
            Index(f"ix_{name}_{field.name}", made.c[field.name + KEY], made.c[dataset.key], info={"text": True})
    if dataset.located:
        Index(f"ix_{name}_district", made.c["_district"], made.c[dataset.key])
    return made


def well_known(records: Sequence[Record], geometry: str | None) -> list[bytes | None]:
    """The geometry of each record as well-known binary: its form in the store, and what its content hash is made of."""
    if geometry is None or not records:
        return [None] * len(records)
    shapes = np.array([getattr(record, geometry) for record in records], dtype=object)
    return list(shapely.to_wkb(shapes))


Fingerprint = Callable[[Record, bytes | None, str | None], int]


def fingerprinter(dataset: Dataset) -> Fingerprint:
    """A function that gives a record's content hash: 64 bits, so that an unchanged record is known without reading it; a repair counts as content."""
    values = attrgetter(dataset.key, *(one.name for one in dataset.fields if one.kind is not Geometry))

    def fingerprint(record: Record, wkb: bytes | None, repaired: str | None) -> int:
        raw = repr((values(record), wkb, repaired))
        return int.from_bytes(blake2b(raw.encode(), digest_size=8).digest(), "big", signed=True)

    return fingerprint


Encode = Callable[[Record, bytes | None], dict[str, Any]]


def encoder(dataset: Dataset) -> Encode:
    """A function that turns a record and its well-known binary into the values of its declared columns."""
    steps = [_step(field) for field in dataset.fields if field.kind is not Geometry]
    geometry = dataset.geometry

    def encode(record: Record, wkb: bytes | None) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for step in steps:
            step(record, row)
        if geometry is not None:
            row[geometry] = wkb
        return row

    return encode


Step = Callable[[Record, dict[str, Any]], None]


def _step(field: Field) -> Step:
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
