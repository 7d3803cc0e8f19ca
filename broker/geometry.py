"""Coordinate systems, axis order, metric measures, GeoJSON: the only place that knows EPSG numbers.

Inside the broker a geometry is a shapely geometry in EPSG:4326, longitude first, as in RFC 7946; metres are taken in
EPSG:2177 (PL-2000 zone 6, scale 0.999923), easting first. Whatever comes in another way is turned here, at the border.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from broker.errors import BadArgument, RowError

__all__ = [
    "CITY",
    "METRIC",
    "WGS84",
    "Extent",
    "Geometry",
    "areas",
    "east_first",
    "from_geojson",
    "geojson",
    "lengths",
    "metric",
    "output_crs",
    "transform",
]

Geometry: TypeAlias = BaseGeometry

WGS84 = 4326
METRIC = 2177
OUTPUT = {"EPSG:4326": WGS84, "EPSG:2177": METRIC}
DECIMALS = {WGS84: 7, METRIC: 2}  # a centimetre in both


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


CITY = Extent(16.73, 52.29, 17.08, 52.51)
NEIGHBOURHOOD = CITY.around(1.0)  # routes and stops reach into the county; another continent is farther than a degree


@lru_cache(maxsize=64)
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


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


def output_crs(name: str) -> int:
    """The EPSG code for a name a client gave. Raises `BadArgument` that says what is accepted."""
    try:
        return OUTPUT[name.strip().upper()]
    except KeyError:
        raise BadArgument(f"crs: {name!r} is not offered; use one of {', '.join(OUTPUT)}") from None


def from_geojson(value: Mapping[str, Any] | None) -> Geometry | None:
    """A GeoJSON geometry member as a shapely geometry; coordinates are taken as they come (see `east_first`).

    Raises `RowError` when it is no geometry, and reads what the city's servers really send: a missing geometry, and a Point
    whose coordinates are nested like a MultiPoint's.
    """
    if not value or not value.get("type"):
        return None
    kind, coordinates = value["type"], value.get("coordinates")
    try:
        if kind == "Point":
            while coordinates and type(coordinates[0]) in (list, tuple):  # never a text, whose first letter is a text
                coordinates = coordinates[0]
            return _point(coordinates) if coordinates else None
        shape: Geometry = shapely.geometry.shape(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise RowError(f"geometry: not GeoJSON: {error}") from error
    return None if shape.is_empty else shapely.force_2d(shape)


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
    for swapped in (False, True):
        candidate = transform(shapely.transform(geometry, lambda p: p[:, ::-1]) if swapped else geometry, crs, WGS84)
        west, south, east, north = shapely.bounds(candidate)
        if NEIGHBOURHOOD.holds(west, south) and NEIGHBOURHOOD.holds(east, north):
            return candidate, swapped
    raise RowError(f"geometry: lies outside the city's surroundings in either axis order of EPSG:{crs}")


def geojson(geometry: Geometry, crs: int = WGS84, simplify: float = 0.0) -> dict[str, Any]:
    """The geometry, given in EPSG:4326, as a GeoJSON mapping in ``crs``; ``simplify`` is a tolerance in metres."""
    if simplify > 0:
        geometry = transform(shapely.simplify(metric(geometry), simplify), METRIC, WGS84)
    shape = transform(geometry, WGS84, crs)
    return _rounded(shapely.geometry.mapping(shape), DECIMALS[crs])


def _rounded(mapping: dict[str, Any], decimals: int) -> dict[str, Any]:
    def walk(part: Any) -> Any:  # noqa: ANN401 - nested to any depth
        return [walk(one) for one in part] if isinstance(part, tuple | list) else round(part, decimals)

    if "geometries" in mapping:
        return {"type": mapping["type"], "geometries": [_rounded(one, decimals) for one in mapping["geometries"]]}
    return {"type": mapping["type"], "coordinates": walk(mapping["coordinates"])}
