"""Coordinate systems, axis order, metric measures, GeoJSON: the only place that knows EPSG numbers.

Inside the broker a geometry is a shapely geometry in EPSG:4326, longitude first, as in RFC 7946; metres are taken in
EPSG:2177 (PL-2000 zone 6, scale 0.999923), easting first. Whatever comes in another way is turned here, at the border.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson
import shapely
from cachetools import LRUCache, cached
from shapely.geometry.base import BaseGeometry

from broker.errors import BadArgument, RowError

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

__all__ = [
    "CITY",
    "METRIC",
    "NEIGHBOURHOOD",
    "PLANE",
    "UNCLOSED",
    "WGS84",
    "Extent",
    "Geometry",
    "areas",
    "east_first",
    "epsg",
    "from_geojson",
    "geojson",
    "geojson_text",
    "lengths",
    "mended",
    "metric",
    "north_first",
    "transform",
]

Geometry: TypeAlias = BaseGeometry

WGS84 = 4326
METRIC = 2177
DECIMALS_OF_DEGREES, DECIMALS_OF_METRES = 7, 2  # a centimetre in both


@dataclass(frozen=True, slots=True)
class Extent:
    """A rectangle in degrees: west, south, east, north."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        """Whether the point lies inside or on the edge."""
        return self.west <= lon <= self.east and self.south <= lat <= self.north

    def around(self, degrees: float) -> "Extent":
        """The rectangle grown by this many degrees on every side."""
        return Extent(self.west - degrees, self.south - degrees, self.east + degrees, self.north + degrees)


PLANE = Extent(-40.0, -85.0, 75.0, 85.0)
"""Where places have coordinates in metres (EPSG:2177, whose meridian is 18° E); further off PROJ gives none, or infinite ones."""
CITY = Extent(16.73, 52.29, 17.08, 52.51)
CENTRE = shapely.Point(16.93, 52.41)
EXACT = 1e-6  # degrees that a place may move on its way there and back: a decimetre
NEIGHBOURHOOD = CITY.around(1.0)  # routes and stops reach into the county; another continent is farther than a degree


class _NoSystem(LookupError):
    """There is no such coordinate system."""


@lru_cache(maxsize=64)
def _transformer(source: int, target: int) -> "Transformer":
    """What turns coordinates of one system into those of another. Raises `_NoSystem`."""
    from pyproj import Transformer  # noqa: PLC0415 - as in `_registered`
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except CRSError as error:
        raise _NoSystem(str(error)) from error


@lru_cache(maxsize=256)
def _registered(code: int) -> "CRS":
    """The system of this code in the registry of EPSG. Raises `_NoSystem`."""
    from pyproj import CRS  # noqa: PLC0415 - it takes long to import, and a start needs none
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    try:
        return CRS.from_epsg(code)
    except CRSError as error:
        raise _NoSystem(str(error)) from error


def transform(geometries: Any, source: int, target: int) -> Any:  # noqa: ANN401 - one geometry or an array, as shapely
    """Turn one geometry or an array of them from one EPSG code to another, east before north on both sides."""
    if source == target:
        return geometries
    change = _transformer(source, target)

    def moved(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.column_stack(change.transform(points[:, 0], points[:, 1]))

    return shapely.transform(geometries, moved)


def metric(geometries: Any) -> Any:  # noqa: ANN401 - as transform
    """The same geometries in metres (EPSG:2177), easting first."""
    return transform(geometries, WGS84, METRIC)


def areas(in_metres: Any) -> Any:  # noqa: ANN401 - as transform
    """Areas in square metres of geometries in EPSG:2177."""
    return shapely.area(in_metres)


def lengths(in_metres: Any) -> Any:  # noqa: ANN401 - as transform
    """Lengths in metres of geometries in EPSG:2177: a line's length, a polygon's outline."""
    return shapely.length(in_metres)


EPSG = re.compile(
    r"(?:EPSG:|urn:ogc:def:crs:EPSG:[\d.]{0,9}:|https?://www\.opengis\.net/def/crs/EPSG/[\d.]{1,9}/)?(\d{4,6})",
    re.IGNORECASE,
)
CRS84 = re.compile(
    r"(?:OGC:|urn:ogc:def:crs:OGC:[\d.]{0,9}:|https?://www\.opengis\.net/def/crs/OGC/[\d.]{1,9}/)?CRS84", re.IGNORECASE
)
LONGEST_NAME = 100  # no name above matches is longer, and what is kept of those asked for stays small


def epsg(name: str) -> int:
    """The EPSG code for a name a client gave: ``EPSG:2180``, ``2180``, the OGC's URN or address of it, or ``CRS84``.

    Raises `BadArgument` unless it is a system of two axes, geographic or projected, in which Poznań has a place.
    """
    found = _system(name.strip()[:LONGEST_NAME])
    if isinstance(found, str):
        raise BadArgument(f"crs: {found}")
    return found


@lru_cache(maxsize=1024)
def _system(name: str) -> int | str:
    """The code, or why there is none: a field asks anew for every record, and the registry takes its time to say no."""
    stated = EPSG.fullmatch(name)
    if stated is None:
        if CRS84.fullmatch(name):  # EPSG:4326 with the longitude first, as everything is here
            return WGS84
        return f"{name[:60]!r} is no name of a coordinate system; give its EPSG code, such as EPSG:2177"
    code = int(stated[1])
    try:
        crs = _registered(code)
    except _NoSystem:
        return f"there is no EPSG:{code}; the city uses EPSG:4326, 3857, 2177 and 2180"
    if len(crs.axis_info) != 2 or not (crs.is_geographic or crs.is_projected):  # noqa: PLR2004 - a plane
        return f"EPSG:{code} ({crs.name}) has no two axes over the earth's surface"
    there = transform(CENTRE, WGS84, code)
    if not (shapely.distance(transform(there, code, WGS84), CENTRE) < EXACT):
        return f"EPSG:{code} ({crs.name}) does not reach the city"
    return code


@lru_cache(maxsize=256)
def north_first(code: int) -> bool:
    """Whether the registry of EPSG puts north before east in this system."""
    return bool(_registered(code).axis_info[0].direction == "north")


@lru_cache(maxsize=256)
def _decimals(code: int) -> int:
    degrees = _registered(code).axis_info[0].unit_name == "degree"
    return DECIMALS_OF_DEGREES if degrees else DECIMALS_OF_METRES


UNCLOSED = "a ring of the polygon is not closed: its last position must repeat the first"
"""What is said of such a ring: a part of it may be missing, so it is not closed in silence."""
BROKEN = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    FloatingPointError,
    shapely.errors.ShapelyError,
)
"""What shapely and numpy raise for coordinates that are none."""


def from_geojson(value: Mapping[str, Any] | None) -> Geometry | None:
    """A GeoJSON geometry member as a shapely geometry; coordinates are taken as they come (see `east_first`).

    Raises `RowError` when it is no geometry or a ring is not closed, and reads what the city's servers really send: a missing
    geometry, and a Point whose coordinates are nested like a MultiPoint's. Heights and measures are left out.
    """
    if not value or not value.get("type"):
        return None
    try:
        shape, closed = _shape(value), _closed(value)
    except BROKEN as error:
        raise RowError(f"geometry: not GeoJSON: {error}") from error
    if not closed:
        raise RowError(f"geometry: {UNCLOSED}")
    return shape


def _shape(value: Mapping[str, Any]) -> Geometry | None:
    """A GeoJSON geometry as it stands, none when it is empty. Raises one of `BROKEN`."""
    coordinates = value.get("coordinates")
    if value["type"] == "Point":
        while coordinates and type(coordinates[0]) in (list, tuple):  # never a text, whose first letter is a text
            coordinates = coordinates[0]
        return _point(coordinates) if coordinates else None
    with np.errstate(invalid="raise"):  # for numbers so large that nothing can be computed with them
        try:
            shape = shapely.geometry.shape(value)
        except ValueError:  # also when only some positions have a height, or a measure beside it
            shape = shapely.geometry.shape({**value, "coordinates": _plane(coordinates)})
    return None if shape.is_empty else shapely.force_2d(shape)


def _plane(nested: Any) -> Any:  # noqa: ANN401 - coordinates nested to any depth
    return [_plane(one) for one in nested] if type(nested[0]) in (list, tuple) else nested[:2]


def _closed(value: Mapping[str, Any]) -> bool:
    """Whether every ring of a readable GeoJSON geometry ends where it begins; shapely closes it without a word."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        inside = one.get("coordinates") or ()
        polygons = {"Polygon": (inside,), "MultiPolygon": inside}.get(one["type"], ())
        if any(ring and tuple(ring[0][:2]) != tuple(ring[-1][:2]) for polygon in polygons for ring in polygon):
            return False
        waiting.extend(one.get("geometries") or ())
    return True


