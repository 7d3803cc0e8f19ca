"""Coordinate systems and their axes, metric measures, GeoJSON out and in."""

from itertools import pairwise
from typing import Any

import pytest
import shapely
from pyproj import CRS, Geod

from broker import geometry
from broker.errors import BadArgument, RowError
from broker.geometry import (
    CITY,
    METRIC,
    WGS84,
    areas,
    east_first,
    epsg,
    from_geojson,
    geojson,
    lengths,
    mended,
    metric,
    north_first,
    transform,
)

GEOD = Geod(ellps="WGS84")
MARKET = shapely.Point(16.9345, 52.4083)
IN_METRES = {2177: (6427497.84, 5808862.52), 2180: (359545.91, 506715.87), 4326: (16.9345, 52.4083)}
SQUARE = shapely.Polygon([(16.93, 52.40), (16.94, 52.40), (16.94, 52.41), (16.93, 52.41), (16.93, 52.40)])
FAR_EAST = shapely.box(17.07, 52.29, 17.08, 52.30)
FAR_WEST = shapely.box(16.73, 52.50, 16.74, 52.51)


@pytest.mark.parametrize("crs", [2177, 2180, 4326])
def test_official_axis_order_is_north_first(crs: int) -> None:
    assert [axis.direction for axis in CRS.from_epsg(crs).axis_info] == ["north", "east"]
    assert north_first(crs)
    assert not north_first(3857)


@pytest.mark.parametrize("crs", [2177, 2180, 4326])
def test_east_before_north_is_taken_as_it_is(crs: int) -> None:
    found, swapped = east_first(shapely.Point(IN_METRES[crs]), crs)
    assert not swapped
    assert found.distance(MARKET) < 1e-6


@pytest.mark.parametrize("crs", [2177, 2180, 4326])
def test_north_before_east_is_swapped_and_told(crs: int) -> None:
    east, north = IN_METRES[crs]
    found, swapped = east_first(shapely.Point(north, east), crs)
    assert swapped
    assert found.distance(MARKET) < 1e-6


@pytest.mark.parametrize("crs", [2177, 2180, 4326])
@pytest.mark.parametrize("corner", [(CITY.west, CITY.south), (CITY.east, CITY.north), (CITY.west, CITY.north)])
def test_every_corner_of_the_city_comes_back(crs: int, corner: tuple[float, float]) -> None:
    there = transform(shapely.Point(corner), WGS84, crs)
    for point, told in ((there, False), (shapely.Point(there.y, there.x), True)):
        found, swapped = east_first(point, crs)
        assert swapped is told
        assert found.distance(shapely.Point(corner)) < 1e-8


@pytest.mark.parametrize(
    ("point", "crs"),
    [((0, 0), 4326), ((21.01, 52.23), 4326), ((0, 0), 2177), ((6427497.84, 0), 2177), ((1e300, 1e300), 2177)],
)
def test_other_places_are_refused(point: tuple[float, float], crs: int) -> None:
    with pytest.raises(RowError, match=f"outside the city's surroundings in either axis order of EPSG:{crs}"):
        east_first(shapely.Point(point), crs)


def test_one_vertex_elsewhere_refuses_the_whole() -> None:
    with pytest.raises(RowError):
        east_first(shapely.LineString([(16.93, 52.4), (0, 0)]), WGS84)


def test_a_system_that_is_not_there_refuses_the_place() -> None:
    with pytest.raises(RowError, match="there is no EPSG:9999"):
        east_first(MARKET, 9999)


@pytest.mark.parametrize("shape", [SQUARE, FAR_EAST, FAR_WEST])
def test_areas_are_those_on_the_ellipsoid(shape: shapely.Polygon) -> None:
    expected, outline = GEOD.geometry_area_perimeter(shape)
    assert float(areas(metric(shape))) == pytest.approx(abs(expected), rel=1e-3)
    assert float(lengths(metric(shape))) == pytest.approx(outline, rel=1e-3)


