"""What the protocol readers make of answers that are not what they should be, and which requests they make."""

import asyncio
from typing import Any

import orjson
import pytest

from broker.errors import Refused, RowError, Unreadable
from broker.model import Page, Reader
from broker.upstream import Request, Sample, Upstream
from connectors.protocols import geojson, xml
from connectors.protocols.events_xml import EventCalendar
from connectors.protocols.geojson import FeatureCollection
from connectors.protocols.ogc_features import Collection
from connectors.protocols.rss import Rss

READERS: dict[str, Reader] = {
    "geojson": FeatureCollection("map", ({"co": "cluster"},)),
    "rss": Rss(("rss",)),
    "events": EventCalendar("events"),
}
HTML = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>"
REPORT = b"""<?xml version="1.0" encoding="UTF-8"?>
<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">
<ows:Exception exceptionCode="InvalidParameterValue"><ows:ExceptionText>Feature type unknown</ows:ExceptionText></ows:Exception>
</ows:ExceptionReport>"""
LAUGHS = b"""<?xml version="1.0"?>
<!-- harmless to look at -->
<!DOCTYPE events [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<events><event><event_id>&c;</event_id></event></events>"""
OUTSIDE = b"""<!DOCTYPE events [<!ENTITY a SYSTEM "file:///etc/hostname">]><events>&a;</events>"""


def rows(reader: str, body: bytes) -> list[Any]:
    return list(READERS[reader].rows(Page(body, "GET https://city.example/x")))


async def read(reader: Reader, upstream: Upstream) -> list[Any]:
    return [row async for page in reader.fetch(upstream) for row in reader.rows(page)]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(HTML, "it is an HTML page", id="html"),
        pytest.param(REPORT, "exception report", id="exception report"),
        pytest.param(b'<events xmlns="x"><event><event_id>1</even', "is not", id="cut short xml"),
        pytest.param(b'{"features": [{"id": "AWF41", "geom', "is not", id="cut short json"),
        pytest.param(LAUGHS, "is not", id="entities"),
        pytest.param(b"\x00\x01\x02", "is not", id="bytes"),
    ],
)
def test_another_answer_is_unreadable(reader: str, body: bytes, says: str) -> None:
    upstream = Upstream("https://city.example", Sample(lambda _: body))
    with pytest.raises(Unreadable, match=r"GET https://city\.example/") as caught:
        asyncio.run(read(READERS[reader], upstream))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "body", [LAUGHS, OUTSIDE, LAUGHS.decode().replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16")]
)
def test_a_document_type_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable, match="it declares a document type, which is refused"):
        xml.parse(Page(body))


def test_words_like_a_document_type_inside_a_text_are_only_text() -> None:
    root = xml.parse(Page(b"<?xml version='1.0'?><!-- <!DOCTYPE x> --><a><![CDATA[<!DOCTYPE html>]]></a>"))
    assert xml.text(root) == "<!DOCTYPE html>"


def test_many_comments_before_a_document_type_take_no_time() -> None:
    with pytest.raises(Unreadable, match="document type"):
        xml.parse(Page(b"<?xml version='1.0'?>" + b"<!-- -->" * 50_000 + b"<!DOCTYPE a><a/>"))


DECLARING = "<?xml version='1.0' encoding='{}'?><a>łąka i źródło</a>"


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-2", "windows-1250", "klingon", "utf-16"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-2", "cp1250", "utf-16"])
def test_the_bytes_decide_whatever_charset_is_declared(declared: str, charset: str) -> None:
    assert xml.text(xml.parse(Page(DECLARING.format(declared).encode(charset)))) == "łąka i źródło"


@pytest.mark.parametrize("charset", ["cp1250", "iso-8859-2", "utf-16", "utf-8-sig"])
def test_json_is_read_in_the_charset_it_is_in(charset: str) -> None:
    body = '{"features": [{"id": "a", "properties": {"name": "Łąka, źródło"}}]}'.encode(charset)
    assert [row["name"] for row in rows("geojson", body)] == ["Łąka, źródło"]


