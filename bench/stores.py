"""What a kept answer costs on either store: the CPU time of this process for each, asked in turn over ASGI.

One request at a time, not byte for byte the same as the one before, so that nothing but the kept answer is given again. A server's versions
are looked up beside the requests; that thread's time is counted too.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from bench.rounds import middle, ratio
from broker.app import Engine
from broker.settings import Settings
from broker.telemetry import configure
from tests.city import postgres

__all__ = ["measure"]

QUERY = "{ stops(first: 20) { totalCount nodes { id name zone } } }"
ROUNDS, TIMES = 7, 3_000


async def measure() -> dict[str, Any]:
    """The microseconds of a kept answer, and their ratio."""
    configure("error", "console")
    with tempfile.TemporaryDirectory() as folder, postgres.running() as cluster:
        urls = {"sqlite": f"sqlite:///{folder}/store.sqlite", "postgis": cluster.database()}
        engines = {name: Engine.open(Settings.load(store=url, sample=True)) for name, url in urls.items()}
        for one in engines.values():
            await one.fill()
        found: dict[str, list[float]] = {name: [] for name in engines}
        for counted in (False, *[True] * ROUNDS):
            for name, one in engines.items():
                took = await _microseconds(_asker(one))
                if counted:
                    found[name].append(took)
        for one in engines.values():
            one.store.close()
    return {
        "kept_us": {name: middle(values) for name, values in found.items()},
        "postgis to sqlite": ratio(found["postgis"], found["sqlite"]),
    }


async def _microseconds(ask: Callable[[], Awaitable[None]]) -> float:
    for _ in range(20):
        await ask()
    started = time.process_time()
    for _ in range(TIMES):
        await ask()
    return (time.process_time() - started) / TIMES * 1e6


def _asker(engine: Engine) -> Callable[[], Awaitable[None]]:
    """Asks the same in a form that differs each time: by a header that nobody looks at."""
    numbers = itertools.count()
    body = orjson.dumps({"query": QUERY})

    async def ask() -> None:
        marked = [(b"content-type", b"application/json"), (b"x-number", str(next(numbers)).encode())]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": marked}
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        await engine.endpoint(scope, receive, send)
        await asyncio.sleep(0)  # as between requests: within one turn of the event loop the versions are looked at once
        assert status == 200

    return ask
