"""Layers without code, from `broker.toml` to the answer: a real WFS in both versions, and pygeoapi."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from bench.process import free_port
from broker.app import Engine
from broker.errors import SettingError
from broker.settings import Settings
from tests.city import mapserver, pygeoapi

Ask = Callable[..., Awaitable[Any]]
SPECIES = ("lipa", "dąb szypułkowy", "klon", "kasztanowiec")
TREES = [
    (
        shapely.Point(16.90 + n % 6 / 100, 52.38 + n // 6 / 200),
        {"id": n + 1, "GATUNEK": SPECIES[n % 4], "Obwód": 60 + n, "height": 4.5 + n / 2, "pomnik": n % 5 == 0, "posadzono": f"19{40 + n}-05-01"},
    )
    for n in range(37)
]  # fmt: skip
TOML = """
[layers.trees]
url = "{wfs}/zielen/wfs"
type_name = "zielen:drzewa"
title = "Trees"
licence = "CC0-1.0"
crs = "EPSG:2177"
version = "{version}"

[layers.parks]
kind = "ogcapi"
url = "{ogc}"
type_name = "parki"
title = "Parks"
licence = "Terms of the parks"
licence_url = "https://city.example/terms"
refresh_hours = 12
"""


@pytest.fixture(scope="module", params=["1.1.0", "2.0.0"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A broker with a tree layer (WFS, ten features an answer) and a park layer (OGC API), beside its sample."""
    folder: Path = tmp_path_factory.mktemp("layers")
    parks = [
        (shapely.Point(16.9 + n / 50, 52.4).buffer(0.004), {"id": f"p{n}", "name": f"Park {n}", "area": 10 * n})
        for n in range(25)
    ]
    with mapserver.running(folder) as wfs, pygeoapi.running(folder, {"parki": parks}) as ogc:
        wfs.publish("/zielen/wfs", "zielen", {"drzewa": TREES}, id="id", cap=10)
        file = folder / "broker.toml"
        file.write_text(TOML.format(wfs=wfs.url, ogc=ogc, version=request.param), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BROKER_CONFIG", str(file))
            settings = Settings.load(store=f"sqlite:///{folder}/store.sqlite", sample=True)
        engine = Engine.open(settings)
        assert engine.catalog.broken == ()
        asyncio.run(filled(engine))
        yield engine
        engine.store.close()


async def filled(engine: Engine) -> None:
    async with engine.refresher:
        await engine.fill()


async def ask(engine: Engine, query: str) -> Any:
    given = await engine.endpoint.run(query, {})
    assert "errors" not in given, given["errors"]
    return given["data"]


async def test_layers_are_described_by_their_servers(engine: Engine) -> None:
    data = await ask(
        engine,
        """{ layers { id } trees: layer(id: "layers.trees") { title source geometryType recordCount stale licence { id } lastError
               schema { name type } }
             parks: layer(id: "layers.parks") { recordCount geometryType licence { id url } schema { name type } } }""",
    )
    assert {"layers.trees", "layers.parks", "sip.noise_zones"} <= {one["id"] for one in data["layers"]}
    trees, parks = data["trees"], data["parks"]
    assert trees | {"schema": None} == {
        "title": "Trees", "source": "layers", "geometryType": "Point", "recordCount": 37, "stale": False, "licence": {"id": "CC0-1.0"},
        "lastError": None, "schema": None,
    }  # fmt: skip
    types = {one["name"]: one["type"] for one in trees["schema"]}
    assert {name: types[name] for name in ("GATUNEK", "Obwód", "height")} == {
        "GATUNEK": "text",
        "Obwód": "whole number",
        "height": "number",
    }
    assert (parks["recordCount"], parks["geometryType"]) == (25, "Polygon")
    assert parks["licence"] == {"id": "Terms of the parks", "url": "https://city.example/terms"}
    assert {one["name"] for one in parks["schema"]} >= {"key", "name", "area"}


async def test_features_are_filtered_ordered_and_paged_by_their_properties(engine: Engine) -> None:
    data = await ask(
        engine,
        """{ layer(id: "layers.trees") {
               all: features(first: 100) { totalCount nodes { id properties location { lon lat } provenance { source sample licence } } }
               some: features(filter: [{property: "GATUNEK", contains: "dab"}, {property: "Obwód", gte: 70}],
                              orderBy: [{property: "height", direction: DESC}], first: 3) { totalCount pageInfo { hasNextPage } nodes { properties } }
               either: features(filter: [{or: [{property: "height", lt: 5}, {property: "Obwód", in: [61, 62]}]}]) { totalCount }
               here: features(where: {near: {lon: 16.9, lat: 52.38, distance: 10}}) { nodes { properties district { name } } } } }""",
    )
    layer = data["layer"]
    assert layer["all"]["totalCount"] == 37
    assert {one["properties"]["GATUNEK"] for one in layer["all"]["nodes"]} == set(SPECIES)
    assert {(one["provenance"]["source"], one["provenance"]["sample"]) for one in layer["all"]["nodes"]} == {
        ("layers", False)
    }
    places = sorted(
        (round(one["location"]["lon"], 5), round(one["location"]["lat"], 5)) for one in layer["all"]["nodes"]
    )
    assert places == sorted((round(shape.x, 5), round(shape.y, 5)) for shape, _ in TREES)
    oaks = [own for _, own in TREES if own["GATUNEK"] == "dąb szypułkowy" and own["Obwód"] >= 70]
    assert layer["some"]["totalCount"] == len(oaks)
    assert [one["properties"]["height"] for one in layer["some"]["nodes"]] == sorted(
        (own["height"] for own in oaks), reverse=True
    )[:3]
    assert layer["either"]["totalCount"] == len(
        [own for _, own in TREES if own["height"] < 5 or own["Obwód"] in (61, 62)]
    )
    assert [one["properties"]["Obwód"] for one in layer["here"]["nodes"]] == [60]


async def test_layers_join_with_every_other_collection(engine: Engine) -> None:
    data = await ask(
        engine,
        """{ districts(first: 50) { nodes { name related { layer(id: "layers.trees", predicate: WITHIN) { totalCount } } } }
             layer(id: "layers.parks") { features(first: 100) { nodes { properties related {
                 trees: layer(id: "layers.trees", predicate: WITHIN, first: 50) { totalCount nodes { properties } }
                 stops(first: 1, orderBy: DISTANCE) { nodes { name distance } } } } } }
             stops(where: {relatedTo: {layer: {id: "layers.parks", predicate: WITHIN}}}) { totalCount }
             none: stops(where: {relatedTo: {layer: {id: "layers.parks", predicate: WITHIN, filter: [{property: "area", gt: 9999}]}}}) { totalCount } }""",
    )
    assert sum(one["related"]["layer"]["totalCount"] for one in data["districts"]["nodes"]) == 37
    for one in data["layer"]["features"]["nodes"]:
        park = shapely.Point(16.9 + int(one["properties"]["name"].split()[1]) / 50, 52.4).buffer(0.004)
        assert one["related"]["trees"]["totalCount"] == sum(shape.within(park) for shape, _ in TREES)
        assert len(one["related"]["stops"]["nodes"]) == 1
    assert data["none"]["totalCount"] == 0


async def test_features_are_found_by_search_and_by_id_and_told_among_the_data_sets(engine: Engine) -> None:
    data = await ask(
        engine,
        '{ search(text: "kasztanowce", datasets: ["layers.trees"]) { totalCount nodes { dataset record { id ... on Feature { properties } } } } dataset(id: "layers.trees") { recordCount licence { id } } }',
    )
    assert data["search"]["totalCount"] == 9
    first = data["search"]["nodes"][0]
    assert (first["dataset"], first["record"]["properties"]["GATUNEK"]) == ("layers.trees", "kasztanowiec")
    again = await ask(
        engine, f'{{ node(id: "{first["record"]["id"]}") {{ __typename id ... on Feature {{ properties }} }} }}'
    )
    assert again["node"] == {"__typename": "Feature", **first["record"]}
    assert data["dataset"] == {"recordCount": 37, "licence": {"id": "CC0-1.0"}}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ('{ layer(id: "layers.tres") { id } }', "no layer 'layers.tres'; did you mean layers.trees"),
        ('{ layer(id: "layers.trees") { features(filter: [{property: "kind", eq: "x"}]) { totalCount } } }', "has no property 'kind'; it has key, "),
        ('{ layer(id: "layers.trees") { features(filter: [{property: "height", gte: "tall"}]) { totalCount } } }', "filter.height.gte: 'tall' is not of type number; give a value such as 12.5"),
        ('{ layer(id: "layers.trees") { features(filter: [{property: "Obwód", gte: 99999999999999999999}]) { totalCount } } }', "filter.Obwód.gte: '99999999999999999999' is not of type whole number"),
        ('{ layer(id: "layers.trees") { features(filter: [{property: "Obwód", in: [60, 60.5]}]) { totalCount } } }', "filter.Obwód.in: '60.5' is not of type whole number"),
        ('{ layer(id: "layers.trees") { features(filter: [{property: "height", contains: "4"}]) { totalCount } } }', "filter.height.contains: height is no text"),
        ('{ layer(id: "layers.trees") { features(orderBy: [{property: "x"}]) { totalCount } } }', "orderBy: layers.trees has no property 'x'"),
        ('{ stops(first: 1) { nodes { related { layer(id: "layers.trees") { totalCount } } } } }', "give `predicate`, `distance`, or `orderBy: DISTANCE`"),
    ],
)  # fmt: skip
async def test_what_is_not_accepted_is_said(engine: Engine, query: str, text: str) -> None:
    given = await engine.endpoint.run(query, {})
    assert text in given["errors"][0]["message"]


