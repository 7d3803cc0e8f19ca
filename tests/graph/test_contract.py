"""The graph's contract with the people who depend on it: its queries, and what every collection promises."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from broker.app import Engine

Ask = Callable[..., Awaitable[Any]]
QUERIES = Path(__file__).parents[2] / "docs" / "queries"

MIM = {
    "places",
    "events",
    "articles",
    "stops",
    "parkingMeters",
    "zoningPlans",
    "routes",
    "schoolCatchments",
}
BIP = {"contracts", "informationRequests", "notices", "orders", "interpellations", "procedures"}
SIP = {"districts", "addresses", "parcels", "noiseZones", "landUseAreas"}
AROUND = {"bikeStations", "legalAidPoints", "contactTopics", "contactChannels", "callCounts"}
OVER_ALL = {"changes", "search", "suggest", "node", "nodes", "sources", "datasets", "dataset", "layer", "layers"}


def test_every_root_of_the_contract_is_there(engine: Engine) -> None:
    query = engine.endpoint.schema.query_type
    assert query is not None
    assert set(query.fields) == MIM | BIP | SIP | AROUND | OVER_ALL


def test_every_type_field_argument_and_value_is_described(engine: Engine) -> None:
    silent = []
    for name, kind in engine.endpoint.schema.type_map.items():
        if name.startswith("__") or name in {"String", "Int", "Float", "Boolean", "ID"}:
            continue
        silent += [] if kind.description else [name]
        members = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
        for member_name, member in members.items():
            silent += [] if member.description else [f"{name}.{member_name}"]
            for argument_name, argument in getattr(member, "args", {}).items():
                silent += [] if argument.description else [f"{name}.{member_name}({argument_name})"]
    assert silent == []


async def test_nearby_for_a_front_end(ask: Ask) -> None:
    variables = orjson.loads((QUERIES / "nearby.json").read_bytes())
    events = (await ask((QUERIES / "nearby.graphql").read_text(), **variables))["events"]
    assert events["totalCount"] > 20
    assert len(events["nodes"]) == 20
    assert events["pageInfo"]["hasNextPage"] is True
    starts = [one["startsAt"] for one in events["nodes"]]
    assert starts == sorted(starts)
    assert starts[0] >= "2017-09-01"
    assert all(one["district"]["name"] for one in events["nodes"])
    assert any(one["place"] and one["place"]["name"] for one in events["nodes"])
    assert {one["provenance"]["licence"] for one in events["nodes"]} == {"PL-public-information"}


async def test_districts_for_an_analyst(ask: Ask) -> None:
    districts = (await ask((QUERIES / "districts.graphql").read_text()))["districts"]["nodes"]
    assert len(districts) == 42
    assert districts[0]["name"] == "Antoninek-Zieliniec-Kobylepole"
    assert districts[-1]["name"] == "Żegrze"
    assert [one["name"] for one in districts].index("Św. Łazarz") < [one["name"] for one in districts].index(
        "Świerczewo"
    )
    assert sum(one["area"] for one in districts) == pytest.approx(261.9e6, rel=0.0005)
    east, north = districts[0]["geometry"]["coordinates"][0][0]
    assert 6_400_000 < east < 6_460_000  # PL-2000 zone 6, easting first
    assert 5_790_000 < north < 5_830_000
    counts = {name: sum(one["related"][name]["totalCount"] for one in districts) for name in districts[0]["related"]}
    assert counts["legalAidPoints"] == 33
    assert counts["stops"] == 1_708
    assert counts["noiseZones"] > 0


async def test_spending_for_a_service(ask: Ask) -> None:
    data = await ask((QUERIES / "spending.graphql").read_text())
    contracts = data["contracts"]
    assert sum(one["count"] for one in contracts["aggregate"]) == contracts["totalCount"] > 1_000
    assert all(Decimal(one["sum"]["amount"]) > 0 for one in contracts["aggregate"])
    modes = {
        one["key"][0]: (one["count"], round(one["avg"]["responseDays"], 1))
        for one in data["informationRequests"]["aggregate"]
    }
    assert sum(count for count, _ in modes.values()) == 1_228
    assert {mode: days for mode, (_, days) in modes.items()} == {
        "simple": 9.1, "re-use": 8.7, "transformed": 37.5, "processed": 47.3,
    }  # fmt: skip
    assert {one["id"] for one in data["sources"]} == {"bip", "kontakt", "legal_aid", "mim", "nextbike", "sip", "ztm"}
    assert {one["status"] for one in data["sources"]} == {"OK"}


async def test_information_requests_have_their_statutory_limits_and_are_mostly_granted(ask: Ask) -> None:
    data = await ask(
        """{ informationRequests(filter: {receivedOn: {gte: "2017-01-01", lte: "2017-12-31"}}) {
               totalCount
               limits: aggregate(groupBy: [MODE]) { key min { statutoryDays } max { statutoryDays } }
               outcomes: aggregate(groupBy: [OUTCOME]) { key count } } }"""
    )
    requests = data["informationRequests"]
    limits = {one["key"][0]: (one["min"]["statutoryDays"], one["max"]["statutoryDays"]) for one in requests["limits"]}
    assert limits == {"simple": (14, 14), "re-use": (20, 20), "transformed": (60, 60), "processed": (60, 60)}
    granted = next(one["count"] for one in requests["outcomes"] if one["key"] == ["granted"])
    assert granted / requests["totalCount"] > 0.95


async def test_the_sample_has_the_size_of_a_city(ask: Ask) -> None:
    data = await ask(
        """{ contracts { totalCount } places { totalCount } events { totalCount } stops { totalCount }
             addresses { totalCount } districts { totalCount } legalAidPoints { totalCount aggregate(groupBy: [RUN_BY]) { count } } }"""
    )
    least = {"contracts": 2_000, "places": 2_000, "events": 500, "stops": 1_500, "addresses": 10_000}
    assert all(data[name]["totalCount"] >= size for name, size in least.items())
    assert data["districts"]["totalCount"] == 42
    assert [one["count"] for one in data["legalAidPoints"]["aggregate"]] == [22, 11]


async def test_every_record_says_that_it_is_sample(ask: Ask, engine: Engine) -> None:
    roots = [one.root for one in engine.catalog.datasets.values()]
    fields = " ".join(
        f"{root}(first: 3) {{ nodes {{ id provenance {{ sample stale source dataset version licenceUrl }} }} }}"
        for root in roots
    )
    data = await ask(f"{{ {fields} }}")
    for dataset in engine.catalog.datasets.values():
        for one in data[dataset.root]["nodes"]:
            origin = one["provenance"]
            assert (origin["sample"], origin["stale"], origin["source"], origin["dataset"]) == (
                True,
                False,
                dataset.source.id,
                dataset.id,
            )
            assert origin["version"] == 1
            assert origin["licenceUrl"].startswith("https://")


async def test_every_collection_pages_by_key_and_finds_its_records_again(ask: Ask, engine: Engine) -> None:
    for dataset in engine.catalog.datasets.values():
        query = f"""query ($after: String) {{ {dataset.root}(first: 2, after: $after) {{
            totalCount nodes {{ id }} edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
        first = (await ask(query))[dataset.root]
        assert [one["node"]["id"] for one in first["edges"]] == [one["id"] for one in first["nodes"]]
        assert first["pageInfo"]["startCursor"] == first["edges"][0]["cursor"]
        second = (await ask(query, after=first["pageInfo"]["endCursor"]))[dataset.root]
        ids = [one["id"] for one in (*first["nodes"], *second["nodes"])]
        assert len(set(ids)) == min(4, first["totalCount"])
        assert second["pageInfo"]["hasPreviousPage"] is True
        again = await ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=ids)
        assert again["nodes"] == [{"id": one, "__typename": dataset.type_name} for one in ids]
