"""The past through the graph: a collection as it stood, and what has changed since."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from broker.upstream import Request
from tests.protocol.counted import Broker, asked, running

MODULE = pytest.mark.asyncio(loop_scope="module")
STOPS = "query($then: DateTime) { stops(asOf: $then, first: 3, orderBy: [{name: ASC}]) { totalCount nodes { id name provenance { version } } } }"
CHANGES = """query($then: DateTime!, $first: Int, $after: String) { changes(dataset: "mim.stops", since: $then, first: $first, after: $after) {
    totalCount counts { added changed removed } sinceVersion untilVersion pageInfo { hasNextPage endCursor }
    edges { cursor node { id } }
    nodes { kind id before { id ... on Stop { name } provenance { version } } after { ... on Stop { name zone } } } } }"""


def changed(request: Request, body: bytes) -> bytes:
    """One stop renamed, one gone, one new."""
    if request.params.get("co") != "cluster":
        return body
    stops = orjson.loads(body)
    first, gone, *rest = stops["features"]
    first["properties"]["stop_name"] = "Przemianowany"
    stops["features"] = [first, *rest, {**gone, "id": "NOWY1"}]
    return orjson.dumps(stops)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory, asker: Any) -> AsyncIterator[Broker]:
    """The stops have two versions, between which some moments were asked for."""
    async with running(tmp_path_factory.mktemp("past"), asker) as broker:
        broker.source.spoil = changed
        assert await broker.refresh("mim.stops") == "published"
        yield broker


def between(broker: Broker) -> str:
    """A moment at which the first version stood."""
    dataset = broker.engine.catalog.datasets["mim.stops"]
    begins = broker.engine.store.begins(dataset)
    assert begins is not None
    return (begins + timedelta(microseconds=1)).isoformat()


async def data(broker: Broker, query: str, **variables: Any) -> Any:
    reply = await broker.ask({"query": query, "variables": variables})
    assert "errors" not in reply.json, reply.json
    return reply.json["data"]


@MODULE
async def test_a_collection_as_it_stood(broker: Broker) -> None:
    now = (await data(broker, STOPS))["stops"]
    then = (await data(broker, STOPS, then=between(broker)))["stops"]
    assert now["totalCount"] == then["totalCount"] == 1708
    assert {one["provenance"]["version"] for one in now["nodes"]} == {2}
    assert {one["provenance"]["version"] for one in then["nodes"]} == {1}
    named = 'query($then: DateTime) { stops(asOf: $then, filter: {name: {eq: "Przemianowany"}}) { totalCount } }'
    assert (await data(broker, named))["stops"]["totalCount"] == 1
    assert (await data(broker, named, then=between(broker)))["stops"]["totalCount"] == 0


@MODULE
async def test_a_past_answer_is_the_same_asked_again_and_not_mixed_with_the_one_of_now(broker: Broker) -> None:
    then = asked(STOPS, variables={"then": between(broker)})
    first, now, again = [(await broker.ask(params=one)).json["data"] for one in (then, asked(STOPS), then)]
    assert first == again != now


@MODULE
async def test_before_history_begins_is_told(broker: Broker) -> None:
    reply = (await broker.ask({"query": STOPS, "variables": {"then": "2001-01-01"}})).json
    assert reply["data"] == {"stops": None}
    assert reply["errors"][0]["extensions"]["code"] == "BAD_ARGUMENT"
    assert "the history of mim.stops begins at 20" in reply["errors"][0]["message"]


@MODULE
async def test_the_changes_since_a_moment_with_the_records_before_and_after(broker: Broker) -> None:
    found = (await data(broker, CHANGES, then=between(broker)))["changes"]
    assert found["counts"] == {"added": 1, "changed": 1, "removed": 1}
    assert (found["totalCount"], found["sinceVersion"], found["untilVersion"]) == (3, 1, 2)
    by_kind = {one["kind"]: one for one in found["nodes"]}
    renamed = by_kind["CHANGED"]
    assert renamed["after"]["name"] == "Przemianowany" != renamed["before"]["name"]
    assert renamed["before"]["id"] == renamed["id"]
    assert renamed["before"]["provenance"] == {"version": 1}
    assert (by_kind["ADDED"]["before"], by_kind["REMOVED"]["after"]) == (None, None)


@MODULE
async def test_changes_come_in_pages(broker: Broker) -> None:
    whole = (await data(broker, CHANGES, then=between(broker)))["changes"]["edges"]
    after, walked = None, []
    for _ in range(3):
        page = (await data(broker, CHANGES, then=between(broker), first=1, after=after))["changes"]
        walked += page["edges"]
        after = page["pageInfo"]["endCursor"]
    assert walked == whole
    assert not page["pageInfo"]["hasNextPage"]


@MODULE
async def test_nothing_has_changed_since_now(broker: Broker) -> None:
    found = (await data(broker, CHANGES, then=datetime.now(UTC).isoformat()))["changes"]
    assert (found["totalCount"], found["nodes"]) == (0, [])


@MODULE
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('dataset: "mim.nothing", since: "2020-01-01"', "no data set 'mim.nothing'"),
        ('dataset: "mim.stops", since: "2001-01-01"', "the history of mim.stops begins at"),
        ('dataset: "mim.stops", since: "9001-01-01", until: "9000-01-01"', "is before `since`"),
        ('dataset: "mim.stops", since: "9001-01-01", after: "x"', "is not a cursor"),
    ],
)
async def test_what_cannot_be_compared_is_told(broker: Broker, arguments: str, message: str) -> None:
    reply = (await broker.ask({"query": f"{{ changes({arguments}) {{ totalCount }} }}"})).json
    assert reply["data"] == {"changes": None}
    assert message in reply["errors"][0]["message"]


# versions by their ids


SINCE = """query($id: ID, $then: DateTime) { changes(dataset: "mim.stops", sinceVersion: $id, since: $then) {
    totalCount sinceVersion untilVersion sinceVersionId untilVersionId nodes { id kind } } }"""
NOW = """{ stops(first: 1) { nodes { provenance { version versionId } } } dataset(id: "mim.stops") { version versionId } }"""


@MODULE
async def test_changes_since_a_version_are_those_since_its_moment(broker: Broker) -> None:
    by_moment = (await data(broker, SINCE, then=between(broker)))["changes"]
    assert by_moment["totalCount"] == 3
    by_id = (await data(broker, SINCE, id=by_moment["sinceVersionId"]))["changes"]
    assert by_id == by_moment
    now = await data(broker, NOW)
    (first,) = now["stops"]["nodes"]
    assert first["provenance"] == now["dataset"] == {"version": 2, "versionId": by_id["untilVersionId"]}
    assert (await data(broker, SINCE, id=by_id["untilVersionId"]))["changes"]["totalCount"] == 0


@MODULE
async def test_a_version_that_is_not_there_is_gone_and_never_another(broker: Broker) -> None:
    for unknown in ("0123456789abcdef", "2", ""):
        reply = await broker.ask({"query": SINCE, "variables": {"id": unknown}})
        assert (reply.code, reply.json["data"]) == ("VERSION_GONE", {"changes": None})
        assert "read all of it once" in reply.message


@MODULE
async def test_one_of_both_ways_to_say_since_when(broker: Broker) -> None:
    for both in ({}, {"id": "x", "then": between(broker)}):
        reply = await broker.ask({"query": SINCE, "variables": both})
        assert (reply.code, reply.message) == (
            "BAD_ARGUMENT",
            "changes: give `since`, a moment, or `sinceVersion`, a version's id; one of them",
        )
