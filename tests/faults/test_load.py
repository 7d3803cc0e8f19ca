"""Twice what the machine serves while sources flap and refreshes run: every answer is right or a 503, and memory stays flat."""

import asyncio
import os
import random
import statistics
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.process import free_port, own_mib
from broker.catalog import Catalog
from broker.flights import PATIENCE
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import open_store
from broker.upstream import Request
from connectors.mim import MIM, Stop
from tests.city import faulty
from tests.city.faulty import Faulty
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE

SECONDS = 120.0 if WHOLE else 8.0
MEASURED_SECONDS = 2.0
AT_ONCE = 32
MOST_OPEN = 300
BOUND_SECONDS = 30.0
STOPS = Stop.__dataset__
CATALOG = Catalog.load()
LIVE = next(one for one in CATALOG.datasets.values() if one.refresh.live)
TEXTS = ("", "a", "rynek", "os.", "park", "dworzec", "ka", "no", "ul", "most")
QUERY = """query Load($n: Int!, $t: String!) {
  all: stops { totalCount }
  marked: stops(filter: {zone: {eq: "X"}}) { totalCount }
  some: stops(first: $n, filter: {name: {contains: $t}}) { totalCount nodes { name zone } } }"""
LIVE_QUERY = f"{{ {LIVE.root}(first: 3) {{ totalCount nodes {{ id }} }} }}"
WAYS = (faulty.good, faulty.good, faulty.status(500), faulty.status(429, "Retry-After: 1"), faulty.hang, faulty.cut)


class Marked:
    """The stops, of which in every second generation all are marked."""

    def __init__(self) -> None:
        self.generation = 0

    def spoil(self, request: Request, body: bytes) -> bytes:
        if request.params.get("co") != "cluster" or self.generation % 2 == 0:
            return body
        document = orjson.loads(body)
        for one in document["features"]:
            one["properties"]["zone"] = "X"
        return orjson.dumps(document)