def _point(coordinates: Sequence[Any]) -> Geometry:
    if len(coordinates) < 2 or not all(isinstance(one, int | float) for one in coordinates[:2]):  # noqa: PLR2004 - a plane
        raise ValueError(f"{coordinates!r} are not two numbers")
    point: Geometry = shapely.points(coordinates[:2])  # the constructor of Point takes ten times as long
    return point


def east_first(geometry: Geometry, crs: int) -> tuple[Geometry, bool]:
    """The geometry in EPSG:4326, longitude first, and whether its axes had to be swapped to get there.

    The official axis order of EPSG:2177, 2180 and 4326 is north before east, and servers differ on which they send. Poznań
    decides: read as east first it must lie near the city's extent; if only the swapped reading does, it is swapped, and the
    caller says so; if neither does, `RowError`.
    """
    try:
        _transformer(crs, WGS84)
    except _NoSystem:
        raise RowError(f"geometry: there is no EPSG:{crs}") from None
    for swapped in (False, True):
        candidate = transform(shapely.transform(geometry, lambda p: p[:, ::-1]) if swapped else geometry, crs, WGS84)
        west, south, east, north = shapely.bounds(candidate)
        if NEIGHBOURHOOD.holds(west, south) and NEIGHBOURHOOD.holds(east, north):
            return candidate, swapped
    raise RowError(f"geometry: lies outside the city's surroundings in either axis order of EPSG:{crs}")


