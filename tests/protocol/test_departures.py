"""Departures of a stop, asked when a query asks: once a stop's name, never kept, and a failing monitor costs their field only."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio

from broker.upstream import Request
from tests.protocol.counted import Broker, asked, running

MODULE = pytest.mark.asyncio(loop_scope="module")
ID = "ztm.departures"
BOARD = """query Board($name: String!, $first: Int, $wait: Float) {
  stops(filter: { name: { eq: $name } }, first: 2) {
    nodes { key departures(first: $first, wait: $wait) {
      nodes { line direction departsAt realTime }
      rejectedCount rejected { reason row }
      provenance { source dataset licence stale sample version recordUrl }
    } }
  }
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory, asker: Any) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("departures"), asker, upstream={"attempts": 1}) as broker:
        yield broker


@pytest_asyncio.fixture(loop_scope="module")
async def broker(filled: Broker) -> AsyncIterator[Broker]:
    """The broker; nothing is known of any stop."""
    forget(filled)
    yield filled
    forget(filled)


def forget(broker: Broker) -> None:
    broker.monitor.spoil = lambda _, body: body
    broker.monitor.requests.clear()
    broker.engine.on_demand._known.clear()
    broker.engine.on_demand.last.clear()


def old(broker: Broker) -> None:
    """From now on the source fails, and what is known is due."""
    broker.monitor.spoil = lambda *_: b'{"failure":"brak"}'
    for one in broker.engine.on_demand._known.values():
        assert one.found is not None
        object.__setattr__(one.found, "fetched_at", one.found.fetched_at.replace(year=2020))


def about(name: str, **more: Any) -> dict[str, Any]:
    return {"query": BOARD, "variables": {"name": name, **more}}


@MODULE
async def test_posts_of_one_name_share_one_request_and_what_it_said_is_shared_for_seconds(broker: Broker) -> None:
    for first in (3, 5):
        reply = await broker.ask(about("Bałuckiego", first=first))
        one, other = reply.json["data"]["stops"]["nodes"]
        assert (one["key"], other["key"]) == ("BALU41", "BALU42")
        assert one["departures"] == other["departures"]
        times = [datetime.fromisoformat(each["departsAt"]) for each in one["departures"]["nodes"]]
        assert len(times) == first
        assert times == sorted(times)
        assert one["departures"]["rejectedCount"] == 0
        assert one["departures"]["provenance"] == {
            "source": "ztm",
            "dataset": ID,
            "licence": "PL-public-information",
            "stale": False,
            "sample": False,
            "version": 0,
            "recordUrl": None,
        }
        assert "extensions" not in reply.json
    assert len(broker.monitor.requests) == 1


@MODULE
async def test_an_answer_with_departures_is_never_kept(broker: Broker) -> None:
    query = "{ stops(first: 1) { nodes { name departures(first: 1) { nodes { line } } } } }"
    with broker.executes(2):
        replies = [await broker.ask(params=asked(query)) for _ in range(2)]
    assert all(one.headers["cache-control"] == "no-store" for one in replies)


@MODULE
async def test_a_failing_monitor_nulls_its_own_field_and_says_why(broker: Broker) -> None:
    broker.monitor.spoil = lambda *_: b'{"failure":"brak"}'
    reply = await broker.ask(about("Bałuckiego"))
    assert [one["departures"] for one in reply.json["data"]["stops"]["nodes"]] == [None, None]
    assert [(one["extensions"]["code"], one["path"]) for one in reply.json["errors"]] == [
        ("SOURCE_UNAVAILABLE", ["stops", "nodes", place, "departures"]) for place in (0, 1)
    ]
    assert "it says 'brak'" in reply.message
    assert reply.json["extensions"]["sources"] == [
        {"source": "ztm", "dataset": ID, "status": "missing", "ageSeconds": None}
    ]
    told = await broker.ask({"query": "{ sources { id status lookups { id status lastError askedAt } } }"})
    (ztm,) = (one for one in told.json["data"]["sources"] if one["id"] == "ztm")
    assert (ztm["status"], ztm["lookups"][0]["status"]) == ("FAILING", "FAILING")
    assert "brak" in ztm["lookups"][0]["lastError"]


