"""Whatever a client sends, it is answered with JSON, never with a failure of the server or a word of its insides."""

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import brotli
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.app import Engine
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE
from tests.faults.test_parsers import Breaker
from tests.graph.operations import Operation, operations
from tests.protocol.conftest import Reply, asking_of

CASES = 5_000 if WHOLE else 500
OPERATIONS = 1_500 if WHOLE else 150
BOUND_SECONDS = 30
INSIDES = re.compile(
    rb'Traceback|File \\?"|\.py\b|site-packages|sqlite3?\.|psycopg|SELECT |/(?:usr|home|root|work|tmp|var)/'
)
BODILESS = {204, 304}

DOCUMENTS = (
    "{ stops(first: 2) { nodes { id name } } }",
    "query A($n: Int) { districts(first: $n) { totalCount nodes { name area } } } query B { sources { id } }",
    "mutation { change }",
    "subscription { change }",
    "{ __schema { types { name } } }",
    "fragment F on Stop { id } { stops { nodes { ...F } } }",
    "{ stops(where: {near: {lon: 1e400, lat: 52, distance: 1}}) { totalCount } }",
    '{ search(text: "\\u0000") { totalCount } }',
    '{ places(filter: {name: {contains: "%_\\\\"}}) { totalCount } }',
    "{" * 200,
    "",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "query": st.sampled_from(DOCUMENTS) | VALUES,
        "variables": VALUES,
        "operationName": st.sampled_from(("A", "B", "C")) | VALUES,
        "extensions": VALUES | st.just({"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}),
    },
)
BODIES = st.one_of(
    PARTS.map(lambda parts: json.dumps(parts).encode()),
    st.tuples(st.sampled_from(DOCUMENTS), st.integers(0, 2**32 - 1)).map(
        lambda pair: Breaker(pair[1]).broken(json.dumps({"query": pair[0], "variables": {"n": 1}}).encode())
    ),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=200),
)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from(("application/json", "application/graphql-response+json", "*/*", "text/html", ""))
        | TEXT,
        "content-type": st.sampled_from(("application/json; charset=utf-16", "text/plain", "multipart/form-data"))
        | TEXT,
        "accept-encoding": st.sampled_from(("gzip", "br", "gzip;q=0, *", "deflate")) | TEXT,
        "content-length": st.sampled_from(("0", "-1", "9" * 30, "x")),
        "if-none-match": TEXT,
        "origin": TEXT,
        "x-request-id": TEXT,
        "traceparent": TEXT,
        "cookie": TEXT,
    },
)
METHODS = st.sampled_from(("GET", "POST", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "QUERY", "x"))
QUERIES = st.one_of(
    PARTS.map(
        lambda parts: urlencode({name: one if isinstance(one, str) else json.dumps(one) for name, one in parts.items()})
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    st.just(""),
)


def fuzzing(cases: int) -> Any:
    return settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=not WHOLE,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def unpacked(reply: Reply) -> bytes:
    match reply.headers.get("content-encoding"):
        case "gzip":
            return gzip.decompress(reply.raw)
        case "br":
            return bytes(brotli.decompress(reply.raw))
    return reply.raw


def fair(reply: Reply, method: str) -> Any:
    """What the answer says, when it is one that a client may get."""
    assert reply.status < 500 or reply.status == 503, reply
    body = unpacked(reply)
    if method in ("HEAD", "OPTIONS") or reply.status in BODILESS:
        return None
    assert "json" in reply.type, reply
    assert not INSIDES.search(body), body
    return orjson.loads(body)


def test_any_request_is_answered_with_json(engine: Engine, loop: asyncio.Runner, tally: Tally) -> None:
    ask = asking_of(engine.endpoint)

    async def asked(**request: Any) -> Reply:
        async with asyncio.timeout(BOUND_SECONDS):
            return await ask(**request)

    @fuzzing(CASES)
    @given(METHODS, HEADERS, QUERIES, BODIES)
    def check(method: str, headers: dict[str, str], query: str, body: bytes) -> None:
        given = {name: value for name, value in headers.items() if name not in ("content-type", "accept")}
        reply = loop.run(
            asked(
                raw=b"" if method == "GET" else body,
                method=method,
                headers=given,
                params=query,
                accept=headers.get("accept"),
                content_type=headers.get("content-type", "application/json"),
            )
        )
        with tally.case("fuzzed_requests"):
            fair(reply, method)

    check()


def test_any_operation_is_answered(engine: Engine, loop: asyncio.Runner, tally: Tally) -> None:
    ask = asking_of(engine.endpoint)

    @fuzzing(OPERATIONS)
    @given(operations(engine.endpoint.schema))
    def check(operation: Operation) -> None:
        asked = {"query": operation.document, "variables": operation.variables}
        answer = fair(loop.run(ask(asked, accept="application/graphql-response+json")), "POST")
        with tally.case("fuzzed_requests"):
            codes = [one["extensions"]["code"] for one in answer.get("errors", ())]
            assert "INTERNAL_ERROR" not in codes, answer["errors"]

    check()
