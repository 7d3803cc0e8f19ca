"""The forms of one answer: its mark and 304, what caches may do with it, its encodings and media types."""

import gzip
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import brotli
import pytest
import pytest_asyncio

from broker.execution.responses import Responses
from tests.protocol.counted import Broker, asked, running

MODULE = pytest.mark.asyncio(loop_scope="module")
GRAPHQL, JSON = "application/graphql-response+json", "application/json"
LARGE, SMALL = asked("{ stops(first: 100) { nodes { id name lines } } }"), asked("{ stops(first: 1) { totalCount } }")
DECODED: dict[str, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress, "": lambda body: body}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory, asker: Any) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("forms"), asker) as broker:
        yield broker


# the mark


@MODULE
@pytest.mark.parametrize(
    "form",
    ["{}", "W/{}", '"other", {}', '"other" ,W/{} , "another"', "*", '"a", *'],
    ids=["it", "weakly", "among others", "weakly among others", "any", "any among others"],
)
async def test_who_has_the_answer_gets_304_and_nothing_is_executed(broker: Broker, form: str) -> None:
    full = await broker.ask(params=LARGE)
    with broker.executes(0):
        reply = await broker.ask(params=LARGE, headers={"if-none-match": form.format(full.headers["etag"])})
    assert (reply.status, reply.raw) == (304, b"")
    for name in ("etag", "vary"):
        assert reply.headers[name] == full.headers[name]
    assert reply.headers["cache-control"].startswith("public, max-age=")
    assert [name for name in reply.headers if name.startswith("content-")] == ["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"


@MODULE
@pytest.mark.parametrize("value", ['"other"', "{bare}", '"{bare}', 'W/"other", x', '"*"', ""])
async def test_who_has_another_answer_gets_this_one(broker: Broker, value: str) -> None:
    full = await broker.ask(params=LARGE)
    given = value.format(bare=full.headers["etag"].strip('"'))
    reply = await broker.ask(params=LARGE, headers={"if-none-match": given})
    assert (reply.status, reply.raw, reply.headers["etag"]) == (200, full.raw, full.headers["etag"])


@MODULE
async def test_also_an_answer_that_had_to_be_made_again_may_be_the_one_that_is_there(broker: Broker) -> None:
    full = await broker.ask(params=LARGE)
    broker.engine.endpoint.responses = Responses(64 << 20)  # as for want of room
    with broker.executes(1):
        reply = await broker.ask(params=LARGE, headers={"if-none-match": f'"again", {full.headers["etag"]}'})
    assert (reply.status, reply.headers["etag"]) == (304, full.headers["etag"])


@MODULE
async def test_a_post_has_no_mark_and_no_304(broker: Broker) -> None:
    marked = (await broker.ask(params=LARGE)).headers["etag"]
    reply = await broker.ask({"query": LARGE["query"]}, headers={"if-none-match": marked})
    assert (reply.status, reply.headers["cache-control"], "etag" in reply.headers) == (200, "no-store", False)


# encodings and media types


@MODULE
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, ""),
        ("", ""),
        ("identity", ""),
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("br;q=0, gzip;q=0, *", ""),
        ("gzip;q=0", ""),
        ("deflate, zstd", ""),
        ("BR", "br"),
        ("gzip;q=x", ""),
    ],
)
async def test_encodings(broker: Broker, accepted: str | None, encoding: str) -> None:
    plain = await broker.ask(params=LARGE)
    reply = await broker.ask(params=LARGE, headers={} if accepted is None else {"accept-encoding": accepted})
    assert reply.headers.get("content-encoding", "") == encoding
    assert DECODED[encoding](reply.raw) == plain.raw
    assert int(reply.headers["content-length"]) == len(reply.raw)
    assert not encoding or len(reply.raw) < len(plain.raw) / 2
    assert reply.headers["vary"] == "Accept, Accept-Encoding"


@MODULE
async def test_every_form_has_a_mark_of_its_own_and_none_is_executed_twice(broker: Broker) -> None:
    params = asked("{ stops(first: 101) { nodes { id name lines } } }")
    forms = [{"accept": accept, "headers": {"accept-encoding": one}} for accept in (GRAPHQL, JSON) for one in DECODED]
    with broker.executes(1):
        replies = [await broker.ask(params=params, **form) for form in forms]
        again = [await broker.ask(params=params, **form) for form in forms]
    marks = [one.headers["etag"] for one in replies]
    assert len(set(marks)) == 6
    assert [(one.raw, one.headers["etag"]) for one in again] == [(one.raw, one.headers["etag"]) for one in replies]
    assert [one.type for one in replies] == [*[f"{GRAPHQL}; charset=utf-8"] * 3, *[f"{JSON}; charset=utf-8"] * 3]
    for form, own in zip(forms, marks, strict=True):
        known = [(await broker.ask(params=params, **_with(form, mark))).status for mark in marks]
        assert known == [304 if mark == own else 200 for mark in marks]


