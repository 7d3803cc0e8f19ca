"""One request reads one snapshot of versions, whatever is published, and whatever other requests see, while it looks."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

from resolvers.context import Context


class Publishing:
    """A store in which a version is published, and seen by other requests, while this request looks for the newest."""

    def __init__(self) -> None:
        self.looked = 0
        self.seen = threading.Event()

    def known_versions(self) -> dict[str, int] | None:
        self.looked += 1
        if self.looked == 1:
            return None
        self.seen.set()
        return {"mim.stops": 2}

    def versions(self) -> dict[str, int]:
        self.seen.wait(0.2)
        return {"mim.stops": 1}


async def test_two_fields_that_look_at_once_read_the_same_versions() -> None:
    settings: Any = SimpleNamespace(limits=SimpleNamespace(answer_mib=1))
    nothing: Any = None
    store: Any = Publishing()
    context = Context(nothing, store, nothing, nothing, nothing, settings)
    first = asyncio.create_task(context.snapshot())
    await asyncio.sleep(0)
    second = asyncio.create_task(context.snapshot())
    assert await first == await second == await context.snapshot() == {"mim.stops": 1}
