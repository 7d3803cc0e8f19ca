"""The graph's own scalars: exact decimals, dates, moments with their offset, GeoJSON."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from broker.model import CITY_TIME

__all__ = ["JSON", "SCALARS", "GeoJSON"]

GeoJSON = NewType("GeoJSON", dict[str, Any])
JSON = NewType("JSON", object)


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValueError(f'Decimal cannot represent {value!r}; give a number or a text such as "1234567.89"')
    return number


def _date(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f'Date cannot represent {value!r}; give YYYY-MM-DD, such as "2017-09-01"') from None


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(
            f'DateTime cannot represent {value!r}; give a day or an ISO 8601 moment, such as "2017-09-01" or '
            '"2017-09-01T18:30:00+02:00"'
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=CITY_TIME)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"DateTime cannot represent {value!r}; it lies beyond the calendar in UTC") from None


def _geometry(value: object) -> dict[str, Any]:
    # What kind of object it is, is told where it is used, so that the other fields of the request are answered.
    if isinstance(value, dict):
        return value
    raise ValueError('GeoJSON takes a geometry object, such as {type: "Point", coordinates: [16.93, 52.41]}')


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, written as a string so that no digit is lost: `"1234567.89"`.',
        specified_by_url="https://en.wikipedia.org/wiki/Decimal_data_type",
        serialize=lambda value: f"{value:f}",
        parse_value=_decimal,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day, as ISO 8601 writes it: `2017-09-01`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=lambda value: value.isoformat(),
        parse_value=_date,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "A moment with its offset, in the city's time: `2017-09-01T18:30:00+02:00`. "
            "On input a day alone means its beginning, and no offset means the city's time (Europe/Warsaw)."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=lambda value: value.astimezone(CITY_TIME).isoformat(timespec="seconds"),
        parse_value=_moment,
    ),
    GeoJSON: strawberry.scalar(
        name="GeoJSON",
        description="A geometry object of GeoJSON; coordinates are east before north in every coordinate system.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc7946#section-3.1",
        serialize=lambda value: value,
        parse_value=_geometry,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value: what properties of a layer have, whose types are known only from its `schema`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