@pytest.mark.parametrize("ends", [((16.73, 52.4), (17.08, 52.4)), ((16.9, 52.29), (16.9, 52.51))])
def test_lengths_are_those_on_the_ellipsoid(ends: Any) -> None:
    line = shapely.LineString(ends)
    assert float(lengths(metric(line))) == pytest.approx(GEOD.geometry_length(line), rel=1e-3)


def test_arrays_are_turned_at_once_and_back() -> None:
    there = metric([MARKET, SQUARE])
    assert shapely.get_coordinates(there[0])[0] == pytest.approx(IN_METRES[2177], abs=0.01)
    back = transform(there, METRIC, WGS84)
    assert back[1].symmetric_difference(SQUARE).area < 1e-12
    assert transform(MARKET, WGS84, WGS84) is MARKET


def test_geojson_is_that_of_rfc_7946() -> None:
    assert geojson(MARKET) == {"type": "Point", "coordinates": [16.9345, 52.4083]}  # 3.1.1: longitude, then latitude
    made = geojson(SQUARE)
    assert set(made) == {"type", "coordinates"}  # section 4: no crs member
    assert made["coordinates"][0][0] == made["coordinates"][0][-1]  # 3.1.6: closed
    assert geojson(shapely.Point(16.123456789, 52.123456789))["coordinates"] == [16.1234568, 52.1234568]
    assert geojson(shapely.GeometryCollection([MARKET])) == {
        "type": "GeometryCollection",
        "geometries": [{"type": "Point", "coordinates": [16.9345, 52.4083]}],
    }


def test_geojson_in_metres_has_the_easting_first() -> None:
    assert geojson(MARKET, METRIC) == {"type": "Point", "coordinates": [6427497.84, 5808862.52]}


def test_simplified_outline_stays_within_the_tolerance() -> None:
    circle = transform(metric(MARKET).buffer(500, quad_segs=64), METRIC, WGS84)
    made = shapely.geometry.shape(geojson(circle, simplify=5))
    assert len(made.exterior.coords) < len(circle.exterior.coords) / 4
    assert metric(made).hausdorff_distance(metric(circle)) < 5.1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EPSG:4326", 4326),
        (" epsg:2177 ", 2177),
        ("EPSG:3857", 3857),
        ("urn:ogc:def:crs:EPSG::2180", 2180),
        ("http://www.opengis.net/def/crs/EPSG/0/32633", 32633),
        ("2177", 2177),
        (" 4326", 4326),
        ("CRS84", 4326),
        ("OGC:CRS84", 4326),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4326),
    ],
)
def test_any_system_of_the_registry_that_reaches_the_city(name: str, code: int) -> None:
    assert epsg(name) == code


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("WGS84", "'WGS84' is no name of a coordinate system; give its EPSG code, such as EPSG:2177"),
        ("EPSG:4326" + 100 * " " + "x", "is no name of a coordinate system"),
        ("999999", "there is no EPSG:999999"),
        ("EPSG:999999", "there is no EPSG:999999; the city uses EPSG:4326, 3857, 2177 and 2180"),
        ("EPSG:5773", "has no two axes over the earth's surface"),
        ("EPSG:4978", "has no two axes over the earth's surface"),
        ("EPSG:27200", "does not reach the city"),
    ],
)
def test_systems_without_the_city_are_refused(name: str, reason: str) -> None:
    with pytest.raises(BadArgument, match=reason):
        epsg(name)


def test_a_system_is_looked_up_once_also_when_there_is_none() -> None:
    before = geometry._system.cache_info().misses
    told = set()
    for _ in range(500):
        with pytest.raises(BadArgument) as caught:
            epsg("EPSG:9998")
        told.add(str(caught.value))
    assert len(told) == 1
    assert geometry._system.cache_info().misses == before + 1


BOW_TIE = "POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))"
PENTAGRAM = "POLYGON((0 3, 2 -3, -3 1, 3 1, -2 -3, 0 3))"


