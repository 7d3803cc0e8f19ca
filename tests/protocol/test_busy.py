"""So many requests are executed at once and no more; what is kept is given all the same, and what is refused may come again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import strawberry

from broker.endpoint import Endpoint
from broker.settings import Limits
from tests.protocol.counted import asked, running

Asker = Callable[..., Callable[..., Awaitable[Any]]]


class Gate:
    """A field that waits to be let through."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waiting = 0

    async def wait(self) -> bool:
        self.waiting += 1
        return await self.open.wait()

    async def crowded(self, many: int) -> None:
        async with asyncio.timeout(10):
            while self.waiting < many:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def ask(gate: Gate, asker: Asker) -> Callable[..., Awaitable[Any]]:
    @strawberry.type
    class Query:
        @strawberry.field
        async def passed(self) -> bool:
            return await gate.wait()

    class Shared:
        def __init__(self) -> None:
            self.extensions: dict[str, Any] = {}
            self.shaping = False

        def life(self, *, shows_check: bool) -> None: ...

    return asker(Endpoint(strawberry.Schema(Query)._schema, Shared, Limits(in_flight=2)))


async def test_one_too_many_is_told_to_come_again(ask: Any, gate: Gate) -> None:
    under_way = [asyncio.create_task(ask({"query": "{ passed }"})) for _ in range(2)]
    await gate.crowded(2)
    refused = await ask({"query": "{ passed }"})
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "BUSY", "1")
    assert refused.message == "2 requests are being executed, the limit limits.in_flight; ask again in a second"
    gate.open.set()
    assert [(await one).json["data"] for one in under_way] == [{"passed": True}] * 2
    assert (await ask({"query": "{ passed }"})).json == {"data": {"passed": True}}


async def test_a_client_that_goes_away_leaves_its_place(ask: Any, gate: Gate) -> None:
    for _ in range(3):
        gone = asyncio.create_task(ask({"query": "{ passed }"}))
        await gate.crowded(gate.waiting + 1)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    gate.open.set()
    assert (await ask({"query": "{ passed }"})).status == 200


async def test_what_is_kept_is_given_though_nothing_more_is_executed(tmp_path: Path, asker: Asker) -> None:
    async with running(tmp_path, asker) as broker:
        params = asked("{ districts(first: 2) { nodes { name } } }")
        first = await broker.ask(params=params)
        broker.engine.endpoint._executing = broker.engine.settings.limits.in_flight
        other = await broker.ask(params=asked("{ districts(first: 3) { nodes { name } } }"))
        assert ((await broker.ask(params=params)).raw, other.status) == (first.raw, 503)
