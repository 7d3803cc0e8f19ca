"""Places that a client gives: read whatever their form, refused with what to give instead."""

from typing import Any

import pytest
import shapely

from broker.errors import BadArgument, TooMuch
from broker.geometry import WGS84, transform
from broker.given import given_geometry, seem_swapped

SQUARE = shapely.Polygon([(16.93, 52.40), (16.94, 52.40), (16.94, 52.41), (16.93, 52.41), (16.93, 52.40)])
SYSTEMS = [2177, 2180, 3857, 4326, 32633]


@pytest.mark.parametrize("code", SYSTEMS)
def test_a_geometry_given_in_any_system_is_the_same_place(code: int) -> None:
    there = transform(SQUARE, WGS84, code)
    for given in ((None, there.wkt), (shapely.geometry.mapping(there), None)):
        shape, repair = given_geometry(*given, f"EPSG:{code}")
        assert shape.equals_exact(SQUARE, 1e-9)
        assert repair is None


@pytest.mark.parametrize("code", SYSTEMS)
def test_north_before_east_is_refused_with_a_guess(code: int) -> None:
    exchanged = shapely.transform(transform(SQUARE, WGS84, code), lambda points: points[:, ::-1])
    for given in ((None, exchanged.wkt), (shapely.geometry.mapping(exchanged), None)):
        with pytest.raises(
            BadArgument, match=f"in EPSG:{code} it is far from the city.* the axes seem swapped; give east"
        ):
            given_geometry(*given, f"EPSG:{code}")


def test_a_place_far_away_either_way_is_left_alone() -> None:
    for wkt in ("POINT (150 -30)", "POINT (21 50)", "POLYGON ((2 41, 3 41, 3 42, 2 41))"):
        assert given_geometry(None, wkt, "EPSG:4326") == (shapely.from_wkt(wkt), None)


@pytest.mark.parametrize(
    ("bounds", "swapped"),
    [
        ((16.9, 52.4, 16.9, 52.4), False),
        ((52.4, 16.9, 52.4, 16.9), True),
        ((52.3, 16.8, 52.5, 17.0), True),
        ((49.0, 14.0, 55.0, 24.0), True),  # the whole country, latitude first
        ((14.0, 49.0, 24.0, 55.0), False),
        ((-180, -90, 180, 90), False),
        ((2.3, 48.8, 2.4, 48.9), False),
    ],
)
def test_axes_seem_swapped_when_only_the_other_reading_meets_the_city(bounds: Any, *, swapped: bool) -> None:
    west, south, east, north = bounds
    shape = shapely.Point(west, south) if (west, south) == (east, north) else shapely.box(*bounds)
    assert seem_swapped(shape) is swapped


SOME = "give well-known text such as POINT (16.93 52.41)"
OPEN = "a ring of the polygon is not closed: its last position must repeat the first"


@pytest.mark.parametrize(
    ("wkt", "reason"),
    [
        ("", f"wkt: the text is empty; {SOME}"),
        (" \n", f"wkt: the text is empty; {SOME}"),
        ("POLYGON(", f"wkt: 'POLYGON(' cannot be read; {SOME}"),
        ("nonsense", f"wkt: 'nonsense' cannot be read; {SOME}"),
        ("GEOMETRYCOLLECTION (" * 9, f"wkt: '{'GEOMETRYCOLLECTION (' * 2}' cannot be read; {SOME}"),
        ("(" * 5000, f"wkt: '{'(' * 40}' cannot be read; {SOME}"),  # GEOS would end the process at 50 000 of them
        ("POLYGON ((16.9 52.4, 17 52.4, 17 52.5))", f"wkt: {OPEN}"),
        ("POLYGON EMPTY", "the geometry is empty"),
        ("POINT (inf 52)", "a coordinate is not a finite number"),
        (
            "GEOMETRYCOLLECTION (POINT (16.9 52.4), LINESTRING (16.9 52.4, 17 52))",
            "a GeometryCollection of different kinds; give one geometry of one kind",
        ),
        ("POINT (6427497 5808862)", "the geometry lies nowhere on earth in EPSG:4326"),
    ],
)
def test_a_bad_text_is_explained(wkt: str, reason: str) -> None:
    with pytest.raises(BadArgument) as caught:
        given_geometry(None, wkt, "EPSG:4326")
    assert str(caught.value) == reason


