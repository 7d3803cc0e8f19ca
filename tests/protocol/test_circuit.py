"""A source that fails again and again is left alone for a while, and everybody can see it."""

from pathlib import Path
from typing import Any

import stamina

from broker.upstream import Request
from tests.protocol.counted import running

CIRCUITS = "{ sources { id circuit } }"


def down(_: Request, body: bytes) -> bytes:
    raise OSError(f"no {len(body)} bytes today")  # the replica answers 500


async def test_the_circuit_of_a_source_that_fails_is_open_and_the_reason_says_until_when(
    tmp_path: Path, asker: Any
) -> None:
    async with running(tmp_path, asker) as broker:
        before = (await broker.ask({"query": CIRCUITS})).json["data"]["sources"]
        broker.source.spoil = down
        with stamina.set_testing(testing=True, attempts=3, cap=True):
            first, second = [await broker.refresh("mim.stops") for _ in range(2)]
            asked = len(broker.source.requests)
            third = await broker.refresh("mim.events")
        assert len(broker.source.requests) == asked
        after = (await broker.ask({"query": CIRCUITS})).json["data"]["sources"]
        told = (await broker.ask({"query": '{ dataset(id: "mim.events") { status lastError recordCount } }'})).json
    assert (first, second, third) == ("failed", "failed", "failed")
    assert {one["circuit"] for one in before} == {"CLOSED"}
    assert {one["id"] for one in after if one["circuit"] == "OPEN"} == {"mim"}
    assert told["data"]["dataset"]["status"] == "FAILING"
    assert told["data"]["dataset"]["recordCount"] > 0
    assert "not sent before" in told["data"]["dataset"]["lastError"]
