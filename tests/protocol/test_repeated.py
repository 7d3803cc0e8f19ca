"""A request that comes again within a second is answered without being read, and only with what it would be answered anyway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from broker import repeated
from broker.endpoint import Endpoint
from broker.execution.responses import Kept, Lasting, Life
from broker.store import Published
from tests.protocol.counted import Broker, asked, layer, running

MODULE = pytest.mark.asyncio(loop_scope="module")
Asker = Callable[..., Callable[..., Awaitable[Any]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory, asker: Asker) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("repeated"), asker) as broker:
        yield broker


@pytest_asyncio.fixture(loop_scope="module")
async def broker(filled: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker; what lies ready is forgotten by nothing but what a test does."""
    filled.engine.endpoint._repeated._ready.clear()
    monkeypatch.setattr(repeated, "SECOND", 60.0)
    return filled


def ready(endpoint: Endpoint) -> int:
    return len(endpoint._repeated._ready)


def looking(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The questions for which a kept answer is looked up from now on."""
    responses, looks = broker.engine.endpoint.responses, []
    last = responses.last
    monkeypatch.setattr(responses, "last", lambda question: looks.append(question) or last(question))
    return looks


async def thrice(broker: Broker, **how: Any) -> list[Any]:
    return [await broker.ask(**how) for _ in range(3)]


@MODULE
async def test_the_third_time_nothing_is_looked_up(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    params = asked("{ stops(first: 7) { totalCount nodes { id name } } }")
    made, kept, again = await thrice(broker, params=params)
    assert ready(broker.engine.endpoint) == 1
    looks = looking(broker, monkeypatch)
    fourth = await broker.ask(params=params)
    assert looks == []
    assert {(one.status, one.raw, one.headers["etag"]) for one in (kept, again, fourth)} == {
        (200, made.raw, made.headers["etag"])
    }
    assert len({one.headers["x-request-id"] for one in (made, kept, again, fourth)}) == 4


@MODULE
async def test_a_new_version_is_answered_from_at_once(broker: Broker) -> None:
    params = asked("{ districts(first: 50, orderBy: [{name: ASC}]) { nodes { name } } }")
    await thrice(broker, params=params)
    assert b"Ogrody" in (await broker.ask(params=params)).raw
    broker.source.spoil = layer("osiedla", "Ogrody", "Sady")
    assert await broker.refresh("mim.districts") == "published"
    reply = await broker.ask(params=params)
    assert (b"Ogrody" in reply.raw, b"Sady" in reply.raw) == (False, True)


@MODULE
async def test_any_commit_has_it_found_the_usual_way(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    params = asked("{ stops(first: 5) { nodes { name } } }")
    await thrice(broker, params=params)
    broker.age("mim.events", 5)
    looks = looking(broker, monkeypatch)
    for _ in range(3):
        assert (await broker.ask(params=params)).status == 200
    assert len(looks) == 1


@MODULE
async def test_replies_of_other_wishes_are_never_given(broker: Broker) -> None:
    params = asked("{ stops(first: 50) { nodes { id name lines zone } } }")
    plain = await thrice(broker, params=params)
    tag = plain[0].headers["etag"]
    packed = await thrice(broker, params=params, headers={"accept-encoding": "gzip"})
    unchanged = await thrice(broker, params=params, headers={"if-none-match": tag})
    graphql = await thrice(broker, params=params, accept="application/graphql-response+json")
    refused = await thrice(broker, params=params, accept="text/html")
    assert [one.headers.get("content-encoding") for one in (*plain, *packed)] == [None] * 3 + ["gzip"] * 3
    assert [one.status for one in (*unchanged, *refused)] == [304] * 3 + [406] * 3
    assert {one.headers["content-type"].split(";")[0] for one in graphql} == {"application/graphql-response+json"}
    assert ready(broker.engine.endpoint) == 4


@MODULE
async def test_viewers_never_share(broker: Broker) -> None:
    endpoint = broker.engine.endpoint
    other = Endpoint(
        endpoint.schema, endpoint.context, endpoint.limits, store=endpoint.store, room=1 << 20,
        viewer=lambda scope: scope["client"],
    )  # fmt: skip
    params = {"method": "GET", "query_string": b"query=%7B%20stops(first:1)%20%7B%20nodes%20%7B%20id%20%7D%20%7D%20%7D"}
    for client in ("one", "two"):
        for _ in range(3):
            await answered(other, {"type": "http", "path": "/graphql", "headers": [], "client": client, **params})
    assert sorted(viewer for viewer, *_ in other._repeated._ready) == ["one", "two"]


async def answered(endpoint: Endpoint, scope: dict[str, Any]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        del message

    await endpoint(scope, receive, send)


@MODULE
async def test_posts_are_known_by_their_body(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    some, other = ({"query": f"{{ stops(first: {n}) {{ nodes {{ name }} }} }}"} for n in (6, 7))
    replies = [await thrice(broker, json=one) for one in (some, other)]
    looks = looking(broker, monkeypatch)
    again = [await broker.ask(json=one) for one in (some, other)]
    assert [one.raw for one in again] == [one[0].raw for one in replies]
    assert again[0].raw != again[1].raw
    assert looks == []
    assert {one.headers["cache-control"] for one in again} == {"no-store"}
    refused = await broker.ask(json=some, headers={"content-type": "text/plain"})
    assert refused.status == 415
    assert (await broker.ask(json={"query": "mutation { x }"})).code == "BAD_REQUEST"


@MODULE
async def test_a_body_in_parts_or_a_long_one_is_read_the_usual_way(broker: Broker) -> None:
    query = "{ stops(first: 3) { nodes { name } } }"
    first = await thrice(broker, json={"query": query})
    long = {"query": query + " " * repeated.LONGEST}
    assert [one.raw for one in await thrice(broker, json=long)] == [first[0].raw] * 3
    assert ready(broker.engine.endpoint) == 1
    parts = [b'{"query": "{ stops(first: 3)', b' { nodes { name } } }"}']
    scope = {
        "type": "http", "path": "/graphql", "method": "POST", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    await broker.engine.endpoint(scope, receive, send)
    assert (sent[0]["status"], sent[1]["body"]) == (200, first[0].raw)


@MODULE
async def test_it_is_forgotten_after_a_second(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "SECOND", 0.2)
    params = asked("{ stops(first: 4) { nodes { name } } }")
    await thrice(broker, params=params)
    assert ready(broker.engine.endpoint) == 1
    await asyncio.sleep(0.3)
    assert ready(broker.engine.endpoint) == 0
    assert (await broker.ask(params=params)).status == 200


@MODULE
async def test_no_more_than_a_thousand_lie_ready(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "MOST", 2)
    for first in range(1, 5):
        await thrice(broker, params=asked(f"{{ stops(first: {first}) {{ nodes {{ zone }} }} }}"))
    assert ready(broker.engine.endpoint) == 2


@pytest.mark.parametrize(
    ("due", "until", "same"),
    [
        (1000.0, 2000.0, 100.5 + 0.5),  # the seconds that are left change at the next half
        (100.75, 2000.0, 100.75),  # it is due before that
        (90.0, 2000.0, 101.5),  # due already: nothing changes any more
        (1000.0, 100.6, 100.6),  # its end
        (1e9, 1e9, 101.5),  # as long as may be told: nothing changes
    ],
)
def test_until_when_a_reply_stays_the_same(
    due: float, until: float, same: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 100.5)
    read = {"mim.stops": Published("mim.stops", 1, checked_at=datetime.fromtimestamp(0, UTC))}
    kept = Kept(b"{}", Life(read, {"mim.stops": Lasting(exact=until, fresh=due)}), "tag", 2)
    before = kept.seconds
    assert kept.same_until(1.0) == pytest.approx(same)
    monkeypatch.setattr("time.time", lambda: same - 1e-6)
    assert kept.seconds == before