OBJECT = 'give a geometry object such as {type: "Point", coordinates: [16.93, 52.41]}'
KINDS = "Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon, GeometryCollection"
RING = [[16.9, 52.4], [17.0, 52.4], [17.0, 52.5]]


@pytest.mark.parametrize(
    ("geojson", "reason"),
    [
        ({}, f"geojson: its `type` is none of {KINDS}; {OBJECT}"),
        ({"type": "polygon", "coordinates": [RING]}, f"geojson: its `type` is none of {KINDS}; {OBJECT}"),
        ({"type": ["Point"]}, f"geojson: its `type` is none of {KINDS}; {OBJECT}"),
        (
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": [16.9, 52.4]}},
            "geojson: a Feature is no geometry; give its `geometry` member",
        ),
        (
            {"type": "FeatureCollection", "features": []},
            "geojson: a FeatureCollection is no geometry; give the `geometry` member of one feature",
        ),
        ({"type": "Point", "coordinates": ["a", 1]}, f"geojson: it cannot be read as a Point; {OBJECT}"),
        ({"type": "LineString", "coordinates": [["a", 1], [2, 3]]}, f"geojson: it cannot be read as a LineString; {OBJECT}"),
        ({"type": "LineString", "coordinates": [[10**400, 1], [2, 3]]}, f"geojson: it cannot be read as a LineString; {OBJECT}"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, f"geojson: it cannot be read as a Polygon; {OBJECT}"),
        ({"type": "GeometryCollection", "geometries": 5}, f"geojson: it cannot be read as a GeometryCollection; {OBJECT}"),
        ({"type": "Polygon", "coordinates": [RING]}, f"geojson: {OPEN}"),
        ({"type": "Polygon"}, f"geojson: it cannot be read as a Polygon; {OBJECT}"),
        ({"type": "Polygon", "coordinates": []}, "the geometry is empty"),
    ],
)  # fmt: skip
def test_a_bad_object_is_explained(geojson: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadArgument) as caught:
        given_geometry(geojson, None, "EPSG:4326")
    assert str(caught.value) == reason


def test_a_line_without_length_is_refused() -> None:
    with pytest.raises(BadArgument, match=r"Too few points .* not certain what was meant"):
        given_geometry(None, "LINESTRING (16.9 52.4, 16.9 52.4)", "EPSG:4326")


def test_a_geometry_is_given_once() -> None:
    for both in ((None, None), ({"type": "Point", "coordinates": [16.9, 52.4]}, "POINT (16.9 52.4)"), ({}, "")):
        with pytest.raises(BadArgument, match="give the geometry once, as `geojson` or as `wkt`"):
            given_geometry(*both, "EPSG:4326")


def test_a_million_vertices_are_too_many_in_any_form() -> None:
    ring = [[16.9, 52.4 + n / 1e9] for n in range(1_000_000)]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    for geojson in (polygon, {"type": "GeometryCollection", "geometries": [polygon]}):
        with pytest.raises(TooMuch, match="more than 10000 vertices"):
            given_geometry(geojson, None, "EPSG:4326")
    for wkt in (f"POLYGON (({','.join(f'{x} {y}' for x, y in ring)}))", "GEOMETRYCOLLECTION (" * 50_000):
        with pytest.raises(TooMuch, match="more than 10000 vertices"):
            given_geometry(None, wkt, "EPSG:4326")


@pytest.mark.parametrize("wkt", ["POINT Z (16.9 52.4 80)", "POINT M (16.9 52.4 3)", "POINT ZM (16.9 52.4 80 3)"])
def test_heights_and_measures_are_left_out(wkt: str) -> None:
    assert given_geometry(None, wkt, "EPSG:4326")[0].wkt == "POINT (16.9 52.4)"
    assert (
        given_geometry({"type": "Point", "coordinates": [16.9, 52.4, 80]}, None, "4326")[0].wkt == "POINT (16.9 52.4)"
    )


def test_a_repair_is_told_and_repeated_points_are_none() -> None:
    crossing = "POLYGON ((16.9 52.4, 16.92 52.42, 16.92 52.4, 16.9 52.42, 16.9 52.4))"
    assert given_geometry(None, crossing, "EPSG:4326")[1] == "shape repaired: Self-intersection"
    repeated = "POLYGON ((16.9 52.4, 16.92 52.4, 16.92 52.4, 16.92 52.42, 16.9 52.4))"
    assert given_geometry(None, repeated, "EPSG:4326") == (shapely.from_wkt(repeated), None)
