"""What a bad night is made of: children that refresh and readers that judge (see `tests.faults.night`), and how it has to end."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from broker.store import open_store
from broker.store.leases import TERM
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE
from tests.faults.generations import CATALOG, generation_of, kept

__all__ = ["ANSWERS", "Process", "check_store", "first_to_publish", "night"]

ROOT = Path(__file__).parents[2]
ANSWERS = 100_000 if WHOLE else 2_000
SECONDS = "5" if WHOLE else "2"
"""How long a reader asks at least."""
SETTLING = TERM.total_seconds() + 10
"""Seconds within which a new process has taken over whatever another one left."""


class Process:
    """A child of `tests.faults.night`, whose lines are read as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, *arguments: str, **environment: str) -> "Process":
        """Start one."""
        command = [sys.executable, "-m", "tests.faults.night", *arguments]
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, **environment},  # noqa: TID251 - the child's own
            )
        )

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(orjson.loads(line))

    def signal(self, which: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(which)

    async def until(self, seconds: float, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a line from now on."""
        seen = len(self.said)
        async with asyncio.timeout(seconds):
            while True:
                for one in self.said[seen:]:
                    if found(one):
                        return one
                seen = len(self.said)
                await asyncio.sleep(0.05)

    async def published(self, seconds: float = SETTLING) -> None:
        """Wait until it has published everything once more, which nobody else does meanwhile."""
        await self.until(seconds, lambda one: all(told[0] == "published" for told in one.get("outcomes", [["no"]])))

    async def published_some(self, seconds: float = SETTLING) -> None:
        """Wait until it has published something once more."""
        await self.until(seconds, lambda one: any(told[0] == "published" for told in one.get("outcomes", [])))

    async def end(self) -> list[dict[str, Any]]:
        """End it, and give all that it said."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._listening
        return self.said

    async def judged(self) -> dict[str, Any]:
        """What a reader has found, when it has ended."""
        async with asyncio.timeout(300):
            await self.process.wait()
            await self._listening
        return self.said[-1]


@asynccontextmanager
async def night(url: str, tally: Tally, name: str, *readers: str, refreshing: int = 2) -> AsyncIterator[list[Process]]:
    """A night: some who refresh, and readers whose answers must all be right, at its end too."""
    async with AsyncExitStack() as stack:
        writers = []
        for one in range(refreshing):
            writers.append(await Process.start("refresh", url, str(one + 1), str(refreshing)))
            stack.push_async_callback(writers[-1].end)
            if one == 0:
                await writers[0].published()
        reading = [await Process.start("read", one, str(ANSWERS), SECONDS) for one in readers or (url,)]
        for one in reading:
            stack.push_async_callback(one.end)
            await one.until(60, lambda said: "reading" in said)
        yield writers
        for one in reading:
            found = await one.judged()
            right = found["counts"]["right"]
            tally.cases[f"night_{name}"] += right
            tally.losses[f"night_{name}"] += len(found["wrong"])
            assert not found["wrong"], found
            assert found["counts"].keys() <= {"right", "STORE_UNAVAILABLE", "VERSION_GONE"}, found
            assert right >= ANSWERS


def check_store(url: str) -> None:
    """Every version that is there is whole, and holds as many records as it says."""
    store = open_store(url, CATALOG)
    try:
        with store.reading() as connection:
            rows = connection.execute(store.own.versions.select()).all()
        assert rows
        for row in rows:
            content = kept(store, CATALOG.datasets[row.dataset], row.number)
            assert generation_of(content), (row, len(content))
            assert len(content) == row.records
    finally:
        store.close()


async def first_to_publish(*those: Process) -> None:
    """Wait until one of those who refresh has published something."""
    waiting = [asyncio.create_task(one.published_some(60)) for one in those]
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for one in done:
        one.result()
