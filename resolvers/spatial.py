"""What every record with a place has: its shape, measures, district, and how far and how much of it is somewhere."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any

import shapely
import strawberry

from broker.errors import BadArgument
from broker.geocoding import Method
from broker.geometry import Geometry, epsg, geojson, metric
from broker.query import AREA, DISTRICT, GEOCODING, LENGTH, LOCATION
from resolvers.context import Info, RecordValue
from resolvers.derive import resolved
from resolvers.scalars import GeoJSON
from resolvers.where import degrees

__all__ = [
    "DEGREE",
    "MAX_SIMPLIFY",
    "METRE",
    "PLACE_COLUMNS",
    "Geocoding",
    "GeocodingMethod",
    "Intersection",
    "Location",
    "PlaceInput",
    "district_member",
    "geocoding_member",
    "place_members",
    "rounded",
    "share",
]

MAX_SIMPLIFY = 10_000
DEGREE, METRE = 10**7, 100
"""Parts of each that an answer tells: about a centimetre; of square metres a hundredth."""


@strawberry.type(description="A point in WGS 84 (EPSG:4326).")
class Location:
    """A point in degrees."""

    lon: float = strawberry.field(description="Longitude in degrees, east is positive.")
    lat: float = strawberry.field(description="Latitude in degrees, north is positive.")


@strawberry.input(description="A point in WGS 84 (EPSG:4326).")
class PlaceInput:
    """A point in degrees."""

    lon: float = strawberry.field(description="Longitude in degrees, east is positive.")
    lat: float = strawberry.field(description="Latitude in degrees, north is positive.")


@strawberry.type(description="What two areas have in common.")
class Intersection:
    """A shared area and its share."""

    area: float = strawberry.field(description="The shared area in square metres (in EPSG:2177).")
    share: float = strawberry.field(
        description="Its share of the area of the record that was asked about, from 0 to 1."
    )


PLACE_COLUMNS: Mapping[str, frozenset[str]] = {
    "location": frozenset({LOCATION}),
    "area": frozenset({AREA}),
    "length": frozenset({LENGTH}),
    "district": frozenset({DISTRICT}),
}
"""Which columns the fields of a place need, beside the geometry itself."""


def _shape(record: RecordValue) -> Geometry | None:
    wkb = record.row[str(record.dataset.geometry)]
    shape: Geometry | None = None if wkb is None else shapely.from_wkb(wkb)
    return shape


def _geometry(
    root: strawberry.Parent[RecordValue],
    crs: Annotated[
        str,
        strawberry.argument(
            description="Coordinate system by its EPSG code: `EPSG:4326` (degrees), `EPSG:2177` (metres) or any other one that reaches the city."
        ),
    ] = "EPSG:4326",
    simplify: Annotated[
        float, strawberry.argument(description="Leave out detail finer than so many metres; 0 keeps everything.")
    ] = 0.0,
) -> Any:  # noqa: ANN401 - GeoJSON
    code = epsg(crs)
    if not 0 <= simplify <= MAX_SIMPLIFY:
        raise BadArgument(f"simplify: {simplify} is not between 0 and {MAX_SIMPLIFY} metres")
    shape = _shape(root)
    return None if shape is None else geojson(shape, code, simplify)


def _location(root: strawberry.Parent[RecordValue]) -> Location | None:
    lon, lat = root.row["_lon"], root.row["_lat"]
    return None if lon is None else Location(lon=rounded(lon, DEGREE), lat=rounded(lat, DEGREE))


def _area(root: strawberry.Parent[RecordValue]) -> float | None:
    return _centimetres(root.row[AREA])


def _length(root: strawberry.Parent[RecordValue]) -> float | None:
    return _centimetres(root.row[LENGTH])


def rounded(value: float, parts: int) -> float:
    """To so many parts of a whole, beyond which digits say nothing; thrice as fast as `round` with digits, which goes by way of text."""
    return round(value * parts) / parts


def _centimetres(measure: float | None) -> float | None:
    return None if measure is None else rounded(measure, METRE)


def _distance(
    root: strawberry.Parent[RecordValue],
    to: Annotated[
        PlaceInput | None,
        strawberry.argument(
            description="The point to measure from; below `related` the record it is related to, if left out."
        ),
    ] = None,
) -> float | None:
    if to is None and root.beside is None:
        raise BadArgument("distance: give `to`, the point to measure from; only below `related` may it be left out")
    if to is None:
        apart = root.beside.distance if root.beside else None
        return _centimetres(apart)
    shape = _shape(root)
    point = shapely.Point(*degrees("to", to.lon, to.lat))
    return None if shape is None else rounded(float(shapely.distance(metric(shape), metric(point))), METRE)


def share(shared: float | None, area: float | None) -> Intersection | None:
    """What is shared of an area, in square metres; None where it was not asked for or there is no area."""
    return (
        None if shared is None or not area else Intersection(area=rounded(shared, METRE), share=min(shared / area, 1.0))
    )


def _intersection(root: strawberry.Parent[RecordValue]) -> Intersection | None:
    return None if root.beside is None else share(root.beside.shared, root.beside.area)


async def _district(root: strawberry.Parent[RecordValue], info: Info) -> Any:  # noqa: ANN401 - a record
    key = root.row[DISTRICT]
    partition = info.context.catalog.partition
    return None if key is None or partition is None else await info.context.loader(partition).load(key)


def place_members() -> dict[str, Any]:
    """The fields of a record with a place, but for its district."""
    return {
        "geometry": resolved(
            _geometry, GeoJSON | None, "Its shape as GeoJSON, east before north whatever the coordinate system."
        ),
        "location": resolved(
            _location, Location | None, "A point that stands for it: itself, or one that lies on it for sure."
        ),
        "area": resolved(_area, float | None, "Its area in square metres (in EPSG:2177); 0 for points and lines."),
        "length": resolved(
            _length, float | None, "Its length in metres (in EPSG:2177): of a line, or of an area's outline."
        ),
        "distance": resolved(_distance, float | None, "Metres from a point to the nearest part of it; 0 inside."),
        "intersection": resolved(
            _intersection,
            Intersection | None,
            "Below `related`: what its area shares with the record it is related to; null elsewhere.",
        ),
    }


@strawberry.enum(description="How a place was found by an address, the surest first.")
class GeocodingMethod(Enum):
    """The graph's names of `broker.geocoding.Method`."""

    ADDRESS = strawberry.enum_value(Method.ADDRESS.value, description="The register has this street and number.")
    RANGE = strawberry.enum_value(
        Method.RANGE.value,
        description="A range of numbers with the number in it, or the number without its letter, stands for it.",
    )
    NEAREST_NUMBER = strawberry.enum_value(
        Method.NEAREST_NUMBER.value,
        description="The nearest number on the same side of the street, at most six off, stands for it.",
    )
    STREET = strawberry.enum_value(
        Method.STREET.value, description="Only the street is named; its address nearest to the middle stands for it."
    )


