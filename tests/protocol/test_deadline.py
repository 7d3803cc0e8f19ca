"""A request that takes too long is stopped and told so; the others are answered."""

import asyncio
from collections.abc import Callable
from typing import Any

import strawberry

from broker.app import core
from broker.deadline import remaining
from broker.endpoint import Endpoint
from broker.settings import Limits
from tests.protocol.conftest import Shared

SLOW = "{ slow }"
STOPPED: list[str] = []


@strawberry.type
class Query:
    @strawberry.field
    async def slow(self) -> str | None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            STOPPED.append("slow")
            raise
        return "never"

    @strawberry.field
    def left(self) -> bool:
        return 0 < (remaining() or 0) <= 0.2


def endpoint() -> Endpoint:
    return Endpoint(core(strawberry.Schema(Query)), Shared, Limits(seconds=0.2))


async def test_it_is_stopped_and_told(asker: Callable[..., Any]) -> None:
    STOPPED.clear()
    reply = await asker(endpoint())({"query": SLOW})
    assert reply.status == 503
    (error,) = reply.json["errors"]
    assert error["extensions"]["code"] == "DEADLINE"
    assert error["message"] == "it took longer than 0.2 s (limits.seconds) and was stopped; ask for less at a time"
    assert STOPPED == ["slow"]


async def test_the_others_are_answered_meanwhile(asker: Callable[..., Any]) -> None:
    ask = asker(endpoint())
    slow, quick = await asyncio.gather(ask({"query": SLOW}), ask({"query": "{ left }"}))
    assert (slow.status, quick.json) == (503, {"data": {"left": True}})


async def test_without_a_request_there_is_no_deadline(asker: Callable[..., Any]) -> None:
    await asker(endpoint())({"query": "{ left }"})
    assert remaining() is None
