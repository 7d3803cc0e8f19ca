"""Processes of a bad night: one that refreshes on and on whatever comes, one that asks all the while and judges each answer.

``python -m tests.faults.night refresh URL FIRST STEP`` makes the generations FIRST, FIRST + STEP, …, and says how each round ended;
``python -m tests.faults.night read URL ANSWERS SECONDS`` asks until it has judged so many answers and so long, and says what it met.
"""

import asyncio
import sys
import time
from collections import Counter
from hashlib import blake2b
from typing import Any

import orjson

from broker.app import core
from broker.endpoint import Endpoint
from broker.errors import BrokerError
from broker.live import Live
from broker.on_demand import OnDemand
from broker.refresh import Refresher
from broker.search import Search
from broker.settings import Settings
from broker.store import SqlStore, open_store, versions
from broker.telemetry import configure
from resolvers.context import Context
from resolvers.schema import build
from tests.faults.generations import CATALOG, Generation, generation_of, refreshed, say

PAGE_SECONDS = 0.15
"""How long a page takes, so that most moments are in the middle of a draft."""
QUESTIONS = tuple(
    f"{{ {root}(first: 1000) {{ totalCount nodes {{ key name provenance {{ version versionId }} }} }} }}"
    for root in ("stones", "gems")
)


async def refresh(url: str, number: int, step: int) -> None:
    """Refresh for ever."""
    versions.BATCH = 60
    Generation.pause = PAGE_SECONDS
    store = opened(url)
    while True:
        say(begun=number)
        try:
            say(ended=number, outcomes=[(one.outcome, one.error) for one in await refreshed(store, number)])
        except BrokerError as error:
            say(ended=number, outcomes=[("failed", str(error))])
        number += step
        await asyncio.sleep(0.1)


def opened(url: str) -> SqlStore:
    """The store; while it is away, it is tried again."""
    until = time.monotonic() + 60
    while True:
        try:
            return open_store(url, CATALOG)
        except BrokerError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


class Judge:
    """Knows which answers are right: the whole of one generation, its count, and one generation for one version's id."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._known: set[bytes] = set()
        self._generations: dict[tuple[str, str], int] = {}

    def judge(self, body: bytes) -> None:
        """Count an answer; one that was judged before is as right as it was."""
        print_ = blake2b(body, digest_size=16).digest()
        if print_ in self._known:
            self.counts["right"] += 1
            return
        answer = orjson.loads(body)
        if "errors" in answer:
            for one in answer["errors"]:
                self.counts[one["extensions"]["code"]] += 1
            return
        ((root, page),) = answer["data"].items()
        verdict = self._verdict(root, page)
        self.counts["wrong" if verdict else "right"] += 1
        if verdict:
            self.wrong.append(verdict)
        else:
            self._known.add(print_)

    def _verdict(self, root: str, page: dict[str, Any]) -> str:
        nodes = page["nodes"]
        found = generation_of({(one["key"], one["name"]) for one in nodes})
        ids = {one["provenance"]["versionId"] for one in nodes}
        if not found or page["totalCount"] != len(nodes) or len(ids) != 1:
            return f"{root}: {len(nodes)} rows of {page['totalCount']}, generation {found}, versions {ids}"
        known = self._generations.setdefault((root, *ids), found)
        return "" if known == found else f"{root}: version {ids} was generation {known} and is {found}"


async def read(url: str, answers: int, seconds: float) -> None:
    """Ask and judge."""
    settings, store = Settings.load(sample=True), opened(url)
    async with Refresher(CATALOG, store, settings) as refresher:
        live, on_demand, search = Live(refresher, store), OnDemand(refresher), Search(store)
        endpoint = Endpoint(
            core(build(CATALOG)),
            lambda: Context(CATALOG, store, live, on_demand, search, settings),
            settings.limits,
            store=store,
            room=64 << 20,
        )
        judge, until = Judge(), time.monotonic() + seconds
        say(reading=True)
        while time.monotonic() < until or judge.counts["right"] < answers:
            for body in await asyncio.gather(*(asked(endpoint, one) for one in QUESTIONS * 4)):
                judge.judge(body)
            await asyncio.sleep(0)
    say(counts=judge.counts, wrong=judge.wrong[:5])
    store.close()


async def asked(endpoint: Endpoint, query: str) -> bytes:
    """The body of one answer, over ASGI as a server would have it."""
    body, sent = orjson.dumps({"query": query}), []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    await endpoint(scope, receive, send)  # type: ignore[arg-type]  # messages as they are
    return b"".join(sent)


if __name__ == "__main__":
    configure("error", "console")
    role, url, *rest = sys.argv[1:]
    if role == "refresh":
        asyncio.run(refresh(url, int(rest[0]), int(rest[1])))
    else:
        asyncio.run(read(url, int(rest[0]), float(rest[1])))
