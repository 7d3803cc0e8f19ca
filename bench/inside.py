"""What is measured without HTTP: the broker's endpoint in this process, beside other ways to the same bytes.

``python -m bench.inside fill FILE`` makes a store with the sample, ``sample FILE`` asks it; ``deep FILE FILE`` asks a store of a
million addresses and one of ten thousand. The endpoint's `answer` never gives an answer that was kept.
"""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from bench.filled import key, opened
from bench.floor import FIELDS, Floor
from bench.process import report
from bench.rounds import Figures, milliseconds
from broker.app import Engine
from broker.endpoint import Endpoint
from broker.settings import Settings
from broker.telemetry import configure

__all__: list[str] = []

SIZE = 1_000
PAGE = f"{{ stops(first: {SIZE}) {{ nodes {{ {FIELDS} }} }} }}"
SMALL = "query($k: String!) { contracts(first: 1, filter: {entry: {eq: $k}}) { nodes { id entry subject amount signedOn } } }"
ENTRIES = "{ contracts(first: 1000) { nodes { entry } } }"
DEEP = """query($after: String) {{ addresses(first: {size}, after: $after{order}) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ id street number geometry location {{ lon lat }} }} }} }}"""
CURSOR = """query($number: String!) {{ addresses(first: 1, filter: {{number: {{eq: $number}}}}{order}) {{
    pageInfo {{ endCursor }} }} }}"""
BY_NAME = ", orderBy: [{name: ASC}]"


async def _fill(file: str) -> None:
    """Done in a process of its own: a store that has been closed has nothing left in its write-ahead log, and who reads it is new."""
    configure("error", "console")
    async with _of_the_sample(file).running():
        report(filled=file)


def _of_the_sample(file: str) -> Engine:
    return Engine.open(Settings.load(store=f"sqlite:///{file}", sample=True, log_level="error"))


async def _sample(file: str) -> None:
    configure("error", "console")
    engine = _of_the_sample(file)
    async with engine.running():
        shaped = engine.endpoint
        plain = Endpoint(shaped.schema, shaped.context, shaped.limits, shaped=False)
        version = engine.store.version(engine.catalog.datasets["mim.stops"]).number
        page = {
            "shaped": partial(shaped.answer, PAGE),
            "plain": partial(plain.answer, PAGE),
            "floor": Floor(file, version, SIZE).answer,
        }
        await _same(page, SIZE)
        found = {"page": await milliseconds(page, rounds=7, times=7)}
        nodes = (await shaped.run(ENTRIES))["data"]["contracts"]["nodes"]
        await _same({"shaped": partial(_one, shaped, nodes), "plain": partial(_one, plain, nodes)}, 1)
        found["small"] = await milliseconds(
            {"shaped": _each(shaped, nodes), "plain": _each(plain, nodes)}, rounds=7, times=len(nodes) // 8
        )
    report(**found)


async def _one(endpoint: Endpoint, nodes: list[dict[str, str]]) -> bytes:
    return await endpoint.answer(SMALL, {"k": nodes[0]["entry"]})


def _each(endpoint: Endpoint, nodes: list[dict[str, str]]) -> Callable[[], Awaitable[bytes]]:
    """Asks for another record each time."""
    keys = itertools.cycle(one["entry"] for one in nodes)
    return lambda: endpoint.answer(SMALL, {"k": next(keys)})


async def _same(ways: dict[str, Callable[[], Awaitable[bytes]]], records: int) -> None:
    """Raise `SystemExit` when the ways do not give the same bytes, with so many records."""
    answers = {name: await way() for name, way in ways.items()}
    first = next(iter(answers.values()))
    if len(set(answers.values())) > 1 or b'"errors"' in first or first.count(b'"id"') != records:
        raise SystemExit(f"{', '.join(ways)} do not answer alike: {[one[:300] for one in answers.values()]}")


async def _deep(million: str, fewer: str) -> None:
    configure("error", "console")
    large, small = opened(f"sqlite:///{million}"), opened(f"sqlite:///{fewer}")
    last = large.store.version(large.catalog.datasets["sip.addresses"]).records - SIZE - 1
    page, named = (DEEP.format(size=SIZE, order=order) for order in ("", BY_NAME))
    after, after_named = [await _cursor(large, last, order) for order in ("", BY_NAME)]
    ways = {
        "first": partial(large.endpoint.answer, page),
        "deep": partial(large.endpoint.answer, page, {"after": after}),
        "small": partial(small.endpoint.answer, page),
        "first_by_name": partial(large.endpoint.answer, named),
        "deep_by_name": partial(large.endpoint.answer, named, {"after": after_named}),
        "small_by_name": partial(small.endpoint.answer, named),
    }
    begins = f'"nodes":[{{"id":"{await _id(large, last + 1)}"'.encode()
    if begins not in await ways["deep"]() or b'"hasNextPage":false' not in await ways["deep"]():
        raise SystemExit("the deep page is not the last one")
    found: Figures = await milliseconds(ways, rounds=5, times=5)
    large.store.close()
    small.store.close()
    report(**found)


async def _cursor(engine: Engine, number: int, order: str) -> str:
    """Where a page ends that ends with this record."""
    given = await engine.endpoint.run(CURSOR.format(order=order), {"number": str(number)})
    return str(given["data"]["addresses"]["pageInfo"]["endCursor"])


async def _id(engine: Engine, number: int) -> str:
    given = await engine.endpoint.run(
        "query($key: String!) { addresses(filter: {key: {eq: $key}}) { nodes { id } } }", {"key": key(number)}
    )
    return str(given["data"]["addresses"]["nodes"][0]["id"])


if __name__ == "__main__":
    asyncio.run({"fill": _fill, "sample": _sample, "deep": _deep}[sys.argv[1]](*sys.argv[2:]))