@pytest.mark.parametrize(
    ("wkt", "note", "area"),
    [
        ("POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))", None, 4),
        ("POLYGON((0 0, 2 0, 2 0, 2 2, 0 2, 0 0))", None, 4),
        (BOW_TIE, "shape repaired: Self-intersection", 2),
        ("GEOMETRYCOLLECTION(POLYGON((0 0, 2 0, 2 2, 0 2, 0 0)))", "a collection made one MultiPolygon", 4),
    ],
)
def test_what_is_certain_is_mended_and_told(wkt: str, note: str | None, area: float) -> None:
    sound, told = mended(shapely.from_wkt(wkt))
    assert (sound.is_valid, told, sound.area) == (True, note, area)


@pytest.mark.parametrize("wkt", [PENTAGRAM, "LINESTRING(1 1, 1 1)", "POLYGON((0 0, 2 2, 0 0, 0 0))"])
def test_what_is_not_certain_is_refused(wkt: str) -> None:
    with pytest.raises(ValueError, match="not certain what was meant"):
        mended(shapely.from_wkt(wkt))


@pytest.mark.parametrize(
    ("value", "wkt"),
    [
        ({"type": "Point", "coordinates": [16.9, 52.4]}, "POINT (16.9 52.4)"),
        ({"type": "Point", "coordinates": [[16.9, 52.4]]}, "POINT (16.9 52.4)"),
        ({"type": "Point", "coordinates": [16.9, 52.4, 71.0]}, "POINT (16.9 52.4)"),
        ({"type": "LineString", "coordinates": [[1, 2, 9], [3, 4, 9]]}, "LINESTRING (1 2, 3 4)"),
        ({"type": "LineString", "coordinates": [[1, 2, 9], [3, 4]]}, "LINESTRING (1 2, 3 4)"),
        ({"type": "Point", "coordinates": [16.9, 52.4, 71.0, 3.5]}, "POINT (16.9 52.4)"),
        ({"type": "LineString", "coordinates": [[1, 2, 9, 7], [3, 4, 9, 7]]}, "LINESTRING (1 2, 3 4)"),
        (
            {"type": "Polygon", "coordinates": [[[1, 2, 9], [1, 2, 9], [3, 4, 9], [5, 2, 9], [1, 2, 9]]]},
            "POLYGON ((1 2, 1 2, 3 4, 5 2, 1 2))",
        ),
    ],
)
def test_geojson_is_read(value: dict[str, Any], wkt: str) -> None:
    assert from_geojson(value) == shapely.from_wkt(wkt)


@pytest.mark.parametrize(
    "value", [None, {}, {"type": None}, {"type": "Point", "coordinates": []}, {"type": "Polygon", "coordinates": []}]
)
def test_no_geometry_is_none(value: Any) -> None:
    assert from_geojson(value) is None


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Blob", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Point", "coordinates": 5},
        {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]},
        {"type": "LineString", "coordinates": [[1, 2]]},
        {"type": "LineString"},
        {"type": "LineString", "coordinates": [[10**400, 2], [3, 4]]},
    ],
)
def test_bad_geojson_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(RowError, match="geometry: not GeoJSON"):
        from_geojson(value)


OPEN = [[1, 2], [3, 4], [5, 2]]
CLOSED = [[0, 0], [9, 0], [9, 9], [0, 0]]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Polygon", "coordinates": [OPEN]},
        {"type": "Polygon", "coordinates": [CLOSED, OPEN]},
        {"type": "MultiPolygon", "coordinates": [[CLOSED], [OPEN]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [OPEN]}]},
    ],
)
def test_a_ring_that_is_not_closed_is_not_closed_in_silence(value: dict[str, Any]) -> None:
    with pytest.raises(RowError, match="geometry: a ring of the polygon is not closed: its last position must repeat"):
        from_geojson(value)


def test_extent_holds_its_edges_and_grows() -> None:
    assert CITY.holds(CITY.west, CITY.north)
    assert not CITY.holds(CITY.west - 0.001, CITY.north)
    widths = [CITY.around(by).east - CITY.around(by).west for by in (0, 1, 2)]
    assert [round(b - a, 6) for a, b in pairwise(widths)] == [2.0, 2.0]