class Client:
    """Asks over connections that are kept open, each request on a free one."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self.open = 0

    async def ask(self, query: str, **variables: Any) -> tuple[int, Any]:
        """The status and the body; a connection that the server has closed while it was idle is no answer."""
        body = orjson.dumps({"query": query, "variables": variables})
        self.open += 1
        try:
            async with asyncio.timeout(BOUND_SECONDS):
                while self.idle:
                    try:
                        return await self.sent(body, *self.idle.pop())
                    except (asyncio.IncompleteReadError, ConnectionError):
                        continue
                return await self.sent(body, *await asyncio.open_connection("127.0.0.1", self.port))
        finally:
            self.open -= 1

    async def sent(self, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, Any]:
        """One request over one connection, which is free again afterwards."""
        head = f"POST /graphql HTTP/1.1\r\nHost: city\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            writer.write(head.encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            size = next(int(one.split(":")[1]) for one in lines if one.startswith("content-length:"))
            answer = orjson.loads(await reader.readexactly(size))
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return int(lines[0].split(" ")[1]), answer

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


class Checked:
    """Sends random requests of which the right answer is known."""

    def __init__(self, client: Client, counts: dict[str, int], total: int, tally: Tally) -> None:
        self.client = client
        self.counts = counts
        self.total = total
        self.tally = tally
        self.seen: Counter[str] = Counter()
        self.took: list[float] = []
        self.pick = random.Random(2017)

    async def once(self) -> None:
        if self.pick.random() < 0.1:
            status, answer = await self.timed(LIVE_QUERY)
            self.judge(status, answer, lambda: self.live(answer))
            return
        text = self.pick.choice(TEXTS)
        status, answer = await self.timed(QUERY, n=self.pick.randrange(1, 300), t=text)
        self.judge(status, answer, lambda: self.stops(answer, text))

    async def timed(self, query: str, **variables: Any) -> tuple[int, Any]:
        """Ask; how long it took counts when it was accepted."""
        begun = time.monotonic()
        status, answer = await self.client.ask(query, **variables)
        if status == 200:
            self.took.append(time.monotonic() - begun)
        return status, answer

    def judge(self, status: int, answer: Any, right: Any) -> None:
        became = "refused" if status == 503 else "accepted"
        with self.tally.case(f"load_{became}"):
            assert status in (200, 503), (status, answer)
            if status == 200:
                right()
        self.seen[became] += 1

    def stops(self, answer: Any, text: str) -> None:
        assert "errors" not in answer, answer["errors"]
        data = answer["data"]
        every, marked = data["all"]["totalCount"], data["marked"]["totalCount"]
        assert every == self.total
        assert marked in (0, self.total)
        assert data["some"]["totalCount"] == self.counts[text]
        assert all((one["zone"] == "X") == (marked > 0) for one in data["some"]["nodes"])

    def live(self, answer: Any) -> None:
        codes = {one["extensions"]["code"] for one in answer.get("errors", ())}
        assert codes <= {"SOURCE_UNAVAILABLE"}, answer["errors"]
        found = answer["data"][LIVE.root]
        assert (found is None) == bool(codes)
        assert found is None or found["nodes"]


def addresses(folder: Path, **urls: str) -> dict[str, Any]:
    return {
        "sample": False,
        "store": f"sqlite:///{folder}/store.sqlite",
        "sources": {source: {"base_url": url} for source, url in urls.items()},
        "upstream": {"timeout_seconds": 1.5, "attempts": 1},
        "refresh": {"schedule": False},
        "log_level": "error",
    }


@asynccontextmanager
async def serving(given: dict[str, Any]) -> AsyncIterator[tuple[Client, int]]:
    """A broker in a process of its own, a client of it, and its process id."""
    port = free_port()
    own = {
        f"BROKER_{name.upper()}": one if isinstance(one, str) else orjson.dumps(one).decode()
        for name, one in given.items()
    }
    command = [sys.executable, "-m", "broker", "serve", "--port", str(port)]
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(*command, cwd=root, env={**os.environ, **own})  # noqa: TID251 - a child's own
    client = Client(port)
    try:
        async with asyncio.timeout(BOUND_SECONDS):
            while True:
                try:
                    await client.ask("{ __typename }")
                except OSError:
                    await asyncio.sleep(0.1)
                else:
                    break
        yield client, process.pid
    finally:
        client.close()
        process.terminate()
        await process.wait()


async def flapping(sources: list[Faulty], stops: Marked, refresher: Refresher, seen: Counter[str]) -> None:
    """Refresh without end, from sources that are well or not."""
    pick = random.Random(5)
    while True:
        stops.generation += 1
        for one in sources:
            one.sending = pick.choice(WAYS)
        seen[(await refresher.refresh(STOPS)).outcome] += 1
        await asyncio.sleep(0.05)


async def fastest(checked: Checked) -> float:
    """How many requests a second are answered when many clients ask as fast as they can."""
    until = time.monotonic() + MEASURED_SECONDS

    async def client() -> None:
        while time.monotonic() < until:
            await checked.once()

    await asyncio.gather(*(client() for _ in range(8)))
    return checked.seen["accepted"] / MEASURED_SECONDS


async def overloaded(checked: Checked, rate: float, seconds: float) -> None:
    """So many requests a second, whether they are answered or not; beyond a bound clients turn away."""
    async with asyncio.TaskGroup() as group:
        begun, sent = time.monotonic(), 0
        while (now := time.monotonic() - begun) < seconds:
            for _ in range(int(now * rate) - sent):
                sent += 1
                if checked.client.open < MOST_OPEN:
                    group.create_task(checked.once())
                else:
                    checked.seen["turned away"] += 1
            await asyncio.sleep(0.005)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_twice_what_the_machine_serves(tmp_path: Path, tally: Tally) -> None:
    stops, refreshes = Marked(), Counter[str]()
    async with AsyncExitStack() as stack:
        sources = {}
        for one in {source.id: source for source in (MIM, LIVE.source)}.values():
            assert one.sample is not None
            sources[one.id] = await stack.enter_async_context(Faulty(one.sample, one.base_url))
            sources[one.id].spoil = stops.spoil
        given = addresses(tmp_path, **{id: one.base_url for id, one in sources.items()})
        await asyncio.to_thread(
            MIM.sample,
            Request("GET", f"{MIM.base_url}/plan/map_service.html", {"mtype": "pub_transport", "co": "cluster"}),
        )
        store = open_store(given["store"], CATALOG)
        stack.callback(store.close)
        refresher = await stack.enter_async_context(Refresher(CATALOG, store, Settings.load(**given)))
        assert (await refresher.refresh(STOPS)).error is None
        client, pid = await stack.enter_async_context(serving(given))
        counts = {text: (await client.ask(QUERY, n=1, t=text))[1]["data"]["some"]["totalCount"] for text in TEXTS}
        checked = Checked(client, counts, store.version(STOPS).records, tally)
        changing = asyncio.create_task(flapping(list(sources.values()), stops, refresher, refreshes))
        rate = 2 * await fastest(checked)
        await overloaded(checked, rate, SECONDS / 2)
        middle = own_mib(pid)
        await overloaded(checked, rate, SECONDS / 2)
        end = own_mib(pid)
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
    hundredths = statistics.quantiles(checked.took, n=100)
    median, slow = hundredths[49], hundredths[98]
    tally.figures |= {"load_p50_ms": round(median * 1000), "load_p99_ms": round(slow * 1000)}
    assert slow < 2 * PATIENCE, slow  # a source that hangs is waited for so long, and there is work besides
    assert checked.seen["accepted"] > 100
    assert refreshes["published"] > 1
    assert refreshes["failed"] > 1
    assert end < middle * 1.3 + 32, (middle, end)
