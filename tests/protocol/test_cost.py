"""A request that says so is told its cost, and is executed for that; every other is answered as before."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.protocol.counted import Broker, asked, running

MODULE = pytest.mark.asyncio(loop_scope="module")
Asker = Callable[..., Callable[..., Awaitable[Any]]]
QUERY = "{ districts(first: 5) { nodes { name related { stops(predicate: WITHIN, first: 3) { nodes { name } } } } } }"
COST = {"cost": {"records": 20, "limit": 2_000_000}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory, asker: Asker) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("cost"), asker) as broker:
        yield broker


@MODULE
async def test_the_cost_is_told_to_who_asks_for_it_and_such_an_answer_is_never_kept(broker: Broker) -> None:
    with broker.executes(1):
        plain = [await broker.ask(params=asked(QUERY)) for _ in range(2)]
    with broker.executes(3):
        told = [await broker.ask(params=asked(QUERY, extensions={"cost": True})) for _ in range(2)]
        told.append(await broker.ask({"query": QUERY, "extensions": {"cost": True}}))
    assert [one.json for one in told] == [{**plain[0].json, "extensions": COST}] * 3
    assert {one.headers["cache-control"] for one in told} == {"no-store"}
    with broker.executes(0):
        again = await broker.ask(params=asked(QUERY, extensions={"cost": False}))
    assert again.raw == plain[1].raw


@MODULE
async def test_the_cost_stands_beside_what_is_told_of_the_sources(broker: Broker) -> None:
    reply = await broker.ask({"query": "{ places { nodes { name } } }", "extensions": {"cost": True}})
    assert reply.json["extensions"]["cost"]["records"] == 20
    assert [one["dataset"] for one in reply.json["extensions"]["sources"]] == ["mim.places"]


@MODULE
async def test_cost_is_yes_or_no(broker: Broker) -> None:
    reply = await broker.ask({"query": QUERY, "extensions": {"cost": 1}})
    assert (reply.status, reply.message) == (400, 'the extension "cost" must be true or false')
