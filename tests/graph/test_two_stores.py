"""The same sample in SQLite and in PostGIS gives the same answers, record by record."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import parse

from broker.app import Engine
from broker.settings import Settings
from tests.city.postgres import Cluster
from tests.graph.test_contract import QUERIES

CHANGING = {"fetchedAt", "finishedAt", "startedAt", "checkedAt", "publishedAt", "seconds"}
PLAIN = {"SCALAR", "ENUM"}


@pytest.fixture(scope="module")
def other(cluster: Cluster) -> Iterator[Engine]:
    """The broker on PostGIS, with its whole sample."""
    engine = Engine.open(Settings.load(store=cluster.database(), sample=True))
    asyncio.run(engine.fill())
    yield engine
    engine.store.close()


def settled(value: Any) -> Any:
    """Without what differs between two fillings; numbers to seven digits, since two libraries measure."""
    if isinstance(value, dict):
        return {key: settled(one) for key, one in value.items() if key not in CHANGING}
    if isinstance(value, list):
        return [settled(one) for one in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


async def both(engine: Engine, other: Engine, query: str, **variables: Any) -> Any:
    one, two = [await each.endpoint.run(query, variables) for each in (engine, other)]
    assert "errors" not in one, one["errors"]
    assert settled(one["data"]) == settled(two.get("data")), two.get("errors")
    return one["data"]


async def test_every_record_of_every_collection(engine: Engine, other: Engine) -> None:
    for dataset in engine.catalog.datasets.values():
        found = await engine.endpoint.run(
            f'{{ __type(name: "{dataset.type_name}") {{ fields {{ name args {{ name }} type {{ kind ofType {{ kind }} }} }} }} }}',
            {},
        )
        plain = [
            one["name"]
            for one in found["data"]["__type"]["fields"]
            if {one["type"]["kind"], (one["type"]["ofType"] or {}).get("kind")} & PLAIN and one["name"] != "distance"
        ]
        place = " location { lon lat } district { name }" if dataset.located else ""
        more, after = True, None
        while more:
            data = await both(
                engine,
                other,
                f"query($after: String) {{ {dataset.root}(first: 1000, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {' '.join(plain)}{place} }} }} }}",
                after=after,
            )
            page = data[dataset.root]["pageInfo"]
            more, after = page["hasNextPage"] and dataset.name != "addresses", page["endCursor"]


@pytest.mark.parametrize("path", sorted(QUERIES.glob("*.graphql")), ids=lambda path: path.stem)
async def test_the_documented_queries(engine: Engine, other: Engine, path: Any) -> None:
    variables = {"lon": 16.9345, "lat": 52.4083} if "$lon" in path.read_text() else {}
    parse(path.read_text())
    await both(engine, other, path.read_text(), **variables)


@pytest.mark.parametrize(
    "query",
    [
        '{ contracts(first: 50, orderBy: [{amount: DESC}, {signedOn: ASC}], filter: {unit: {contains: "zarzad"}}) { totalCount nodes { entry amount } } }',
        "{ contracts { aggregate(groupBy: [SIGNED_ON_YEAR, UNIT]) { key count sum { amount } avg { amount } min { signedOn } max { amount } } } }",
        '{ events(first: 30, orderBy: [{startsAt: DESC}], where: {inDistrict: "Stare Miasto"}) { totalCount nodes { id name } } }',
        "{ stops(where: {near: {lon: 16.93, lat: 52.41, distance: 700}}) { totalCount nodes { name } aggregate(groupBy: [DISTRICT]) { key count } } }",
        "{ parcels(where: {bbox: {west: 16.9, south: 52.39, east: 16.95, north: 52.42}}, last: 5) { totalCount nodes { id area } } }",
        "{ addresses(first: 200) { nodes { related { legalAidPoints(first: 5, orderBy: DISTANCE) { totalCount nodes { name distance } } places(distance: 300) { totalCount nodes { name } } } } } }",
        "{ districts(first: 50) { nodes { name related { noiseZones(predicate: INTERSECTS, filter: {level: {gte: 65}}) { intersection { area share } nodes { level intersection { area } } aggregate(groupBy: [CAUSE]) { key count max { level } } } } } } }",
        "{ parcels(first: 100, where: {and: [{relatedTo: {zoningPlans: {predicate: WITHIN}}}, {not: {relatedTo: {stops: {distance: 150}}}}]}) { totalCount nodes { id } } }",
        '{ routes(where: {geometry: {wkt: "LINESTRING(16.8 52.3, 17.0 52.5)", predicate: CROSSES}}) { totalCount nodes { id length } } }',
    ],
)
async def test_filters_orders_joins_and_figures(engine: Engine, other: Engine, query: str) -> None:
    await both(engine, other, query)


@pytest.mark.parametrize("text", ["zolw", "żółwie", "park", "poz", "ulica głogowska", "umowa najmu", "bibliotek"])
async def test_the_search_finds_the_same(engine: Engine, other: Engine, text: str) -> None:
    query = "query($text: String!) { search(text: $text, first: 100) { totalCount nodes { title dataset } } }"
    one, two = [(await each.endpoint.run(query, {"text": text}))["data"]["search"] for each in (engine, other)]
    assert one["totalCount"] == two["totalCount"]
    if one["totalCount"] <= 100:
        assert sorted(map(str, one["nodes"])) == sorted(map(str, two["nodes"]))
