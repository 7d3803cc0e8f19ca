"""Every peer under the same load, one after the other; each must answer as the broker does, before the load and after it."""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.peers.content import BODY, write
from bench.peers.load import check, wrk
from bench.peers.servers import fixed, mercurius, nginx, tailcall

__all__ = ["FIXED", "PEERS", "measure"]

PEERS: dict[str, Callable[[str], AbstractContextManager[str]]] = {
    "mercurius": partial(mercurius, cache=False),
    "tailcall": partial(tailcall, cache=False),
    "mercurius_cached": partial(mercurius, cache=True),
    "tailcall_cached": partial(tailcall, cache=True),
}
FIXED = "fixed_bytes"


def measure(data: dict[str, Any], seconds: int = 5, connections: int = 16) -> dict[str, dict[str, float]]:
    """The figures of every peer that serves this page of the broker, and of as many fixed bytes."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), data)
        with nginx(Path(folder)) as upstream:
            for name, peer in PEERS.items():
                with peer(upstream) as url:
                    check(url, BODY, data)
                    found[name] = wrk(url, BODY, seconds, connections)
                    check(url, BODY, data)
    with fixed(len(orjson.dumps({"data": data}))) as url:
        found[FIXED] = wrk(url, BODY, seconds, connections)
    return found
