"""GML geometries as shapely ones: GML 2, 3.1.1 and 3.2, told apart by their element names only.

Coordinates are taken in the order they stand in, with the EPSG code they state; `broker.geometry.east_first` decides which
axis is which. What no city server sends (arcs, solids, references to other elements) is refused by name, not skipped.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import shapely

from broker.errors import RowError
from broker.geometry import UNCLOSED, Geometry, north_first
from connectors.protocols.xml import Element, children, name, text

__all__ = ["epsg", "geometry", "is_geometry", "means_north_first", "stated_crs"]

Coordinates = np.ndarray[Any, Any]

CODE = re.compile(r"(?:^|[:/#])(\d{4,6})$")
CRS84 = re.compile(r"CRS:?84$", re.IGNORECASE)
OFFICIAL = re.compile(r"urn:|https?://www\.opengis\.net/def/crs/", re.IGNORECASE)
PLANE = 2  # axes of a plane
AXES = (PLANE, 3, 4)  # a height, a measure beside it: both are left out


def epsg(stated: str) -> int | None:
    """The EPSG code of an ``srsName`` in any of its forms; none when it is empty.

    ``EPSG:2177``, ``urn:ogc:def:crs:EPSG::2177``, ``http://www.opengis.net/gml/srs/epsg.xml#2177`` and
    ``http://www.opengis.net/def/crs/EPSG/0/2177``; CRS84 is EPSG:4326 with the longitude first. Raises `RowError` for others.
    """
    stated = stated.strip()
    if not stated:
        return None
    if CRS84.search(stated):
        return 4326
    if found := CODE.search(stated):
        return int(found[1])
    raise RowError(f"the coordinate system {stated[:80]!r} is not understood; EPSG codes are")


def means_north_first(stated: str) -> bool:
    """Whether an ``srsName`` means north before east.

    A URN and an address below ``/def/crs/`` mean the order of the registry (axis order policy of the OGC, 08-038), which for EPSG:4326,
    2177 and 2180 begins with the north; ``EPSG:2177``, the older ``epsg.xml#2177`` and CRS84 mean east before north.
    """
    official = OFFICIAL.match(stated.strip()) and not CRS84.search(stated.strip())
    code = epsg(stated) if official else None
    return code is not None and north_first(code)


def is_geometry(element: Element) -> bool:
    """Whether the element is a geometry of GML, also one that cannot be read here."""
    return name(element) in SHAPES or name(element) in UNREAD


def stated_crs(element: Element) -> str:
    """The ``srsName`` of the element, of what is inside it, or of what it stands in, the nearest first; empty when none."""
    for one in (*element.iter(), *element.iterancestors()):
        if stated := one.get("srsName"):
            return str(stated)
    return ""


def geometry(element: Element) -> Geometry | None:
    """The shapely geometry of a GML element, two axes, in the order of the source; none when it is empty.

    Raises `RowError` that says what is wrong with it.
    """
    read = SHAPES.get(name(element))
    if read is None:
        raise RowError(f"a geometry of type {name(element)} is not read")
    try:
        made: Geometry = read(element)
    except (ValueError, TypeError, shapely.errors.ShapelyError) as error:
        raise RowError(f"{name(element)}: {error}") from error
    return None if made.is_empty else made


def _parts(element: Element, *members: str) -> Iterator[Element]:
    """The geometries inside the members; a member that refers elsewhere is refused."""
    for member in element.iterchildren("{*}*"):
        if name(member) in members:
            if any(str(key).endswith("}href") for key in member.attrib):
                raise RowError(f"{name(member)} refers to another element, which is not followed")
            yield from member.iterchildren("{*}*")


def _coordinates(element: Element) -> Coordinates:
    """Every coordinate below a point, a line or a ring, as rows of two; no rows when there are none."""
    if lists := children(element, "posList") or children(element, "pos"):
        rows = [_numbers(one) for one in lists]
        return np.concatenate(rows)
    if tuples := children(element, "coordinates"):
        return _tuples(tuples[0])
    found = [(float(text(one, "X")), float(text(one, "Y"))) for one in children(element, "coord")]
    return np.array(found, dtype=float).reshape(-1, PLANE)


def _numbers(element: Element) -> Coordinates:
    values = np.array("".join(map(str, element.itertext())).split(), dtype=float)
    size = _dimension(element, len(values) if name(element) == "pos" else PLANE)
    if size not in AXES or len(values) % size:
        raise RowError(f"{len(values)} numbers are no coordinates of {size} axes")
    return _finite(values.reshape(-1, size)[:, :PLANE])


def _dimension(element: Element, otherwise: int) -> int:
    """How many axes: stated on the element or on what it stands in (``dimension`` in early GML 3)."""
    for one in (element, *element.iterancestors()):
        if stated := one.get("srsDimension") or one.get("dimension"):
            return int(stated)
    return otherwise or PLANE


def _tuples(element: Element) -> Coordinates:
    """GML 2: ``x,y x,y``, whose signs the attributes may change."""
    written = "".join(map(str, element.itertext()))
    axis, pair, point = element.get("cs", ","), element.get("ts", " "), element.get("decimal", ".")
    # White space around a separator is no separator, and a line break separates like a blank.
    written = re.sub(rf"\s*{re.escape(axis)}\s*", axis, written.strip()) if axis.strip() else written.strip()
    tuples = written.split() if not pair.strip() else [one for one in written.split(pair) if one.strip()]
    rows = [[float(number.replace(point, ".")) for number in one.split(axis)] for one in tuples]
    if any(len(row) not in AXES for row in rows):
        raise RowError("a tuple of coordinates does not have two, three or four numbers")
    return _finite(np.array([row[:PLANE] for row in rows], dtype=float).reshape(-1, PLANE))


def _finite(coordinates: Coordinates) -> Coordinates:
    if not np.isfinite(coordinates).all():
        raise RowError("a coordinate is not a finite number")
    return coordinates


def _point(element: Element) -> Geometry:
    found = _coordinates(element)
    if len(found) > 1:
        raise RowError(f"a point of {len(found)} coordinates")
    return shapely.Point(found[0]) if len(found) else shapely.Point()


def _line(element: Element) -> Geometry:
    return shapely.LineString(_coordinates(element))


def _curve(element: Element) -> Geometry:
    """The segments of a curve, or the members of a composite one, joined where they meet."""
    lines: list[Geometry] = []
    for part in _parts(element, "segments", "curveMember", "curveMembers"):
        if name(part) == "LineStringSegment":
            lines.append(_line(part))
        elif name(part) in ("LineString", "Curve", "CompositeCurve"):
            lines.append(SHAPES[name(part)](part))
        else:
            raise RowError(f"a curve of type {name(part)} is not read")
    if not lines:
        return shapely.LineString()
    coordinates = list(lines[0].coords)
    for line in lines[1:]:
        following = list(line.coords)
        coordinates += following[1:] if coordinates[-1:] == following[:1] else following
    return shapely.LineString(coordinates)


def _ring(element: Element) -> Coordinates:
    """A LinearRing, or a Ring of curves. Raises `RowError` when it is not closed: shapely would close it without a word."""
    if name(element) not in ("LinearRing", "Ring"):
        raise RowError(f"a ring of type {name(element)} is not read")
    found = _coordinates(element) if name(element) == "LinearRing" else shapely.get_coordinates(_curve(element))
    if len(found) and not np.array_equal(found[0], found[-1]):
        raise RowError(UNCLOSED)
    return found


def _polygon(element: Element) -> Geometry:
    outer = [_ring(one) for one in _parts(element, "exterior", "outerBoundaryIs")]
    inner = [_ring(one) for one in _parts(element, "interior", "innerBoundaryIs")]
    if not outer:
        if inner:
            raise RowError("a polygon with holes but no outline")
        return shapely.Polygon()
    if len(outer) > 1:
        raise RowError(f"a polygon of {len(outer)} outlines")
    return shapely.Polygon(outer[0], inner)


def _many(kind: Callable[[list[Any]], Geometry], *members: str) -> Callable[[Element], Geometry]:
    """A reader of an aggregate; aggregates inside it are taken apart."""

    def read(element: Element) -> Geometry:
        found = [made for one in _parts(element, *members) if (made := geometry(one)) is not None]
        if kind is shapely.GeometryCollection:
            return kind(found)
        return kind([part for one in found for part in shapely.get_parts(one)])

    return read


SURFACES = ("surfaceMember", "surfaceMembers", "polygonMember", "patches", "polygonPatches")
LINES = ("curveMember", "curveMembers", "lineStringMember")

SHAPES: dict[str, Callable[[Element], Geometry]] = {
    "Point": _point,
    "LineString": _line,
    "Curve": _curve,
    "CompositeCurve": _curve,
    "Polygon": _polygon,
    "PolygonPatch": _polygon,
    "Surface": _many(shapely.MultiPolygon, *SURFACES),
    "CompositeSurface": _many(shapely.MultiPolygon, *SURFACES),
    "MultiSurface": _many(shapely.MultiPolygon, *SURFACES),
    "MultiPolygon": _many(shapely.MultiPolygon, *SURFACES),
    "MultiCurve": _many(shapely.MultiLineString, *LINES),
    "MultiLineString": _many(shapely.MultiLineString, *LINES),
    "MultiPoint": _many(shapely.MultiPoint, "pointMember", "pointMembers"),
    "MultiGeometry": _many(shapely.GeometryCollection, "geometryMember", "geometryMembers"),
}

UNREAD = frozenset(
    {"OrientableCurve", "OrientableSurface", "PolyhedralSurface", "Tin", "TriangulatedSurface", "Solid", "MultiSolid"}
)
"""Geometries of GML that are not read: a row with one is refused by name."""
