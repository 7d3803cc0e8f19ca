"""A broker over three sources that a test can change, which counts how often it executes something."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from broker.app import Engine
from broker.endpoint import Context
from broker.settings import Settings
from broker.store import Published
from connectors.mim import MIM
from connectors.nextbike import NEXTBIKE
from connectors.ztm import ZTM
from tests.city.replica import Replica

__all__ = ["Broker", "Counted", "asked", "layer", "running"]

Ask = Callable[..., Awaitable[Any]]
SETS = ("mim.districts", "mim.stops", "mim.events", "mim.parking_meters")


@dataclass
class Counted:
    """The endpoint's own maker of contexts, called once for each execution, and how often it was."""

    make: Callable[[], Context]
    count: int = 0

    def __call__(self) -> Context:
        self.count += 1
        return self.make()

    @contextmanager
    def executes(self, times: int) -> Iterator[None]:
        """What is done within executes so many operations."""
        before = self.count
        yield
        assert self.count - before == times, (self.count - before, times)


@dataclass(frozen=True)
class Broker:
    """The broker, how to ask it, and the sources it reads: the one whose data sets are filled, and the live ones."""

    engine: Engine
    ask: Ask
    source: Replica
    bikes: Replica
    monitor: Replica
    made: Counted
    file: Path

    @property
    def executes(self) -> Any:
        return self.made.executes

    def published(self, id: str) -> Published:
        return self.engine.store.versions()[id]

    async def refresh(self, id: str) -> str:
        """Refresh a data set, truly; how it went."""
        return (await self.engine.refresher.refresh(self.engine.catalog.datasets[id])).outcome

    def age(self, id: str, seconds: float) -> datetime:
        """Let the last refresh of a data set have been so long ago, as another process would write it."""
        checked = datetime.now(UTC) - timedelta(seconds=seconds)
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(
                "UPDATE broker_versions SET checked_at = ? WHERE dataset = ?",
                (checked.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), id),
            )
        return checked

    @contextmanager
    def without_versions(self) -> Iterator[None]:
        """What is done within finds a store that cannot tell its versions."""
        self._rename("broker_versions", "elsewhere")
        try:
            yield
        finally:
            self._rename("elsewhere", "broker_versions")

    def _rename(self, table: str, name: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(f"ALTER TABLE {table} RENAME TO {name}")


def settings(file: Path, sources: dict[str, Replica], **more: Any) -> Settings:
    return Settings.load(
        store=f"sqlite:///{file}",
        sample=False,
        sources={id: {"base_url": one.base_url} for id, one in sources.items()},
        refresh={"schedule": False},
        **more,
    )


@asynccontextmanager
async def running(folder: Path, asker: Callable[..., Ask], **more: Any) -> AsyncIterator[Broker]:
    """The broker with four data sets filled; the live one is not, and the others are left empty."""
    assert MIM.sample is not None
    assert NEXTBIKE.sample is not None
    assert ZTM.sample is not None
    file = folder / "store.sqlite"
    async with (
        Replica(MIM.sample, MIM.base_url) as source,
        Replica(NEXTBIKE.sample, NEXTBIKE.base_url) as bikes,
        Replica(ZTM.sample, ZTM.base_url) as monitor,
    ):
        engine = Engine.open(settings(file, {"mim": source, "nextbike": bikes, "ztm": monitor}, **more))
        made = Counted(engine.endpoint.context)
        engine.endpoint.context = made
        async with engine.running():
            await engine.refresher.refresh_all([engine.catalog.datasets[id] for id in SETS])
            yield Broker(engine, asker(engine.endpoint), source, bikes, monitor, made, file)


def layer(name: str, old: str, new: str) -> Callable[[Any, bytes], bytes]:
    """What a replica sends, with another text in one layer of the map."""
    return lambda request, body: body.replace(old.encode(), new.encode()) if request.params.get("co") == name else body


def asked(query: str, **more: Any) -> dict[str, str]:
    """The parameters of a GET."""
    return {
        "query": query,
        **{name: one if isinstance(one, str) else orjson.dumps(one).decode() for name, one in more.items()},
    }
