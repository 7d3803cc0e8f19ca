"""Whatever a source sends, its reader gives rows or says what is wrong: no other exception, no endless work."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from broker.catalog import Catalog
from broker.errors import RowError, SourceError
from broker.model import Dataset, Page
from broker.upstream import Sample, Upstream
from connectors.protocols import described
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE
from tests.faults.readers import READERS

GOLDEN = Path(__file__).parents[1] / "sources"
CATALOG = Catalog.load()
CASES = 2000 if WHOLE else 60
BOUND_SECONDS = 10

fuzzing = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=not WHOLE,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)

STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, -1e308, 2**70, "", " ", "\0", "NaN", "1e999", "9" * 5000, "\ud7ff\uffff", "<b>", "ż" * 300,
    [], {}, [[]], [None], {"": None}, [[[[[]]]]], "2017-02-30", "99.99.9999", "EPSG:999999", "urn:ogc:def:crs:EPSG::0",
)  # fmt: skip
SPLICED = (b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"]]>", b"<!DOCTYPE a>", b"&#0;", b"&a;", b'"', b"\\u0000", b"{", b"}", b"[" * 2000, b"<a>" * 400, b"NaN", b"1e999", b";" * 50, b"\r")  # fmt: skip


class Breaker:
    """Breaks a good body in one of many ways, each from a seed."""

    def __init__(self, seed: int) -> None:
        self.pick = Random(seed)

    def broken(self, body: bytes) -> bytes:
        ways = [self.cut, self.flip, self.doubled, self.spliced, self.moved]
        if body[:1] in (b"{", b"["):
            ways += [self.json] * 6
        elif body.lstrip()[:1] == b"<":
            ways += [self.xml] * 6
        for _ in range(self.pick.choice((1, 1, 1, 2, 4))):
            body = self.pick.choice(ways)(body)
        return body

    def at(self, body: bytes) -> int:
        return self.pick.randrange(len(body) + 1)

    def cut(self, body: bytes) -> bytes:
        return body[: self.at(body)]

    def flip(self, body: bytes) -> bytes:
        changed = bytearray(body)
        for _ in range(self.pick.choice((1, 3, 20))):
            if changed:
                changed[self.pick.randrange(len(changed))] = self.pick.randrange(256)
        return bytes(changed)

    def doubled(self, body: bytes) -> bytes:
        start, end = sorted((self.at(body), self.at(body)))
        return body[:end] + body[start:]

    def spliced(self, body: bytes) -> bytes:
        place = self.at(body)
        return body[:place] + self.pick.choice(SPLICED) + body[place:]

    def moved(self, body: bytes) -> bytes:
        start, end = sorted((self.at(body), self.at(body)))
        return body[:start] + body[end:] + body[start:end]

    def json(self, body: bytes) -> bytes:
        """Another value somewhere, whatever was there."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return self.flip(body)
        holders = list(_holders(document))
        if not holders:
            return body
        holder = self.pick.choice(holders)
        place = self.pick.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        nested = lambda value: {"a": value} if self.pick.random() < 0.5 else [value]  # noqa: E731
        holder[place] = self.pick.choice((self.pick.choice(STRANGE), nested(holder[place])))
        return json.dumps(document).encode()

    def xml(self, body: bytes) -> bytes:
        """An element without its text, with another one, twice, inside itself, or with another name."""
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False))
        except (etree.XMLSyntaxError, ValueError):
            return self.flip(body)
        one = self.pick.choice(list(root.iter("*")))
        match self.pick.randrange(5):
            case 0:
                one.text = ""
            case 1:
                one.text = self.pick.choice(("1 2 3", "NaN NaN", "9" * 5000, "ż", "1e999 1", "-", "2017-02-30"))
            case 2:
                one.append(etree.fromstring(etree.tostring(one, with_tail=False)))
            case 3:
                one.tag = self.pick.choice(("Point", "posList", "html", "member", "{http://www.opengis.net/gml}Curve"))
            case _:
                for name in list(one.attrib) or ["srsName", "srsDimension", "cs", "decimal"]:
                    one.set(name, self.pick.choice(("", "0", "-1", "9" * 5000, "EPSG:1", "x", " ")))
        return etree.tostring(root)


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list) and value:
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _holders(one)


def goldens() -> list[Any]:
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(GOLDEN.glob("*/payload*.*"))]


def asked(path: Path) -> dict[str, str]:
    file = path.with_name(path.stem.replace("payload", "asked", 1) + ".json")
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def survives(read: Callable[[], object]) -> None:
    """Nothing but the errors that a refresh knows what to do with."""
    with suppress(SourceError, RowError):
        read()


def bodies(good: bytes) -> st.SearchStrategy[bytes]:
    broken = st.integers(0, 2**32 - 1).map(lambda seed: Breaker(seed).broken(good))
    return st.one_of(broken, broken, broken, st.binary(max_size=300))


@pytest.mark.parametrize("path", goldens())
def test_rows_of_broken_pages(path: Path, tally: Tally) -> None:
    dataset, noted, good = CATALOG.dataset(path.parent.name), asked(path), path.read_bytes()

    @fuzzing
    @given(bodies(good))
    def check(body: bytes) -> None:
        with tally.case("fuzzed_parsers"):
            survives(lambda: list(dataset.records(Page(body, asked=noted))))

    check()


def bounded(one: Dataset) -> Any:
    """The reader without pauses, and of a few pages."""
    bounds = {"pause": 0.0, "patience": 0, "max_pages": 5, "most_pages": 5}
    return replace(one.reader, **{name: value for name, value in bounds.items() if hasattr(one.reader, name)})  # type: ignore[type-var]


@pytest.mark.parametrize("name", [one.name for one in READERS if one.paged or one.stated])
def test_fetching_pages_that_are_broken(name: str, tally: Tally) -> None:
    reader = next(one for one in READERS if one.name == name)
    good, fetching = reader.first(), bounded(reader.dataset)

    async def fetched(body: bytes) -> None:
        upstream = Upstream("http://127.0.0.1:9", Sample(lambda _: body), attempts=1)
        async with asyncio.timeout(BOUND_SECONDS):
            async for _ in fetching.fetch(upstream):
                pass

    @fuzzing
    @given(bodies(good))
    def check(body: bytes) -> None:
        with tally.case("fuzzed_parsers"):
            survives(lambda: runner.run(fetched(body)))

    with asyncio.Runner() as runner:
        check()


SCHEMA_XML = (
    b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:complexType name="metersType"><xs:complexContent>'
    b'<xs:extension base="gml:AbstractFeatureType"><xs:sequence><xs:element name="zone" type="xs:string"/>'
    b'<xs:element name="size"><xs:simpleType><xs:restriction base="xs:int"/></xs:simpleType></xs:element></xs:sequence>'
    b'</xs:extension></xs:complexContent></xs:complexType><xs:element name="meters" type="city:metersType"/></xs:schema>'
)
SCHEMA_JSON = b'{"properties": {"zone": {"type": ["string", "null"]}, "since": {"type": "string", "format": "date"}}}'


@pytest.mark.parametrize(
    ("good", "read"),
    [
        (SCHEMA_XML, lambda page: described.of_xml_schema(page, "city:meters")),
        (SCHEMA_JSON, described.of_json_schema),
    ],
    ids=["xml", "json"],
)
def test_broken_descriptions_of_layers(good: bytes, read: Callable[[Page], object], tally: Tally) -> None:
    assert read(Page(good))

    @fuzzing
    @given(bodies(good))
    def check(body: bytes) -> None:
        with tally.case("fuzzed_parsers"):
            survives(lambda: read(Page(body)))

    check()
