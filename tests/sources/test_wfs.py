"""The WFS reader against servers that cap, repeat, lie, break off and answer with something else."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import orjson
import pytest
import shapely
from lxml import etree

from broker.errors import RowError, Suspicious, Unreadable
from broker.model import REPAIRED
from broker.upstream import Answer, Page, Request, Sample, Upstream
from connectors.protocols import gml
from connectors.protocols.wfs import GEOJSON, GML2, GML31, GML32, Layer, Layers, Unplaced, place, required_place
from connectors.sample.sip import answer
from connectors.sip import OWNERS, Parcel, level

LAYER = Layer("sip_wfs/wfs", "sip_wfs:x")
GML = 'xmlns:gml="http://www.opengis.net/gml"'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def fetched(reader: Layer | Layers, answer: Answer) -> list[Page]:
    async def run() -> list[Page]:
        upstream = Upstream("https://maps.example/geoserver", Sample(answer), attempts=1)
        return [page async for page in reader.fetch(upstream)]

    return asyncio.run(run())


def collection(numbers: range, stated: object = "unknown", id: Callable[[int], str] = "x.{}".format) -> bytes:
    members = [
        {
            "type": "Feature",
            "id": id(number),
            "properties": {"n": number},
            "geometry": {"type": "Point", "coordinates": [16.9, 52.4]},
        }
        for number in numbers
    ]
    return orjson.dumps({"type": "FeatureCollection", "numberMatched": stated, "features": members})


def capped(total: int, cap: int, stated: object = "unknown", asked: list[Request] | None = None) -> Answer:
    def answered(request: Request) -> bytes:
        if asked is not None:
            asked.append(request)
        start = int(request.params.get("startIndex", "0"))
        return collection(range(start, min(total, start + cap)), stated)

    return answered


def numbers(reader: Layer, pages: list[Page]) -> list[int]:
    return [row["n"] for page in pages for row in reader.rows(page)]


def test_silent_cap_is_no_end() -> None:
    asked: list[Request] = []
    pages = fetched(LAYER, capped(25, 7, asked=asked))
    assert numbers(LAYER, pages) == list(range(25))
    assert [one.params.get("startIndex") for one in asked] == [None, "7", "14", "21", "25"]
    assert {one.params["count"] for one in asked} == {"5000"}
    assert asked[0].url == "https://maps.example/geoserver/sip_wfs/wfs"


@pytest.mark.parametrize("stated", ["unknown", None, 7, 0, -1, "12"])
def test_stated_number_is_no_end(stated: object) -> None:
    assert len(numbers(LAYER, fetched(LAYER, capped(25, 7, stated)))) == 25


def test_part_that_looks_like_the_whole_is_refused() -> None:
    with pytest.raises(Suspicious, match=r"sip_wfs:x: the source states 30 features but gives 25"):
        fetched(LAYER, capped(25, 7, 30))


def test_source_that_turns_no_pages_is_read_once() -> None:
    asked: list[Request] = []

    def first_again(request: Request) -> bytes:
        asked.append(request)
        return collection(range(7))

    older = Layer("sip_wfs/wfs", "sip_wfs:x", version="1.1.0", page_size=500)
    assert numbers(older, fetched(older, first_again)) == list(range(7))
    assert [one.params.get("startIndex") for one in asked] == [None, "7"]
    assert asked[0].params["maxFeatures"] == "500"
    assert "count" not in asked[0].params
    assert asked[0].params["typeName"] == "sip_wfs:x"


def test_source_that_turns_no_pages_but_states_more_is_refused() -> None:
    with pytest.raises(Suspicious, match="states 25 features but gives 7"):
        fetched(LAYER, lambda _: collection(range(7), 25))


def test_new_ids_for_the_same_features_are_nothing_new() -> None:
    fresh = count()
    pages = fetched(LAYER, lambda _: collection(range(7), id=lambda _: f"x.fid--{next(fresh)}"))
    assert len(pages) == 1


def test_empty_layer_is_one_page() -> None:
    pages = fetched(LAYER, lambda _: collection(range(0), 0))
    assert len(pages) == 1
    assert list(LAYER.rows(pages[0])) == []


def test_source_without_end_is_stopped() -> None:
    layer = Layer("sip_wfs/wfs", "sip_wfs:x", most_pages=5)
    with pytest.raises(Suspicious, match="still no end after 5 pages and 15 features"):
        fetched(layer, capped(10**9, 3))


def test_layers_are_read_one_after_another() -> None:
    both = Layers((LAYER, Layer("akustyka/wfs", "akustyka:y")))
    pages = fetched(both, capped(5, 3))
    assert [page.asked["layer"] for page in pages] == ["sip_wfs:x"] * 2 + ["akustyka:y"] * 2
    assert [row["asked.layer"] for page in pages for row in both.rows(page)] == ["sip_wfs:x"] * 5 + ["akustyka:y"] * 5


REPORT = b"""<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1"><ows:Exception
exceptionCode="InvalidParameterValue"><ows:ExceptionText>Feature type sip_wfs:x unknown</ows:ExceptionText></ows:Exception>
</ows:ExceptionReport>"""
ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>
<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs">&b;</wfs:FeatureCollection>"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ENTITIES, "declares a document type"),
        (b"", "it is empty"),
        (collection(range(3))[:-20], "not JSON"),
        (b'<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs"><wfs:member>', "is not XML"),
        (b"<a/>", "not a feature collection but a a document"),
        (b"[]", "not a GeoJSON object but a JSON list"),
        (b'{"type": "FeatureCollection"}', "no list of features"),
    ],
)
def test_what_is_no_feature_collection_fails_the_refresh(body: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        fetched(LAYER, lambda _: body)
    with pytest.raises(Unreadable, match=said):
        list(LAYER.rows(Page(body)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (REPORT, "is an exception report: Feature type sip_wfs:x unknown$"),
        (REPORT.replace(b"ows:ExceptionReport", b"ows:ServiceExceptionReport"), "Feature type sip_wfs:x unknown$"),
        (b"<!DOCTYPE html><html><body>Przerwa techniczna</body></html>", "is an HTML page$"),
        (b"<html><title>Przerwa techniczna</title></html>", "is an HTML page: Przerwa techniczna$"),
    ],
)
def test_a_message_in_place_of_features_never_reaches_the_reader(body: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        fetched(LAYER, lambda _: body)


@pytest.mark.parametrize("version", ["1.1.0", "2.0.0"])
@pytest.mark.parametrize("form", [GEOJSON, GML31, GML32, GML2])
@pytest.mark.parametrize("srs", ["EPSG:2177", "urn:ogc:def:crs:EPSG::2177"])
def test_every_version_and_form_gives_the_same(version: Any, form: str, srs: str) -> None:
    layer = Layer("sip_wfs/wfs", "sip_wfs:mpzp_funkcje_pow_g_sql_wfs", version, form, srs, page_size=120)
    expected = Layer("sip_wfs/wfs", "sip_wfs:mpzp_funkcje_pow_g_sql_wfs")
    rows = [row for page in fetched(layer, answer) for row in layer.rows(page)]
    wanted = [row for page in fetched(expected, answer) for row in expected.rows(page)]
    assert len(rows) == 300
    assert not any(REPAIRED in row for row in rows)  # the order is that of the name, whichever it is
    for row, other in zip(rows, wanted, strict=True):
        assert {k: row[k] for k in ("id", "SYMBOL", "PLAN")} == {k: other[k] for k in ("id", "SYMBOL", "PLAN")}
        assert shapely.symmetric_difference(row["geometry"], other["geometry"]).area < 1e-12


def test_bad_geometry_is_kept_to_its_row() -> None:
    def feature(geometry: object) -> dict[str, object]:
        return {"type": "Feature", "id": "x", "properties": {}, "geometry": geometry}

    geometries = [
        {"type": "Point", "coordinates": [5808300.25, 6427500.5]},
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": [[[1, 2]]]},
        {"type": "Blob", "coordinates": []},
        "POINT(1 2)",
        None,
        {"type": "Point", "coordinates": [6427500.5, 5808300.25]},
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2177"}}
    body = orjson.dumps({"type": "FeatureCollection", "crs": crs, "features": list(map(feature, geometries))})
    rows = list(LAYER.rows(Page(body)))
    assert [type(row["geometry"]) for row in rows] == [shapely.Point, *[Unplaced] * 4, type(None), shapely.Point]
    swapped = "axes came north before east although GeoJSON means east first and were swapped"
    assert [row.get(REPAIRED) for row in rows] == [swapped, None, None, None, None, None, None]
    assert rows[0]["geometry"].distance(rows[6]["geometry"]) < 1e-9
    with pytest.raises(RowError, match="lies outside the city's surroundings"):
        place(rows[1]["geometry"])
    assert place(rows[5]["geometry"]) is None
    with pytest.raises(RowError, match="the geometry is missing"):
        required_place(rows[5]["geometry"])


EAST_FIRST, NORTH_FIRST = "6427500.5 5808300.25", "5808300.25 6427500.5"


@pytest.mark.parametrize(
    ("stated", "position", "done"),
    [
        ("urn:ogc:def:crs:EPSG::2177", NORTH_FIRST, None),
        ("http://www.opengis.net/def/crs/EPSG/0/2177", NORTH_FIRST, None),
        ("EPSG:2177", EAST_FIRST, None),
        ("http://www.opengis.net/gml/srs/epsg.xml#2177", EAST_FIRST, None),
        ("urn:ogc:def:crs:EPSG::4326", "52.4 16.9", None),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "16.9 52.4", None),
        ("urn:ogc:def:crs:EPSG::3857", "1881300 6872000", None),
        ("EPSG:2177", NORTH_FIRST, "axes came north before east although EPSG:2177 means east first and were swapped"),
        (
            "http://www.opengis.net/gml/srs/epsg.xml#2177",
            NORTH_FIRST,
            (
                "axes came north before east although http://www.opengis.net/gml/srs/epsg.xml#2177 means east first "
                "and were swapped"
            ),
        ),
        (
            "urn:ogc:def:crs:EPSG::2177",
            EAST_FIRST,
            "axes came east before north although urn:ogc:def:crs:EPSG::2177 means north first",
        ),
        (
            "http://www.opengis.net/def/crs/EPSG/0/4326",
            "16.9 52.4",
            "axes came east before north although http://www.opengis.net/def/crs/EPSG/0/4326 means north first",
        ),
        ("urn:ogc:def:crs:EPSG::2177", "0 0", None),
    ],
)
def test_only_an_order_against_the_name_of_the_system_is_told(stated: str, position: str, done: str | None) -> None:
    body = (
        f'<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" {GML}><gml:featureMember><x><g>'
        f'<gml:Point srsName="{stated}"><gml:pos>{position}</gml:pos></gml:Point></g></x></gml:featureMember>'
        "</wfs:FeatureCollection>"
    )
    (row,) = LAYER.rows(Page(body.encode()))
    assert row.get(REPAIRED) == done
    assert (type(row["geometry"]) is Unplaced) == (position == "0 0")


def test_a_ring_that_is_not_closed_rejects_its_row() -> None:
    ring = [[16.9, 52.4], [17.0, 52.4], [17.0, 52.5]]
    feature = {"type": "Feature", "id": "x", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (row,) = LAYER.rows(Page(orjson.dumps({"type": "FeatureCollection", "features": [feature]})))
    with pytest.raises(
        RowError, match=r"^a ring of the polygon is not closed: its last position must repeat the first"
    ):
        place(row["geometry"])


def test_owners_are_neither_asked_for_nor_kept() -> None:
    reader = Parcel.__dataset__.reader
    assert isinstance(reader, Layer)
    asked: list[Request] = []

    def noted(request: Request) -> bytes:
        asked.append(request)
        return answer(request)

    pages = fetched(reader, noted)
    assert {one.params["propertyName"] for one in asked} == {"OZN_DZ,NRD,POW_EWD,GEOM"}
    assert not any(b"ZMY" in page.body for page in pages)
    everything = answer(Request("GET", "https://maps.example/egib/wfs", {"typeName": reader.type_name}))
    assert b"WLASC" in everything
    rows = list(reader.rows(Page(everything)))
    assert rows
    for row in rows:
        assert not OWNERS & {key.upper() for key in row}
        assert "ZMY" not in str(row)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("EPSG:2177", 2177),
        ("urn:ogc:def:crs:EPSG::2177", 2177),
        ("urn:ogc:def:crs:EPSG:9.6:2180", 2180),
        ("urn:x-ogc:def:crs:EPSG:4326", 4326),
        ("http://www.opengis.net/gml/srs/epsg.xml#2177", 2177),
        ("http://www.opengis.net/def/crs/EPSG/0/2177", 2177),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        (" ", None),
    ],
)
def test_coordinate_systems_are_read_in_every_form(written: str, code: int | None) -> None:
    assert gml.epsg(written) == code


@pytest.mark.parametrize(
    ("written", "wkt"),
    [
        ("<gml:Point><gml:pos>1 2</gml:pos></gml:Point>", "POINT (1 2)"),
        ("<gml:Point><gml:pos>1 2 3</gml:pos></gml:Point>", "POINT (1 2)"),
        ("<gml:Point><gml:coordinates>1,2</gml:coordinates></gml:Point>", "POINT (1 2)"),
        (
            '<gml:Point><gml:coordinates decimal="," cs=";" ts="/">1,5;2,5</gml:coordinates></gml:Point>',
            "POINT (1.5 2.5)",
        ),
        ("<gml:Point><gml:coord><gml:X>1</gml:X><gml:Y>2</gml:Y></gml:coord></gml:Point>", "POINT (1 2)"),
        ("<gml:LineString><gml:posList>1 2 3 4</gml:posList></gml:LineString>", "LINESTRING (1 2, 3 4)"),
        (
            '<gml:LineString><gml:posList srsDimension="3">1 2 9 3 4 9</gml:posList></gml:LineString>',
            "LINESTRING (1 2, 3 4)",
        ),
        (
            '<gml:LineString srsDimension="4"><gml:posList>1 2 9 0 3 4 9 0</gml:posList></gml:LineString>',
            "LINESTRING (1 2, 3 4)",
        ),
        (
            (
                '<gml:Polygon srsDimension="3"><gml:exterior><gml:LinearRing><gml:posList>1 2 9 1 2 9 3 4 9 5 2 9 1 2 9</gml:posList>'
                "</gml:LinearRing></gml:exterior></gml:Polygon>"
            ),
            "POLYGON ((1 2, 1 2, 3 4, 5 2, 1 2))",
        ),
        ("<gml:LineString><gml:coordinates>1,2 3, 4</gml:coordinates></gml:LineString>", "LINESTRING (1 2, 3 4)"),
        (
            (
                "<gml:MultiCurve><gml:curveMember><gml:Curve><gml:segments><gml:LineStringSegment><gml:posList>1 2 3 4</gml:posList>"
                "</gml:LineStringSegment><gml:LineStringSegment><gml:posList>3 4 5 6</gml:posList></gml:LineStringSegment>"
                "</gml:segments></gml:Curve></gml:curveMember></gml:MultiCurve>"
            ),
            "MULTILINESTRING ((1 2, 3 4, 5 6))",
        ),
        (
            "<gml:MultiPoint><gml:pointMember><gml:Point><gml:pos>1 2</gml:pos></gml:Point></gml:pointMember></gml:MultiPoint>",
            "MULTIPOINT ((1 2))",
        ),
        (
            (
                "<gml:MultiGeometry><gml:geometryMember><gml:Point><gml:pos>1 2</gml:pos></gml:Point></gml:geometryMember>"
                "</gml:MultiGeometry>"
            ),
            "GEOMETRYCOLLECTION (POINT (1 2))",
        ),
    ],
)
def test_geometries_are_read_in_every_form(written: str, wkt: str) -> None:
    assert gml.geometry(element(written)) == shapely.from_wkt(wkt)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<gml:Point><gml:pos>1 NaN</gml:pos></gml:Point>", "not a finite number"),
        ("<gml:Point><gml:pos>jeden dwa</gml:pos></gml:Point>", "could not convert"),
        ("<gml:Point><gml:pos>1</gml:pos></gml:Point>", "1 numbers are no coordinates of 1 axes"),
        ("<gml:LineString><gml:posList>1 2 3</gml:posList></gml:LineString>", "3 numbers are no coordinates of 2 axes"),
        ("<gml:LineString><gml:posList>1 2</gml:posList></gml:LineString>", "LineString"),
        ("<gml:Solid/>", "a geometry of type Solid is not read"),
        (
            (
                "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>1 2 3 4 5 2</gml:posList></gml:LinearRing></gml:exterior>"
                "</gml:Polygon>"
            ),
            "Polygon: a ring of the polygon is not closed: its last position must repeat the first",
        ),
        (
            f'<gml:MultiSurface><gml:surfaceMember {XLINK} xlink:href="#p"/></gml:MultiSurface>',
            "surfaceMember refers to another",
        ),
        (
            "<gml:Curve><gml:segments><gml:Arc/></gml:segments></gml:Curve>",
            "a curve of type Arc is not read",
        ),
        (
            (
                "<gml:Curve><gml:segments><gml:LineStringSegment/><gml:LineStringSegment><gml:posList>1 2</gml:posList>"
                "</gml:LineStringSegment></gml:segments></gml:Curve>"
            ),
            "Curve",
        ),
    ],
)
def test_what_is_no_geometry_is_refused(written: str, said: str) -> None:
    with pytest.raises(RowError, match=said):
        gml.geometry(element(written))


def element(written: str) -> Any:
    return etree.fromstring(written.replace(">", f" {GML}>", 1) if "/>" not in written[:12] else f"<gml:Solid {GML}/>")


@pytest.mark.parametrize(
    ("written", "expected"), [(65, 65.0), ("65-70", 65.0), ("> 75", 75.0), ("62,5 dB", 62.5), (None, None), ("", None)]
)
def test_levels_are_read_in_every_form(written: object, expected: float | None) -> None:
    assert level(written) == expected
