"""One data set for every reader of a wire form, small enough to be read again and again, and one live one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import orjson

from broker.catalog import Catalog
from broker.model import CC0, Dataset, Geometry, Record, Source, dataset, every, field, live
from broker.upstream import Answer, Request, Sample, Upstream
from connectors.bip import MayorOrder
from connectors.kontakt import CallCount, ContactChannel
from connectors.legal_aid import LegalAidPoint
from connectors.mim import MIM, Article, Event, ParkingMeter, Place
from connectors.nextbike import BikeStation
from connectors.protocols import ogc_features, wfs
from connectors.sip import LandUseArea
from connectors.ztm import ZTM, Departure
from tests.faults.forms import Attributes, Csv, Form, Json, Xlsx, Xml

__all__ = ["BOARD", "BYSTANDER", "LOOKUP", "READERS", "STOP", "Misled", "Reader", "catalog"]

MOST_PAGES = 12
PAGE = 40


@cache
def _features() -> tuple[Any, ...]:
    """Some features of the sample, for servers of which there is none."""
    assert MIM.sample is not None
    layer = {"mtype": "pub_transport", "co": "parking_meters"}
    body = MIM.sample(Request("GET", f"{MIM.base_url}/plan/map_service.html", layer))
    return tuple(orjson.loads(body)["features"][:100])


def _city(request: Request) -> bytes:
    """A WFS and an OGC API of the same features, paged as each of them pages."""
    features = _features()
    older = "startIndex" in request.params or "count" in request.params
    start = int(request.params.get("startIndex" if older else "offset", "0"))
    some = features[start : start + PAGE]
    body: dict[str, Any] = {"type": "FeatureCollection", "features": some, "numberMatched": len(features)}
    if not older and start + PAGE < len(features):
        body["links"] = [{"rel": "next", "href": f"{request.url}?f=json&offset={start + PAGE}"}]
    return orjson.dumps(body)


CITY = Source("city", "A city's map servers", "http://127.0.0.1:9", "Two servers of the same layer.", _city)


@dataset(
    CITY,
    "wfs_meters",
    key="key",
    reader=wfs.Layer("wfs", "city:meters", page_size=PAGE, most_pages=MOST_PAGES),
    refresh=every(days=1),
    licence=CC0,
)
class WfsMeter(Record):
    """A parking meter of a WFS that answers GeoJSON."""

    key: str = field("Number", of="id")
    zone: str = field("Zone")
    street: str = field("Street", search="title")
    geometry: Geometry = field("Where it stands", read=wfs.required_place)


@dataset(
    CITY,
    "ogc_meters",
    key="key",
    reader=ogc_features.Collection("meters", page_size=PAGE, most_pages=MOST_PAGES),
    refresh=every(days=1),
    licence=CC0,
)
class OgcMeter(Record):
    """A parking meter of OGC API Features."""

    key: str = field("Number", of="id")
    zone: str = field("Zone")
    street: str = field("Street", search="title")
    geometry: Geometry = field("Where it stands", read=wfs.required_place)


class Misled(Protocol):
    """What a fault has to know of whom it meets."""

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> Form: ...
    @property
    def key(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def needed(self) -> str: ...
    @property
    def paged(self) -> bool: ...
    @property
    def source(self) -> Source: ...
    @property
    def answer(self) -> Answer: ...
    def first(self) -> bytes: ...


@dataclass(frozen=True)
class Reader:
    """A reader under test.

    ``key`` and ``text`` are the upstream's names of the key and of a free text, ``needed`` of a field that no record goes without.
    """

    name: str
    dataset: Dataset
    form: Form
    key: str
    text: str
    needed: str
    paged: bool = False
    stated: bool = False
    located: bool = True
    live: bool = False

    @property
    def source(self) -> Source:
        """Where it is asked."""
        return self.dataset.source

    @property
    def answer(self) -> Answer:
        """The good answers."""
        assert self.source.sample is not None
        return self.source.sample

    def first(self) -> bytes:
        """The first good answer of all."""
        return _first(self.name)


@cache
def _first(name: str) -> bytes:
    reader = next(one for one in READERS if one.name == name)

    async def asked() -> bytes:
        upstream = Upstream(reader.source.base_url, Sample(reader.answer), attempts=1)
        async with aclosing(reader.dataset.reader.fetch(upstream)) as pages:  # type: ignore[type-var]  # it is a generator
            return (await anext(pages)).body

    with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
        return thread.submit(asyncio.run, asked()).result()


def _bounded(one: Dataset, **bounds: Any) -> Dataset:
    return replace(one, reader=replace(one.reader, **bounds))  # type: ignore[type-var]  # readers are dataclasses


ORDERS = _bounded(MayorOrder.__dataset__, max_pages=MOST_PAGES, pause=0.01)
BIKES = replace(BikeStation.__dataset__, refresh=live(seconds=0))
"""Asked for anew with each query."""
IN_ORDERS = ("bip.poznan.pl", "data", 0, "zarzadzenia")
FEATURES = Json(("features",), [("numberMatched",)])

READERS: tuple[Reader, ...] = (
    Reader("geojson", ParkingMeter.__dataset__, FEATURES, "id", "street", "id"),
    Reader(
        "bip_json",
        ORDERS,
        Json((*IN_ORDERS, "items", 0, "zarzadzenie"), [(*IN_ORDERS, "total_size")]),
        "id",
        "tytul",
        "tytul",
        paged=True,
        stated=True,
        located=False,
    ),
    Reader("events_xml", Event.__dataset__, Xml("event", ("lon", "lat")), "event_id", "evtml_name", "event_start"),
    Reader("rss", Article.__dataset__, Xml("item"), "guid", "title", "title", located=False),
    Reader("wfs_gml", LandUseArea.__dataset__, Xml("member", ("posList",)), "SYMBOL", "PLAN", "SYMBOL", stated=True),
    Reader("wfs_json", WfsMeter.__dataset__, FEATURES, "id", "street", "zone", paged=True, stated=True),
    Reader("ogc_features", OgcMeter.__dataset__, FEATURES, "id", "street", "zone", paged=True, stated=True),
    Reader(
        "sheet_csv",
        LegalAidPoint.__dataset__,
        Csv(2, ("Dł. geogr.", "Szer. geogr.")),
        "Nr punktu",
        "Nazwa punktu",
        "Nr punktu",
    ),
    Reader(
        "sheet_xlsx",
        CallCount.__dataset__,
        Xlsx("Połączenia", 2),
        "Miesiąc",
        "Odebrane",
        "Połączenia",
        located=False,
    ),
    Reader("live", BIKES, Attributes("place", ("lat", "lng")), "uid", "name", "name", live=True),
)


def _one_post(request: Request) -> bytes:
    """The departures of one post of a stop."""
    assert ZTM.sample is not None
    told = orjson.loads(ZTM.sample(request))
    del told["success"]["bollardsWithTimes"][1:]
    return orjson.dumps(told)


@dataclass(frozen=True)
class Board:
    """The lookup under test, as far as a fault has to know it."""

    form: Form
    name: str = "lookup"
    key: str = "line"
    text: str = "direction"
    needed: str = "line"
    paged: bool = False
    source: Source = ZTM
    answer: Answer = _one_post

    def first(self) -> bytes:
        """The first good answer of all."""
        form = {"method": "getTimesForAllBollards", "p0": orjson.dumps({"name": STOP}).decode()}
        return self.answer(Request("POST", f"{self.source.base_url}/method.vm", form=form))


LOOKUP = replace(Departure.__lookup__, refresh=live(seconds=0))
"""Asked for anew with each query."""
STOP = "Bałuckiego"
BOARD = Board(Json(("success", "bollardsWithTimes", 0, "times")))
BYSTANDER = replace(ContactChannel.__dataset__, source=replace(ContactChannel.__dataset__.source, id="beside"))
"""A data set of another source, that must not notice anything."""


def catalog(reader: Reader) -> Catalog:
    """The data set under test, the one beside it, and what it refers to, which stays empty."""
    referred = [Place.__dataset__ for one in reader.dataset.fields if one.to == Place.__dataset__.id]
    return Catalog.of([reader.dataset, BYSTANDER, *referred])
