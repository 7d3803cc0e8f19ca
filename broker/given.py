"""A place that a client gives, as GeoJSON, as well-known text or in numbers: read, or refused with what to give instead.

What would find nothing without anybody knowing why is refused too: north before east, a ring that is not closed.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import shapely

from broker.errors import BadArgument, RowError, TooMuch
from broker.geometry import NEIGHBOURHOOD, UNCLOSED, WGS84, Geometry, epsg, from_geojson, mended, transform

__all__ = ["given_geometry", "seem_swapped"]

MAX_VERTICES = 10_000
SOME_WKT = "give well-known text such as POINT (16.93 52.41)"
SOME_GEOJSON = 'give a geometry object such as {type: "Point", coordinates: [16.93, 52.41]}'
KINDS = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
INSIDE = {"Feature": "its `geometry` member", "FeatureCollection": "the `geometry` member of one feature"}
DEEPEST = 6
"""Brackets inside one another: a collection of polygons has four. GEOS reads them by recursion, and thousands end the process."""


def given_geometry(geojson: Mapping[str, Any] | None, wkt: str | None, crs: str) -> tuple[Geometry, str | None]:
    """A client's geometry, given in a coordinate system east before north, in EPSG:4326, and its repair as `mended` tells it.

    Raises `BadArgument` that says what is wrong with it, and `TooMuch` above 10 000 vertices.
    """
    if (geojson is None) == (wkt is None):
        raise BadArgument("give the geometry once, as `geojson` or as `wkt`")
    code = epsg(crs)
    shape = _of_wkt(wkt) if wkt is not None else _of_geojson(geojson or {})
    if shape is None or shape.is_empty:
        raise BadArgument("the geometry is empty")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise BadArgument("a coordinate is not a finite number")
    try:
        sound, repair = mended(shapely.force_2d(shape))
    except ValueError as error:
        raise BadArgument(str(error)) from None
    return _on_earth(sound, code), repair


def _of_wkt(text: str) -> Geometry:
    if not text.strip():
        raise BadArgument(f"wkt: the text is empty; {SOME_WKT}")
    _bounded(max(text.count(","), text.count("(")))
    unreadable = BadArgument(f"wkt: {text[:40]!r} cannot be read; {SOME_WKT}")
    if max(accumulate(1 if one == "(" else -1 for one in re.findall("[()]", text)), default=0) > DEEPEST:
        raise unreadable
    try:
        shape: Geometry = shapely.from_wkt(text)
    except (ValueError, shapely.errors.ShapelyError) as error:
        if "closed linestring" in str(error):  # how GEOS says it
            raise BadArgument(f"wkt: {UNCLOSED}") from None
        raise unreadable from None
    return shape


def _of_geojson(value: Mapping[str, Any]) -> Geometry | None:
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in (*KINDS, *INSIDE):
        raise BadArgument(f"geojson: its `type` is none of {', '.join(KINDS)}; {SOME_GEOJSON}")
    if kind in INSIDE:
        raise BadArgument(f"geojson: a {kind} is no geometry; give {INSIDE[kind]}")
    _bounded(sum(1 for _ in _positions(value)))
    try:
        return from_geojson(value)
    except RowError as error:
        if UNCLOSED in str(error):
            raise BadArgument(f"geojson: {UNCLOSED}") from None
        raise BadArgument(f"geojson: it cannot be read as a {kind}; {SOME_GEOJSON}") from None


def _bounded(vertices: int) -> None:
    if vertices > MAX_VERTICES:
        raise TooMuch(f"more than {MAX_VERTICES} vertices; simplify the geometry")


def _positions(value: Mapping[str, Any]) -> Iterator[Any]:
    """Every position of a geometry, counted no further than is needed to know that they are too many."""
    waiting: list[Any] = [value]
    seen = 0
    while waiting and seen <= MAX_VERTICES:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting.extend(one[name] for name in ("coordinates", "geometries") if name in one)
        elif isinstance(one, list) and one and isinstance(one[0], list | Mapping):
            waiting.extend(one)
        else:
            seen += 1
            yield one


def seem_swapped(geometry: Geometry, crs: int = WGS84) -> bool:
    """Whether a place lies away from the city's surroundings as it was given, but in them with its axes exchanged.

    Of a place that is far away either way nothing is said.
    """
    exchanged = shapely.transform(geometry, lambda points: points[:, ::-1])
    return not _nearby(transform(geometry, crs, WGS84)) and _nearby(transform(exchanged, crs, WGS84))


def _nearby(geometry: Geometry) -> bool:
    west, south, east, north = bounds = shapely.bounds(geometry)
    around = NEIGHBOURHOOD
    meets = west <= around.east and east >= around.west and south <= around.north and north >= around.south
    return bool(meets and np.isfinite(bounds).all())


def _on_earth(shape: Geometry, code: int) -> Geometry:
    if seem_swapped(shape, code):
        raise BadArgument(
            f"in EPSG:{code} it is far from the city, but with north and east exchanged it is not: the axes seem swapped; "
            "give east before north, longitude before latitude"
        )
    turned: Geometry = transform(shape, code, WGS84)
    west, south, east, north = shapely.bounds(turned)
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:  # noqa: PLR2004 - the whole earth
        return turned
    raise BadArgument(f"the geometry lies nowhere on earth in EPSG:{code}")