@MODULE
async def test_what_was_known_is_given_with_its_age_when_the_monitor_fails(broker: Broker) -> None:
    good = await broker.ask(about("Bałuckiego"))
    broker.monitor.spoil = lambda *_: b"<html>"
    for one in broker.engine.on_demand._known.values():
        assert one.found is not None
        older = one.found.fetched_at.timestamp() - 300
        object.__setattr__(one.found, "fetched_at", datetime.fromtimestamp(older, one.found.fetched_at.tzinfo))
    reply = await broker.ask(about("Bałuckiego"))
    assert "errors" not in reply.json
    before, now = (one.json["data"]["stops"]["nodes"][0]["departures"] for one in (good, reply))
    assert now["nodes"] == before["nodes"]
    assert now["provenance"]["stale"]
    (told,) = reply.json["extensions"]["sources"]
    assert (told["dataset"], told["status"]) == (ID, "stale")
    assert told["ageSeconds"] in range(300, 330)
    old(broker)
    late = await broker.ask(about("Bałuckiego"))
    assert late.json["data"]["stops"]["nodes"][0]["departures"] is None


@MODULE
async def test_what_cannot_be_read_is_counted_and_shown(broker: Broker) -> None:
    def spoil(request: Request, body: bytes) -> bytes:
        told = orjson.loads(body)
        del request, told["success"]["bollardsWithTimes"][0]["times"][0]["line"]
        return orjson.dumps(told)

    broker.monitor.spoil = spoil
    found = (await broker.ask(about("Bałuckiego", first=1))).json["data"]["stops"]["nodes"][0]["departures"]
    assert (len(found["nodes"]), found["rejectedCount"]) == (1, 1)
    assert found["rejected"][0]["reason"].startswith("line: missing")
    assert "departure" in found["rejected"][0]["row"]


@MODULE
async def test_how_many_stops_one_request_may_ask_about_is_bounded(broker: Broker) -> None:
    query = "{ stops(first: 200) { totalCount nodes { key departures(first: 1) { nodes { line } } } } }"
    reply = await broker.ask({"query": query})
    assert reply.json["data"]["stops"]["totalCount"] == 1708
    assert {one["extensions"]["code"] for one in reply.json["errors"]} == {"TOO_MUCH"}
    assert "the limit limits.lookups is 30 in one request" in reply.message
    assert broker.monitor.requests == []


@MODULE
@pytest.mark.parametrize(
    ("arguments", "code"), [("first: -1", "BAD_ARGUMENT"), ("first: 5000", "TOO_MUCH"), ("wait: 16", "BAD_ARGUMENT")]
)
async def test_arguments_that_make_no_sense_are_refused_at_the_field(broker: Broker, arguments: str, code: str) -> None:
    reply = await broker.ask(
        {"query": f"{{ stops(first: 1) {{ nodes {{ key departures({arguments}) {{ nodes {{ line }} }} }} }} }}"}
    )
    assert [(one["extensions"]["code"], one["path"][-1]) for one in reply.json["errors"]] == [(code, "departures")]
    assert reply.json["data"]["stops"]["nodes"][0]["key"]
    assert broker.monitor.requests == []


@MODULE
async def test_a_stop_that_is_reached_by_its_id_or_as_a_neighbour_has_departures_too(broker: Broker) -> None:
    reply = await broker.ask(
        {
            "query": """{
              nodes(ids: ["U3RvcDpCQUxVNDE"]) { ... on Stop { name departures(first: 1) { nodes { line } } } }
              parkingMeters(first: 2) { nodes { related { stops(distance: 500, first: 1, orderBy: DISTANCE) {
                nodes { name departures(first: 1) { nodes { line } } } } } } }
            }"""
        }
    )
    assert "errors" not in reply.json
    assert reply.json["data"]["nodes"][0]["departures"]["nodes"]
    near = reply.json["data"]["parkingMeters"]["nodes"][0]["related"]["stops"]["nodes"]
    assert all(one["departures"]["nodes"] for one in near)