def _with(form: dict[str, Any], mark: str) -> dict[str, Any]:
    return {**form, "headers": {**form["headers"], "if-none-match": mark}}


@MODULE
async def test_a_small_body_is_not_compressed(broker: Broker) -> None:
    reply = await broker.ask(params=SMALL, headers={"accept-encoding": "br, gzip"})
    assert reply.raw == b'{"data":{"stops":{"totalCount":1708}}}'
    assert "content-encoding" not in reply.headers
    assert reply.headers["vary"] == "Accept, Accept-Encoding"
    assert reply.headers["etag"] == (await broker.ask(params=SMALL)).headers["etag"]


@MODULE
async def test_what_is_not_kept_is_compressed_too(broker: Broker) -> None:
    query = {"query": "{ datasets { id title description } }"}
    for encoding, decoded in DECODED.items():
        reply = await broker.ask(query, headers={"accept-encoding": encoding})
        assert reply.headers.get("content-encoding", "") == encoding
        assert decoded(reply.raw).startswith(b'{"data":{"datasets":[{"id":"')


# what caches may do


def seconds(reply: Any) -> int:
    return int(reply.headers["cache-control"].removeprefix("public, max-age="))


@MODULE
async def test_an_answer_is_fresh_until_the_next_refresh_is_due(broker: Broker) -> None:
    for ago, hour in ((600.0, 3600), (3000.0, 3600)):
        checked = broker.age("mim.events", ago)
        reply = await broker.ask(params=asked("{ events(first: 1) { totalCount } }"))
        assert 0 <= checked.timestamp() + hour - time.time() - seconds(reply) + 1 < 3


@MODULE
async def test_of_several_data_sets_the_first_that_is_due_counts(broker: Broker) -> None:
    both = asked("{ events(first: 1) { totalCount } stops(first: 1) { totalCount } }")
    stops = broker.age("mim.stops", 86_400 - 500)
    broker.age("mim.events", 60)
    assert 0 <= stops.timestamp() + 86_400 - time.time() - seconds(await broker.ask(params=both)) + 1 < 3


@MODULE
async def test_nothing_is_fresh_for_more_than_an_hour(broker: Broker) -> None:
    assert seconds(await broker.ask(params=asked("{ districts(first: 1) { totalCount } }"))) in {3599, 3600}
    assert seconds(await broker.ask(params=asked("{ __typename }"))) in {3599, 3600}


@MODULE
async def test_what_is_overdue_is_kept_here_and_asked_for_again_by_caches(broker: Broker) -> None:
    params = asked("{ events(first: 2) { totalCount } }")
    broker.age("mim.events", 3700)
    with broker.executes(1):
        first, again = [await broker.ask(params=params) for _ in range(2)]
    assert [one.headers["cache-control"] for one in (first, again)] == ["public, no-cache"] * 2
    reply = await broker.ask(params=params, headers={"if-none-match": first.headers["etag"]})
    assert (reply.status, reply.headers["cache-control"]) == (304, "public, no-cache")


@MODULE
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"params": asked("{ nothing }")}, 200),
        ({"params": asked("{ nothing }"), "accept": GRAPHQL}, 400),
        ({"params": asked("{ stops { totalCount } }"), "accept": "text/html"}, 406),
        ({"params": asked("query A { __typename } query B { __typename }", operationName="C")}, 200),
        ({"method": "PUT"}, 405),
        ({"raw": b"{"}, 400),
    ],
    ids=["invalid", "invalid, as GraphQL", "not acceptable", "no such operation", "a method", "malformed"],
)
async def test_refusals_are_stored_nowhere(broker: Broker, request_: dict[str, Any], status: int) -> None:
    with broker.executes(0):
        reply = await broker.ask(**request_, headers={"if-none-match": "*"})
    assert (reply.status, reply.headers["cache-control"]) == (status, "no-store")
    assert "etag" not in reply.headers
    assert reply.headers["vary"] == "Accept, Accept-Encoding"
