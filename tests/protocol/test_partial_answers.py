"""A live source that fails, hangs or comes back costs its own field only, and the answer says so."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio

from broker.upstream import Request
from connectors.nextbike import NEXTBIKE
from tests.protocol.counted import Broker, asked, running

MODULE = pytest.mark.asyncio(loop_scope="module")
BIKES = "nextbike.bike_stations"
COUNTS = "{ stops(first: 1) { totalCount } bikeStations { totalCount } }"
DAY = 24 * 3600


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory, asker: Any) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("partial"), asker, upstream={"attempts": 1}) as broker:
        yield broker


@pytest_asyncio.fixture(loop_scope="module")
async def broker(filled: Broker) -> AsyncIterator[Broker]:
    """The broker; what it has learnt of a source that failed is forgotten between the tests."""
    healthy(filled)
    yield filled
    healthy(filled)


def healthy(broker: Broker) -> None:
    broker.bikes.spoil = lambda _, body: body
    broker.engine.live._tried.clear()
    broker.bikes.requests.clear()


def fail(broker: Broker, age: float | None = None) -> None:
    """From now on the source answers nonsense; what is there is so many seconds old."""
    broker.bikes.spoil = lambda *_: b"<html>"
    if age is not None:
        broker.age(BIKES, age)


@contextmanager
def hanging(broker: Broker) -> Iterator[None]:
    """Within, the source answers at the end only."""
    goes_on = threading.Event()

    def answer(request: Request) -> bytes:
        goes_on.wait(60)
        assert NEXTBIKE.sample is not None
        return NEXTBIKE.sample(request)

    broker.bikes.answer, usual = answer, broker.bikes.answer
    try:
        yield
    finally:
        goes_on.set()
        broker.bikes.answer = usual


async def fetched(broker: Broker) -> Any:
    """The live data set as it is when the source is well."""
    reply = await broker.ask({"query": "{ bikeStations(first: 1, wait: 15) { nodes { id name } } }"})
    assert "errors" not in reply.json
    broker.bikes.requests.clear()
    return reply.json["data"]["bikeStations"]["nodes"][0]


def told(reply: Any) -> list[tuple[str, str, str]]:
    return [(one["source"], one["dataset"], one["status"]) for one in reply.json["extensions"]["sources"]]


def errors(reply: Any) -> list[tuple[str, list[Any]]]:
    return [(one["extensions"]["code"], one["path"]) for one in reply.json["errors"]]


MISSING, STALE = [("nextbike", BIKES, "missing")], [("nextbike", BIKES, "stale")]


@MODULE
async def test_a_source_that_never_answered_nulls_its_own_field(broker: Broker) -> None:
    assert broker.published(BIKES).number == 0
    fail(broker)
    for _ in range(3):
        reply = await broker.ask(params=asked(COUNTS))
        assert reply.json["data"] == {"stops": {"totalCount": 1708}, "bikeStations": None}
        assert errors(reply) == [("SOURCE_UNAVAILABLE", ["bikeStations"])]
        assert told(reply) == MISSING
        assert reply.json["extensions"]["sources"][0]["ageSeconds"] is None
        assert reply.headers["cache-control"] == "no-store"
    assert len(broker.bikes.requests) == 1  # a source that fails is left alone for a while


@MODULE
async def test_a_hundred_queries_at_once_are_one_request(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    await fetched(broker)
    endpoint = broker.engine.endpoint
    monkeypatch.setattr(endpoint, "limits", endpoint.limits.model_copy(update={"in_flight": 100}))
    broker.age(BIKES, 100)
    queries = [f"{{ bikeStations(first: {n}, wait: 15) {{ totalCount nodes {{ bikes }} }} }}" for n in range(1, 101)]
    replies = await asyncio.gather(*(broker.ask(params=asked(one)) for one in queries))
    assert [len(one.json["data"]["bikeStations"]["nodes"]) for one in replies] == list(range(1, 101))
    assert all("extensions" not in one.json for one in replies)
    assert len(broker.bikes.requests) == 1


@MODULE
async def test_what_was_there_is_given_with_its_age_and_never_kept(broker: Broker) -> None:
    await fetched(broker)
    fail(broker, age=100)
    query = (
        "{ bikeStations(first: 1) { totalCount nodes { provenance { stale } } } again: bikeStations { totalCount } }"
    )
    with broker.executes(2):
        replies = [await broker.ask(params=asked(query)) for _ in range(2)]
    for reply in replies:
        assert "errors" not in reply.json
        assert reply.json["data"]["bikeStations"] == {"totalCount": 112, "nodes": [{"provenance": {"stale": True}}]}
        assert told(reply) == STALE
        assert reply.json["extensions"]["sources"][0]["ageSeconds"] in range(100, 160)
        assert reply.headers["cache-control"] == "no-store"
    assert len(broker.bikes.requests) == 1


@MODULE
async def test_what_is_too_old_is_not_given(broker: Broker) -> None:
    await fetched(broker)
    fail(broker, age=16 * 60)
    reply = await broker.ask(params=asked(COUNTS))
    assert reply.json["data"] == {"stops": {"totalCount": 1708}, "bikeStations": None}
    assert errors(reply) == [("SOURCE_UNAVAILABLE", ["bikeStations"])]
    assert "the last answer is 16 minutes old, and none older than 15 minutes is shown" in reply.message
    assert told(reply) == MISSING
    assert reply.json["extensions"]["sources"][0]["ageSeconds"] in range(960, 1020)


@MODULE
async def test_a_source_that_hangs_is_not_waited_for_and_heals(broker: Broker) -> None:
    await fetched(broker)
    broker.age(BIKES, 100)
    query = "query Now($wait: Float) { bikeStations(first: 1, wait: $wait) { totalCount } }"
    with hanging(broker):
        async with asyncio.timeout(30):
            replies = [await broker.ask({"query": query, "variables": {"wait": one}}) for one in (0, 0.2)]
    assert [told(one) for one in replies] == [STALE, STALE]
    healed = await broker.ask({"query": query, "variables": {"wait": 15}})
    assert healed.json == {"data": {"bikeStations": {"totalCount": 112}}}
    assert len(broker.bikes.requests) == 1


@MODULE
async def test_a_source_that_comes_back_is_asked_again(broker: Broker) -> None:
    await fetched(broker)
    fail(broker, age=16 * 60)
    assert "errors" in (await broker.ask({"query": COUNTS})).json
    healthy(broker)
    healed = await broker.ask({"query": COUNTS})
    assert healed.json == {"data": {"stops": {"totalCount": 1708}, "bikeStations": {"totalCount": 112}}}


@MODULE
@pytest.mark.parametrize("wait", [-1, 15.5, 1e9])
async def test_how_long_a_query_may_wait_is_bounded(broker: Broker, wait: float) -> None:
    reply = await broker.ask({"query": f"{{ bikeStations(wait: {wait}) {{ totalCount }} stops {{ totalCount }} }}"})
    assert errors(reply) == [("BAD_ARGUMENT", ["bikeStations"])]
    assert "is not between 0 and 15 seconds" in reply.message
    assert reply.json["data"]["stops"] == {"totalCount": 1708}


@MODULE
async def test_only_what_is_live_can_be_waited_for(broker: Broker) -> None:
    reply = await broker.ask({"query": "{ stops(wait: 1) { totalCount } }"})
    assert "Unknown argument 'wait' on field 'Query.stops'" in reply.message


# below other fields


@MODULE
async def test_related_records_of_a_source_that_fails(broker: Broker) -> None:
    await fetched(broker)
    fail(broker, age=16 * 60)
    query = """{ stops(first: 2) { nodes { name related {
        parkingMeters(distance: 500) { totalCount } bikeStations(distance: 500) { totalCount } } } } }"""
    reply = await broker.ask({"query": query})
    nodes = reply.json["data"]["stops"]["nodes"]
    assert [one["related"]["bikeStations"] for one in nodes] == [None, None]
    assert all(one["name"] and one["related"]["parkingMeters"]["totalCount"] >= 0 for one in nodes)
    assert {code for code, _ in errors(reply)} == {"SOURCE_UNAVAILABLE"}
    assert {tuple(path[-2:]) for _, path in errors(reply)} == {("related", "bikeStations")}
    assert told(reply) == MISSING


@MODULE
async def test_records_of_several_sources_by_their_ids(broker: Broker) -> None:
    station = (await fetched(broker))["id"]
    stops = await broker.ask({"query": "{ stops(first: 1) { nodes { id } } }"})
    stop = stops.json["data"]["stops"]["nodes"][0]["id"]
    fail(broker, age=16 * 60)
    query = "query By($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id } node(id: $id) { id } }"
    reply = await broker.ask({"query": query, "variables": {"ids": [stop, station], "id": station}})
    assert reply.json["data"] == {"nodes": [{"id": stop}, None], "node": None}
    assert sorted(errors(reply)) == [("SOURCE_UNAVAILABLE", ["node"]), ("SOURCE_UNAVAILABLE", ["nodes", 1])]
    assert told(reply) == MISSING


@MODULE
async def test_a_search_gives_titles_without_asking_and_records_where_it_can(broker: Broker) -> None:
    name = (await fetched(broker))["name"]
    fail(broker, age=16 * 60)
    query = "query Find($text: String!, $datasets: [String!]) { search(text: $text, datasets: $datasets) { nodes { title %s } } }"
    variables = {"text": name, "datasets": [BIKES]}
    titles = await broker.ask({"query": query % "", "variables": variables})
    found = titles.json["data"]["search"]["nodes"]
    assert {"title": name} in found
    assert broker.bikes.requests == []
    records = await broker.ask({"query": query % "record { id }", "variables": variables})
    assert records.json["data"]["search"]["nodes"] == [{**one, "record": None} for one in found]
    assert {code for code, _ in errors(records)} == {"SOURCE_UNAVAILABLE"}
    assert told(records) == MISSING
    suggested = await broker.ask(
        {"query": "query Typed($text: String!) { suggest(text: $text) { text } }", "variables": variables}
    )
    assert {"text": name} in suggested.json["data"]["suggest"]
    assert "extensions" not in suggested.json or told(suggested) != MISSING


@MODULE
async def test_what_is_filtered_by_a_source_that_fails_is_null_and_nothing_else_is(broker: Broker) -> None:
    await fetched(broker)
    fail(broker, age=16 * 60)
    query = "{ stops(where: {relatedTo: {bikeStations: {distance: 200}}}) { totalCount } parkingMeters { totalCount } }"
    reply = await broker.ask({"query": query})
    assert reply.json["data"] == {"stops": None, "parkingMeters": {"totalCount": 620}}
    assert errors(reply) == [("SOURCE_UNAVAILABLE", ["stops"])]
    assert told(reply) == MISSING


@MODULE
async def test_each_data_set_is_told_once_whatever_is_wrong_with_it(broker: Broker) -> None:
    await fetched(broker)
    fail(broker, age=100)
    broker.age("mim.parking_meters", 3 * DAY)
    query = """{ one: bikeStations { totalCount } two: bikeStations(wait: 0) { totalCount }
        meters: parkingMeters(first: 1) { nodes { related { parkingMeters(distance: 100) { totalCount } } } }
        parkingMeters { totalCount } places { totalCount } stops { totalCount } other: places { totalCount } }"""
    reply = await broker.ask({"query": query})
    assert sorted(told(reply)) == [
        ("mim", "mim.parking_meters", "stale"),
        ("mim", "mim.places", "missing"),
        ("nextbike", BIKES, "stale"),
    ]
    ages = {one["dataset"]: one["ageSeconds"] for one in reply.json["extensions"]["sources"]}
    assert ages["mim.places"] is None
    assert ages["mim.parking_meters"] in range(3 * DAY, 3 * DAY + 60)
    assert sorted(errors(reply)) == [("SOURCE_UNAVAILABLE", ["other"]), ("SOURCE_UNAVAILABLE", ["places"])]
    await broker.refresh("mim.parking_meters")