@pytest.mark.parametrize(
    "body", ['{"features": [], "name": "ĄŻ"}'.encode("cp852"), b'{"features": "\xff\xfe\x81\x83"}']
)
def test_json_in_no_charset_that_is_known_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable, match="is in a charset that is not known"):
        rows("geojson", body)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "is not a GeoJSON object but a JSON list"),
        ({"error_msg": "brak serwisu: clusters"}, "answered with an error: brak serwisu: clusters"),
        ({"type": "FeatureCollection"}, "has no list of features"),
        ({"features": [1]}, "feature 1 is not an object"),
        ({"features": [{"properties": []}, {"properties": [1]}]}, "the properties of feature 2 are not an object"),
        (
            {"features": [], "crs": {"type": "name", "properties": {"name": "local"}}},
            "coordinate system is not understood",
        ),
        ({"features": [], "crs": "EPSG"}, "coordinate system is not understood"),
    ],
)
def test_json_that_is_no_feature_collection_is_unreadable(document: object, says: str) -> None:
    with pytest.raises(Unreadable) as caught:
        rows("geojson", orjson.dumps(document))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("crs", "code"),
    [
        (None, 4326),
        ({"type": "EPSG", "properties": {"code": "4326"}}, 4326),
        ({"type": "EPSG", "properties": {"code": 2177}}, 2177),
        ({"type": "name", "properties": {"name": "EPSG:2180"}}, 2180),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2177"}}, 2177),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, 4326),
    ],
)
def test_the_envelope_names_its_coordinate_system_in_many_forms(crs: object, code: int) -> None:
    body = orjson.dumps({"features": [{"id": 7, "properties": None, "geometry": None}], "crs": crs})
    assert rows("geojson", body) == [{"id": "7", "geometry": None, "crs": code}]


@pytest.mark.parametrize("coordinates", [[6_500_000.0, 5_807_404.805], [5_807_404.805, 6_500_000.0]])
def test_metric_coordinates_are_turned_in_either_axis_order(coordinates: list[float]) -> None:
    made = geojson.shape({"type": "Point", "coordinates": coordinates}, 2177)
    assert made is not None
    # on the central meridian the easting is 6 500 000 m and the northing 0.999923 of the meridian's arc to 52.4°, taken by Simpson's rule
    assert (round(made.x, 7), round(made.y, 7)) == (18.0, 52.4)


@pytest.mark.parametrize(
    "geometry",
    [
        "POINT (16 52)",
        {"type": "Point", "coordinates": ["x", "y"]},
        {"type": "Point", "coordinates": "xy"},
        {"type": "Cube"},
        {"type": "Polygon", "coordinates": [[None]]},
        {"type": "Polygon", "coordinates": [[[16.9, 52.4], ["NaN", "NaN"], [16.8, 52.3], [16.9, 52.4]]]},
    ],
)
def test_what_is_no_geometry_rejects_its_row(geometry: Any) -> None:
    with pytest.raises(RowError):
        geojson.shape(geometry)


@pytest.mark.parametrize("body", [b"0", b"[]", b'{"features": 1}', b'{"features": [1]}'])
def test_pages_of_ogc_features_that_are_none_are_unreadable(body: bytes) -> None:
    async def fetched() -> list[Page]:
        return [page async for page in Collection("meters").fetch(Upstream("http://city", Sample(lambda _: body)))]

    with pytest.raises(Unreadable, match=r"feature|GeoJSON object"):
        asyncio.run(fetched())


@pytest.mark.parametrize(
    "more", [{"numberMatched": "unknown"}, {"numberMatched": "9" * 5000}, {"links": 1}, {"links": None}]
)
def test_what_ogc_features_say_beside_the_features_may_be_anything(more: dict[str, Any]) -> None:
    body = orjson.dumps({"features": [], **more})

    async def fetched() -> list[Page]:
        return [page async for page in Collection("meters").fetch(Upstream("http://city", Sample(lambda _: body)))]

    assert len(asyncio.run(fetched())) == 1


def test_feeds_and_calendars_name_the_root_they_found() -> None:
    with pytest.raises(Unreadable, match=r"is not RSS 2\.0: its root is <feed>"):
        rows("rss", b"<feed xmlns='http://www.w3.org/2005/Atom'/>")
    with pytest.raises(Unreadable, match="holds no events: its root is <news>"):
        rows("events", b"<news/>")


def test_feature_collections_ask_once_for_each_query() -> None:
    asked: list[str] = []

    def answer(request: Request) -> bytes:
        asked.append(str(request))
        return b'{"features": [{"id": "1", "properties": {"a": ""}}]}'

    reader = FeatureCollection("plan/map", ({"co": "mpzp"}, {"co": "mpzpw"}))

    async def read() -> list[Any]:
        upstream = Upstream("https://city.example/mim/", Sample(answer), attempts=1)
        return [row async for page in reader.fetch(upstream) for row in reader.rows(page)]

    found = asyncio.run(read())
    assert asked == [
        "GET https://city.example/mim/plan/map?co=mpzp",
        "GET https://city.example/mim/plan/map?co=mpzpw",
    ]
    assert [row["asked.co"] for row in found] == ["mpzp", "mpzpw"]


def test_the_sample_refuses_what_it_does_not_know() -> None:
    from connectors.mim import MIM  # noqa: PLC0415 - the one connector this file looks at

    assert MIM.sample is not None
    upstream = Upstream(MIM.base_url, Sample(MIM.sample), attempts=1)
    for path, params in (("plan/map_service.html", {"co": "parishes"}), ("elsewhere", {})):
        with pytest.raises(Refused, match="the sample data has no answer for this"):
            asyncio.run(upstream.get(path, params))
