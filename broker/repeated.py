"""Requests that come again within a second, byte for byte: their reply lies ready, and nothing of the request is read.

A reply is given again only while it would be made the very same: by the same viewer, with no commit since, and before its rule for
caches or the answer itself has run out. Whatever is not so goes the usual way, which also keeps what is asked often from being
given up for want of room.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from starlette.types import Scope

from broker.execution.responses import Kept
from broker.reply import Reply
from broker.store import Published

__all__ = ["Repeated"]

SECOND = 1.0
MOST = 1000
LONGEST = 10_000
"""Bytes of a query string or body that are compared; what is longer goes the usual way."""

Key = tuple[str, str, bytes, tuple[tuple[bytes, bytes], ...]]


class _Ready(NamedTuple):
    """A reply, the versions it is good for, and until when (Unix time) it is the same."""

    reply: Reply
    versions: Mapping[str, Published]
    until: float


class Repeated:
    """The replies of the last second; used by one event loop."""

    def __init__(self) -> None:
        self._ready: dict[Key, _Ready] = {}

    def __bool__(self) -> bool:
        return bool(self._ready)

    def reply(self, viewer: str, scope: Scope, said: bytes, versions: Mapping[str, Published] | None) -> Reply | None:
        """The reply to a request that says this, these being the newest versions; None when it has to be found the usual way."""
        if len(said) > LONGEST:
            return None
        ready = self._ready.get(_key(viewer, scope, said))
        if ready is None or ready.versions is not versions or time.time() >= ready.until:
            return None
        return ready.reply

    def keep(self, viewer: str, scope: Scope, said: bytes, reply: Reply, kept: Kept) -> None:
        """Have a reply with a kept answer ready for this request; after a second at most it is forgotten, and its bytes with it."""
        if not self._ready:
            asyncio.get_running_loop().call_later(SECOND, self._ready.clear)
        if kept.versions is not None and len(self._ready) < MOST and len(said) <= LONGEST:
            self._ready[_key(viewer, scope, said)] = _Ready(reply, kept.versions, kept.same_until(SECOND))


def _key(viewer: str, scope: Scope, said: bytes) -> Key:
    return viewer, scope["method"], said, tuple(map(tuple, scope["headers"]))