@strawberry.type(description="How the place of a record that has only an address was found, or why it was not.")
class Geocoding:
    """A looked-up address."""

    method: GeocodingMethod | None = strawberry.field(description="How it was found; null when it was not.")
    confidence: float | None = strawberry.field(
        description="How sure the place is, from 0 to 1; a number in the register is 1, a street without a number 0.4."
    )
    matched_address: str | None = strawberry.field(description="The address or street as the register writes it.")
    reason: str | None = strawberry.field(
        description="Why there is no place: no address, no such street or number, or several that fit, with their names."
    )


def _geocoding(root: strawberry.Parent[RecordValue]) -> Geocoding | None:
    found = {name: root.row[f"{GEOCODING}_{name}"] for name in ("method", "confidence", "address", "reason")}
    if found["method"] is None and found["reason"] is None:
        return None
    method = None if found["method"] is None else GeocodingMethod(found["method"])
    return Geocoding(
        method=method, confidence=found["confidence"], matched_address=found["address"], reason=found["reason"]
    )


def geocoding_member() -> Any:  # noqa: ANN401 - a derived field
    """The field ``geocoding`` of records whose place may come from an address."""
    about = "How its place was found by its address in the city's register; null when the source gave the place itself."
    return resolved(_geocoding, Geocoding | None, about)


def district_member(district: Any) -> Any:  # noqa: ANN401 - a derived type, a field
    """The field ``district``."""
    return resolved(_district, district | None, "The district (osiedle) it lies in; null outside the city.")
