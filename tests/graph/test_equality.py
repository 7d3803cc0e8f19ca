"""Whatever is asked, the shaped answer is the one that plain resolvers give: data, order of keys, nulls and errors."""

import asyncio
import json
import os
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from broker.app import Engine
from broker.endpoint import Endpoint
from tests.graph.operations import Operation, operations

CASES = int(os.environ.get("EQUALITY_CASES", "1000"))  # noqa: TID251 - how long a run is, not how the broker works
LIVE = ("bikeStations", "departures")
"""What is fetched when it is asked for."""
ONCE_DIFFERENT = (
    "{ informationRequests(first: 1) { nodes { provenance { recordUrl sample } } } }",  # a page that is one for all
    '{ search(text: "park", first: 1) { totalCount } stops(first: 1) { nodes { id } } }',  # a root field that waits
    (
        "{ a: districts(first: 2) { nodes { ...F } } b: stops(first: 2) { nodes { ...F related { places(distance: 200) { totalCount } } } } }"
        " fragment F on Located { related { places(distance: 200) { nodes { name } } } }"
    ),  # one field node, two selections
    (
        '{ a: layer(id: "mim.stops") { ...L } b: layer(id: "sip.noise_zones") { ...L } }'
        " fragment L on Layer { features(first: 2) { nodes { properties } } }"
    ),  # one field node, two data sets
)


@pytest.fixture(scope="module")
def plain(engine: Engine) -> Endpoint:
    """The same graph with everything resolved one value at a time."""
    shaped = engine.endpoint
    return Endpoint(shaped.schema, shaped.context, shaped.limits, shaped=False)


@pytest.fixture(scope="module")
def loop() -> Any:
    with asyncio.Runner() as runner:
        yield runner


def compared(answer: bytes) -> tuple[bytes, list[str]]:
    """The data as text, keys in their order; the errors in an order of their own, since fields are not done in one order."""
    read = orjson.loads(answer)
    errors = read.pop("errors", [])
    codes = {one["extensions"]["code"] for one in errors}
    assert "INTERNAL_ERROR" not in codes, errors
    return orjson.dumps(read), sorted(json.dumps(one, sort_keys=True) for one in errors)


async def both(engine: Engine, plain: Endpoint, operation: Operation) -> tuple[Any, Any]:
    asked = operation.document, operation.variables
    return compared(await engine.endpoint.answer(*asked)), compared(await plain.answer(*asked))


@pytest.fixture(scope="module")
def every_data_set_read(plain: Endpoint, loop: asyncio.Runner) -> None:
    """Live data sets are young for the time of the test."""
    loop.run(plain.run("{ bikeStations { totalCount } }"))


@pytest.mark.usefixtures("every_data_set_read")
def test_random_operations(engine: Engine, plain: Endpoint, loop: asyncio.Runner) -> None:
    counted = {"cases": 0, "valid": 0, "with errors": 0}

    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=CASES <= 2000,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(operations(engine.endpoint.schema))
    def check(operation: Operation) -> None:
        one, two = loop.run(both(engine, plain, operation))
        if one != two and any(live in operation.document for live in LIVE):  # fetched between the two
            one, two = loop.run(both(engine, plain, operation))
        assert one == two, operation
        counted["cases"] += 1
        counted["valid"] += b'"data"' in one[0]
        counted["with errors"] += bool(one[1])

    check()
    assert counted["cases"] >= CASES
    assert counted["valid"] > 0.8 * counted["cases"], counted
    assert counted["with errors"] > 0.05 * counted["cases"], counted


@pytest.mark.parametrize("document", ONCE_DIFFERENT)
def test_what_was_once_different(engine: Engine, plain: Endpoint, loop: asyncio.Runner, document: str) -> None:
    one, two = loop.run(both(engine, plain, Operation(document, {})))
    assert one == two
    assert one[1] == []