def test_a_start_without_the_servers_works_from_what_they_said_before(engine: Engine, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    layers = {id: one.model_copy(update={"url": nowhere}) for id, one in engine.settings.layers.items()}
    known = Engine.open(engine.settings.model_copy(update={"layers": layers}))
    assert known.catalog.broken == ()
    assert known.store.versions()["layers.trees"].records == 37
    known.store.close()
    fresh = Engine.open(
        engine.settings.model_copy(update={"layers": layers, "store": f"sqlite:///{tmp_path}/new.sqlite"})
    )
    assert [one.module for one in fresh.catalog.broken] == ["layers.trees", "layers.parks"]
    assert all("no connection" in one.reason for one in fresh.catalog.broken)
    assert "sip.noise_zones" in fresh.catalog.datasets
    told = asyncio.run(fresh.endpoint.run('{ layer(id: "layers.trees") { id } }', {}))["errors"][0]["message"]
    assert told.startswith("layers.trees is configured but cannot be used: ")
    assert "no connection" in told
    assert told.endswith("; its server is asked again at the next start")
    fresh.store.close()


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ('[layers.Trees]\nurl="http://x.example"\ntype_name="a"\ntitle="A"\nlicence="CC0-1.0"', "layers"),
        (
            '[layers.trees]\nurl="ftp://x.example"\ntype_name="a"\ntitle="A"\nlicence="CC0-1.0"',
            "begins with http:// or https://",
        ),
        ('[layers.trees]\nurl="http://x.example"\ntitle="A"\nlicence="CC0-1.0"', "type_name"),
        (
            '[layers.trees]\nurl="http://x.example"\ntype_name="a"\ntitle="A"\nlicence="CC0-1.0"\nkind="wms"',
            "wfs or ogcapi",
        ),
    ],
)
def test_a_wrong_layer_stops_the_start_with_a_line(
    toml: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broker.toml").write_text(toml, "utf-8")
    monkeypatch.setenv("BROKER_CONFIG", str(tmp_path / "broker.toml"))
    with pytest.raises(SettingError, match=text) as told:
        Settings.load()
    assert "\n" not in str(told.value)
