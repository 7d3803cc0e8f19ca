"""Types of columns that SQLAlchemy does not have, the same values in every database, and which kind of value has which type."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Float,
    LargeBinary,
    Numeric,
    String,
    Text,
    func,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from broker.geometry import WGS84
from broker.store.schemas import scale_of

__all__ = ["TEXT", "Absent", "InMetres", "Instant", "PostgisGeometry", "Scaled", "column_type"]

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


class InMetres(PostgisGeometry):
    """A geometry that is given in degrees (EPSG:4326), as well-known binary, and kept in the system."""

    cache_ok = True

    def bind_expression(self, bindvalue: BindParameter[bytes]) -> ColumnElement[bytes]:
        """From well-known binary in degrees."""
        degrees = func.ST_GeomFromWKB(bindvalue, literal_column(str(WGS84)), type_=self)
        return func.ST_Transform(degrees, literal_column(str(self.srid)), type_=self)


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


class Absent(Column[Any]):
    """A column that the table in the database does not have yet, or not any more: null in every row, never written."""

    inherit_cache = True


@compiles(Absent)
def _null(element: Absent, compiler: SQLCompiler, **_: object) -> str:
    kind = compiler.dialect.type_compiler_instance.process(element.type).partition(" COLLATE")[0]
    return f"CAST(NULL AS {kind})"


def column_type(kind: str) -> TypeEngine[Any]:
    """The type of the column that holds values of a kind (see `broker.store.schemas.kind_of`)."""
    if kind.startswith("decimal"):
        return Scaled(scale_of(kind))
    types: dict[str, TypeEngine[Any]] = {
        "integer": BigInteger(),
        "float": Float(),
        "boolean": Boolean(),
        "date": Date(),
        "moment": Instant(),
        "geometry": LargeBinary().with_variant(PostgisGeometry(WGS84), "postgresql"),
    }
    return types.get(kind, TEXT)
