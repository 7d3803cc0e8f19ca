"""How fast the three contract queries are answered over HTTP, beside a bare server of fixed bytes in the same run.

Every query is asked in two ways: the same document again and again, as a front end asks, and a document that is new each time
(a comment makes it so), which no cache can answer. The clients run in this process, so the ceiling is what they can ask of
`fixed`, not what the machine could serve; the ratios are to that.
"""

# ruff: noqa: TID251 - the client is what measures here, and a child is told its settings by the environment

import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bench.process import ROOT, free_port

__all__ = ["measure"]

QUERIES = ROOT / "docs" / "queries"
CLIENTS = (1, 32)
SECONDS = 3.0
WARMING = 20
START_SECONDS = 60.0


async def measure() -> dict[str, Any]:
    """Every figure of the queries, as the results file keeps it."""
    found: dict[str, Any] = {}
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        async with _server(port, _broker(port, folder), "/health/ready") as seconds:
            found["filled_after_seconds"] = round(seconds, 2)
            for path in sorted(QUERIES.glob("*.graphql")):
                found[path.stem] = await _query(
                    path.read_text("utf-8"), _variables(path), f"http://127.0.0.1:{port}/graphql"
                )
    sizes = {name: one["bytes"] for name, one in found.items() if isinstance(one, dict)}
    for name, size in sizes.items():
        port = free_port()
        async with _server(port, [sys.executable, "-m", "bench.fixed", str(port), str(size)], "/"):
            one = found[name]
            one["fixed"] = await _load(f"http://127.0.0.1:{port}/", itertools.repeat(b"{}").__next__)
            for way in ("same", "new"):
                one[f"{way}_to_fixed_p50"] = {
                    clients: round(one[way][clients]["p50_ms"] / one["fixed"][clients]["p50_ms"], 1)
                    for clients in one["fixed"]
                }
    return found


def _broker(port: int, folder: str) -> list[str]:
    os.environ["BROKER_STORE"] = f"sqlite:///{folder}/store.sqlite"
    os.environ["BROKER_SAMPLE"] = "true"
    os.environ["BROKER_LOG_LEVEL"] = "warning"
    return [str(Path(sys.executable).with_name("broker")), "serve", "--port", str(port)]


@asynccontextmanager
async def _server(port: int, command: list[str], ready: str) -> AsyncIterator[float]:
    """The server while it runs; gives the seconds until it was ready. Raises `SystemExit` when it does not start."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with aiohttp.ClientSession() as session:
            while not await _answers(session, f"http://127.0.0.1:{port}{ready}"):
                if process.returncode is not None or time.perf_counter() - started > START_SECONDS:
                    raise SystemExit(f"{' '.join(command)} did not start")
                await asyncio.sleep(0.02)
        yield time.perf_counter() - started
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.ok
    except aiohttp.ClientError:
        return False


def _variables(path: Path) -> dict[str, Any]:
    values = path.with_suffix(".json")
    return dict(orjson.loads(values.read_bytes())) if values.exists() else {}


async def _query(document: str, variables: dict[str, Any], url: str) -> dict[str, Any]:
    body = orjson.dumps({"query": document, "variables": variables})
    numbers = itertools.count()

    def new() -> bytes:
        return orjson.dumps({"query": f"# {next(numbers)}\n{document}", "variables": variables})

    async with aiohttp.ClientSession() as session:
        answer = await _ask(session, url, body)
    if "errors" in orjson.loads(answer):
        raise SystemExit(f"{document[:60]!r}: {answer[:500].decode()}")
    return {
        "bytes": len(answer),
        "same": await _load(url, itertools.repeat(body).__next__),
        "new": await _load(url, new),
    }


async def _load(url: str, body: Callable[[], bytes]) -> dict[str, dict[str, float]]:
    """Latencies by number of clients, each of which asks again as soon as it is answered."""
    return {str(clients): await _clients(url, body, clients) for clients in CLIENTS}


async def _clients(url: str, body: Callable[[], bytes], clients: int) -> dict[str, float]:
    took: list[float] = []
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(WARMING):
            await _ask(session, url, body())
        until = time.perf_counter() + SECONDS

        async def one() -> None:
            while (started := time.perf_counter()) < until:
                await _ask(session, url, body())
                took.append(time.perf_counter() - started)

        await asyncio.gather(*(one() for _ in range(clients)))
    cuts = statistics.quantiles(took, n=100)
    return {
        "p50_ms": round(cuts[49] * 1000, 2),
        "p99_ms": round(cuts[98] * 1000, 2),
        "per_second": round(len(took) / SECONDS),
    }


async def _ask(session: aiohttp.ClientSession, url: str, body: bytes) -> bytes:
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
        answer = await response.read()
        if not response.ok:
            raise SystemExit(f"{url}: {response.status} {answer[:500].decode()}")
        return answer
