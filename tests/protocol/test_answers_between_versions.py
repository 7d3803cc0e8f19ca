"""What hangs on more than the versions that it reads at first sight, or is read while a refresh is not quite done."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from broker.upstream import Request
from tests.protocol.counted import Broker, asked, layer, running

MODULE = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory, asker: Any) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("between"), asker) as broker:
        yield broker


async def answered_now(broker: Broker, params: dict[str, str]) -> bytes:
    """The answer as it is made anew, whatever is kept."""
    return await broker.engine.endpoint.answer(params["query"])


@MODULE
async def test_a_search_beside_a_live_data_set_does_not_keep_it_from_being_fetched(broker: Broker) -> None:
    query = '{ search(text: "most", datasets: ["nextbike.bike_stations"]) { totalCount } bikeStations { totalCount } }'
    broker.engine.store.versions()  # known, so that the search need not wait for them
    reply = await broker.ask({"query": query})
    assert reply.json["data"]["bikeStations"] == {"totalCount": 112}


@MODULE
async def test_a_search_hangs_on_nothing_but_what_it_says(broker: Broker) -> None:
    params = asked('{ search(text: "polna", datasets: ["mim.stops"], first: 3) { nodes { title score } } }')
    await broker.ask(params=params)
    broker.source.spoil = layer("parking_meters", '"street":"', '"street":"Polna ')
    assert await broker.refresh("mim.parking_meters") == "published"
    assert (await broker.ask(params=params)).raw == await answered_now(broker, params)


def moved(request: Request, body: bytes) -> bytes:
    """Every district where the next one was."""
    if request.params.get("co") != "osiedla":
        return body
    districts = orjson.loads(body)
    places = [one["geometry"] for one in districts["features"]]
    for one, place in zip(districts["features"], [*places[1:], places[0]], strict=True):
        one["geometry"] = place
    return orjson.dumps(districts)


@MODULE
async def test_what_was_answered_while_the_districts_were_refreshed_is_not_kept_beyond(broker: Broker) -> None:
    params = asked("{ stops(first: 400) { nodes { id district { name } } } }")
    before = (await broker.ask(params=params)).raw
    broker.source.spoil = moved
    refreshing = asyncio.create_task(broker.refresh("mim.districts"))
    while not refreshing.done():
        await broker.ask(params=params)
        await asyncio.sleep(0)  # what is kept is given without waiting for anything
        await asyncio.sleep(0)
    assert await refreshing == "published"
    after = await answered_now(broker, params)
    assert after != before
    assert (await broker.ask(params=params)).raw == after


@MODULE
async def test_an_answer_that_was_confirmed_lasts_longer(broker: Broker) -> None:
    params, day = asked("{ parkingMeters(first: 1) { totalCount } }"), 86_400
    broker.source.spoil = layer("parking_meters", "", "")
    await broker.refresh("mim.parking_meters")
    broker.age("mim.parking_meters", day - 30)
    first = await broker.ask(params=params)
    assert int(first.headers["cache-control"].rpartition("=")[2]) in range(20, 31)
    assert await broker.refresh("mim.parking_meters") == "unchanged"
    with broker.executes(0):
        again = await broker.ask(params=params)
        assert again.headers["cache-control"] == "public, max-age=3600"
        broker.age("mim.parking_meters", 2 * day - 2)
        await broker.ask(params=params)
    await asyncio.sleep(2.1)
    with broker.executes(1):
        assert "extensions" in (await broker.ask(params=params)).json  # stale by now, though it was kept
    await broker.refresh("mim.parking_meters")