AREAL = ("Polygon", "MultiPolygon")
SAME_AREA = 1e-6


def mended(shape: Geometry) -> tuple[Geometry, str | None]:
    """A sound geometry, and what was done to make it so in plain words, None when nothing was.

    A repair is made only when it is certain: a collection of one kind becomes a Multi- geometry of it; an area that crosses
    itself is repaired when both ways GEOS knows, by its lines and by its rings, come to the same area. Raises ``ValueError``
    that says where the trouble is for everything else. Repeated points harm nothing and stay.
    """
    if shape.geom_type == "GeometryCollection":
        return _of_one_kind(shape)
    if shapely.is_valid(shape):
        return shape, None
    reason = shapely.is_valid_reason(shape)
    if shape.geom_type in AREAL:
        by_rings = shapely.make_valid(shape, method="structure", keep_collapsed=False)
        by_lines = shapely.make_valid(shape)
        difference = abs(by_rings.area - by_lines.area)
        if by_rings.geom_type in AREAL and difference <= SAME_AREA * by_rings.area and by_rings.area > 0:
            return by_rings, f"shape repaired: {reason.split('[')[0]}"
    raise ValueError(f"{reason}, and it is not certain what was meant")


def _of_one_kind(collection: Geometry) -> tuple[Geometry, str]:
    kinds = {"Point": shapely.multipoints, "LineString": shapely.multilinestrings, "Polygon": shapely.multipolygons}
    parts = [part for one in shapely.get_parts(collection) for part in shapely.get_parts(one)]
    (kind, *others) = {one.geom_type for one in parts} or {""}
    if others or kind not in kinds:
        raise ValueError("a GeometryCollection of different kinds; give one geometry of one kind")
    whole, _ = mended(kinds[kind](parts))
    return whole, f"a collection made one {whole.geom_type}"


def geojson(geometry: Geometry, crs: int = WGS84, simplify: float = 0.0) -> dict[str, Any]:
    """The geometry, given in EPSG:4326, as a GeoJSON mapping in ``crs``; ``simplify`` is a tolerance in metres."""
    if simplify > 0:
        geometry = transform(shapely.simplify(metric(geometry), simplify), METRIC, WGS84)
    shape = transform(geometry, WGS84, crs)
    return _rounded(shapely.geometry.mapping(shape), _decimals(crs))


KEPT_TEXTS = 64 << 20


@cached(LRUCache(KEPT_TEXTS, getsizeof=lambda text: 2 * len(text)), lock=Lock())  # about as much again for the key
def geojson_text(wkb: bytes, crs: int, simplify: float) -> bytes:
    """A geometry in well-known binary (EPSG:4326) as GeoJSON text in ``crs``; those made last are kept, up to 64 MiB."""
    return orjson.dumps(geojson(shapely.from_wkb(wkb), crs, simplify))


def _rounded(mapping: dict[str, Any], decimals: int) -> dict[str, Any]:
    def walk(part: Any) -> Any:  # noqa: ANN401 - nested to any depth
        return [walk(one) for one in part] if isinstance(part, tuple | list) else round(part, decimals)

    if "geometries" in mapping:
        return {"type": mapping["type"], "geometries": [_rounded(one, decimals) for one in mapping["geometries"]]}
    return {"type": mapping["type"], "coordinates": walk(mapping["coordinates"])}
