"""What every record with a place has, and the questions of place: `where`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import shapely
import strawberry

from broker.catalog import Catalog
from broker.errors import BadArgument, NotFound, TooMuch
from broker.geometry import Geometry, geojson, metric, output_crs
from broker.model import Dataset
from broker.query import AREA, DISTRICT, LENGTH, LOCATION, And, Bbox, Condition, InDistrict, Near, Not, Or
from broker.text import fold
from resolvers.context import Info, RecordValue
from resolvers.derive import Member, input_type, resolved
from resolvers.node import decode_id
from resolvers.scalars import GeoJSON

__all__ = [
    "PLACE_COLUMNS",
    "BboxInput",
    "Location",
    "NearInput",
    "PlaceInput",
    "Where",
    "district_member",
    "place_members",
    "read_where",
]

MAX_DISTANCE = 50_000
MAX_SIMPLIFY = 10_000
MAX_NESTING = 12


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


@strawberry.input(description="A rectangle in WGS 84 (EPSG:4326), in degrees.")
class BboxInput:
    """A rectangle in degrees."""

    west: float = strawberry.field(description="Least longitude.")
    south: float = strawberry.field(description="Least latitude.")
    east: float = strawberry.field(description="Greatest longitude.")
    north: float = strawberry.field(description="Greatest latitude.")


@strawberry.input(description="The surroundings of a point.")
class NearInput:
    """A point in degrees and a distance in metres."""

    lon: float = strawberry.field(description="Longitude in degrees.")
    lat: float = strawberry.field(description="Latitude in degrees.")
    distance: float = strawberry.field(description=f"Metres around the point, above 0 and at most {MAX_DISTANCE}.")


Where = input_type(
    "Where",
    "A condition on a record's place: exactly one of these.",
    {
        "bbox": Member(BboxInput, "Whose geometry meets this rectangle."),
        "near": Member(NearInput, "Whose geometry comes within this distance of the point."),
        "in_district": Member(
            str, "Which lies in this district, given by its name (case and Polish marks are ignored) or id."
        ),
        "and_": Member(list[Self], "All of these hold.", "and"),  # type: ignore[misc]  # stands for `Where`
        "or_": Member(list[Self], "At least one of these holds.", "or"),  # type: ignore[misc]
        "not_": Member(Self, "This does not hold.", "not"),
    },
    one_of=True,
)
"""The input type ``Where``."""

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
        str, strawberry.argument(description="Coordinate system: `EPSG:4326` (degrees) or `EPSG:2177` (metres).")
    ] = "EPSG:4326",
    simplify: Annotated[
        float, strawberry.argument(description="Leave out detail finer than so many metres; 0 keeps everything.")
    ] = 0.0,
) -> Any:  # noqa: ANN401 - GeoJSON
    code = output_crs(crs)
    if not 0 <= simplify <= MAX_SIMPLIFY:
        raise BadArgument(f"simplify: {simplify} is not between 0 and {MAX_SIMPLIFY} metres")
    shape = _shape(root)
    return None if shape is None else geojson(shape, code, simplify)


def _location(root: strawberry.Parent[RecordValue]) -> Location | None:
    lon, lat = root.row["_lon"], root.row["_lat"]
    return None if lon is None else Location(lon=lon, lat=lat)


def _area(root: strawberry.Parent[RecordValue]) -> float | None:
    area: float | None = root.row[AREA]
    return area


def _length(root: strawberry.Parent[RecordValue]) -> float | None:
    length: float | None = root.row[LENGTH]
    return length


def _distance(
    root: strawberry.Parent[RecordValue],
    to: Annotated[PlaceInput, strawberry.argument(description="The point to measure from.")],
) -> float | None:
    shape = _shape(root)
    point = shapely.Point(*_degrees("to", to.lon, to.lat))
    return None if shape is None else round(float(shapely.distance(metric(shape), metric(point))), 2)


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
    }


def district_member(district: Any) -> Any:  # noqa: ANN401 - a derived type, a field
    """The field ``district``."""
    return resolved(_district, district | None, "The district (osiedle) it lies in; null outside the city.")


def read_where(catalog: Catalog, districts: Mapping[str, Any], where: Any, nesting: int = 0) -> Condition:  # noqa: ANN401
    """A `Where` as a condition. Raises `BadArgument` or `TooMuch`, naming what is wrong."""
    if nesting > MAX_NESTING:
        raise TooMuch(f"where: nested more than {MAX_NESTING} deep")
    given = {key: value for key in WHERE_KEYS if (value := getattr(where, key)) is not strawberry.UNSET}
    key, value = next(iter(given.items()))
    if key == "bbox":
        return _bbox(value)
    if key == "near":
        lon, lat = _degrees("where.near", value.lon, value.lat)
        if not 0 < value.distance <= MAX_DISTANCE:
            raise BadArgument(f"where.near.distance: {value.distance} is not above 0 and at most {MAX_DISTANCE} metres")
        return Near(lon, lat, value.distance)
    if key == "in_district":
        return InDistrict(_district_key(catalog, districts, value))
    parts: Sequence[Any] = value if isinstance(value, list) else [value]
    read = tuple(read_where(catalog, districts, one, nesting + 1) for one in parts)
    if key == "not_":
        return Not(read[0])
    return And(read) if key == "and_" else Or(read)


WHERE_KEYS = ("bbox", "near", "in_district", "and_", "or_", "not_")


def _bbox(box: BboxInput) -> Bbox:
    west, south = _degrees("where.bbox", box.west, box.south)
    east, north = _degrees("where.bbox", box.east, box.north)
    if west > east or south > north:
        raise BadArgument(f"where.bbox: west {west} and south {south} must not be beyond east {east} and north {north}")
    return Bbox(west, south, east, north)


def _degrees(where: str, lon: float, lat: float) -> tuple[float, float]:
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - the whole earth
        raise BadArgument(f"{where}: lon {lon}, lat {lat} is no place on earth in degrees (EPSG:4326)")
    return lon, lat


def _district_key(catalog: Catalog, districts: Mapping[str, Any], text: str) -> Any:  # noqa: ANN401 - a key
    if (key := districts.get(fold(text.strip()))) is not None:
        return key
    try:
        dataset, key = decode_id(catalog, text)
    except (BadArgument, NotFound):
        dataset = None
    if isinstance(dataset, Dataset) and dataset.partition:
        return key
    names = ", ".join(sorted(districts)[:5])
    raise BadArgument(f"where.inDistrict: no district {text[:60]!r}; give a name such as {names}, or a district's id")
