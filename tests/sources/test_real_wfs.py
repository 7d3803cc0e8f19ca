"""The readers of SIP against a real WFS server: both versions, GML and GeoJSON, EPSG:2177, pages capped by the server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from broker.catalog import Catalog
from broker.model import Dataset, Record, Repaired
from broker.query import Version
from broker.refresh import Refresher
from broker.settings import Settings, SourceSettings
from broker.store import SqlStore, open_store
from broker.upstream import Upstream
from connectors.protocols.wfs import GEOJSON, GML31, GML32, Layer
from connectors.sip import SIP, Address, NoiseZone
from tests.city.mapserver import MapServer, running
from tests.city.outward import http

POINTS = [
    (shapely.Point(16.85 + n / 400, 52.36 + n / 700), {"ID": str(n), "ULICA": "ul. Żółta" if n % 2 else "os. Ćmy", "NUMER": f"{n + 1}a", "KOD": None if n == 3 else "60-101"})
    for n in range(47)
]  # fmt: skip
RINGS = [
    (shapely.box(16.9 + n / 100, 52.4, 16.905 + n / 100, 52.41).difference(shapely.Point(16.902 + n / 100, 52.405).buffer(0.001)), {"ID": str(n), "LDWN": f"{50 + 5 * n}"})
    for n in range(7)
]  # fmt: skip
CAP = 10


@pytest.fixture(scope="module")
def sip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MapServer]:
    with running(tmp_path_factory.mktemp("mapserver")) as server:
        server.publish("/sip_wfs/wfs", "sip_wfs", {"punkty_adresowe_sql_wfs": POINTS}, id="ID", cap=CAP)
        noise = {f"v_v17_{cause}_imisja_ldwn_sql": RINGS for cause in ("dr", "tr", "ko", "prz", "lo")}
        server.publish("/akustyka/wfs", "akustyka", noise, id="ID", cap=3)
        yield server


@pytest.mark.parametrize("srs", ["EPSG:2177", "urn:ogc:def:crs:EPSG::2177", "EPSG:4326"])
@pytest.mark.parametrize(
    ("version", "form"), [("1.1.0", GML31), ("1.1.0", "geojson"), ("2.0.0", GML32), ("2.0.0", "geojson")]
)
async def test_every_way_leads_to_the_same_points(sip: MapServer, version: Any, form: str, srs: str) -> None:
    layer = Layer("sip_wfs/wfs", "sip_wfs:punkty_adresowe_sql_wfs", srs=srs, version=version, format=form)
    async with http() as transport:
        upstream = Upstream(sip.url, transport, 1)
        rows = [row async for page in layer.fetch(upstream) for row in layer.rows(page)]
    assert [row["ID"] for row in rows] == [own["ID"] for _, own in POINTS]
    assert {row["ULICA"] for row in rows} == {"ul. Żółta", "os. Ćmy"}
    assert (
        max(row["geometry"].distance(shape) for row, (shape, _) in zip(rows, POINTS, strict=True)) < 1e-6
    )  # some write six decimals


async def refreshed(sip: MapServer, folder: Path, dataset: Dataset) -> tuple[SqlStore, Any]:
    catalog = Catalog.of([dataset])
    settings = Settings.load(
        sample=False, store=f"sqlite:///{folder}/store.sqlite", sources={SIP.id: SourceSettings(base_url=sip.url)}
    )
    store = open_store(settings.store, catalog)
    async with Refresher(catalog, store, settings) as refresher:
        return store, await refresher.refresh(dataset)


async def test_addresses_are_refreshed_from_it(sip: MapServer, tmp_path: Path) -> None:
    store, done = await refreshed(sip, tmp_path, Address.__dataset__)
    assert (done.outcome, done.error, done.changes.records, done.changes.rejected) == ("published", None, 47, 0)
    assert done.changes.repaired == 0  # the order of the axes is that of the name the server states
    columns = frozenset({"name", "postcode", "_location"})
    keys = [f"punkty_adresowe_sql_wfs.{own['ID']}" for _, own in POINTS]
    rows = store.by_key(Address.__dataset__, Version(1), keys, columns) or store.by_key(
        Address.__dataset__, Version(1), [own["ID"] for _, own in POINTS], columns
    )
    store.close()
    assert len(rows) == 47
    first = rows["0"]
    assert first["name"] == "os. Ćmy 1a"
    assert (first["_lon"], first["_lat"]) == pytest.approx((16.85, 52.36), abs=1e-7)


async def test_areas_with_holes_and_five_layers_as_one_data_set(sip: MapServer, tmp_path: Path) -> None:
    store, done = await refreshed(sip, tmp_path, NoiseZone.__dataset__)
    assert (done.outcome, done.error, done.changes.records, done.changes.rejected) == ("published", None, 35, 0)
    repairs = store.repairs(NoiseZone.__dataset__, Version(1))
    store.close()
    assert repairs == []


def test_the_records_of_a_page_are_of_their_kinds(sip: MapServer) -> None:
    status, _, body = sip.answer(
        "/sip_wfs/wfs",
        f"service=WFS&version=2.0.0&request=GetFeature&typeNames=sip_wfs:punkty_adresowe_sql_wfs&count=2&outputFormat={GML32.replace('+', '%2B').replace(';', '%3B').replace(' ', '%20')}",
    )
    assert status == 200
    from broker.upstream import Page  # noqa: PLC0415 - next to where it is used

    found = [one.record if isinstance(one, Repaired) else one for one in Address.__dataset__.records(Page(body))]
    assert [type(one) for one in found] == [Address, Address]
    assert all(isinstance(one, Record) for one in found)


def test_the_geojson_format_is_offered_under_the_readers_name(sip: MapServer) -> None:
    status, headers, body = sip.answer(
        "/sip_wfs/wfs",
        f"service=WFS&version=2.0.0&request=GetFeature&typeNames=sip_wfs:punkty_adresowe_sql_wfs&count=1&outputFormat={GEOJSON}",
    )
    assert (status, headers["Content-Type"].split(";")[0], body[:1]) == (200, "application/json", b"{")
