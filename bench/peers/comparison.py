"""Every peer under the same load, in turn; each must answer as the broker does, before the load and after it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.peers.content import BODY, write
from bench.peers.load import Load, check, in_turn
from bench.peers.servers import mercurius, nginx, tailcall
from bench.rounds import Figures

__all__ = ["compared", "peers"]

PEERS: dict[str, Callable[[str], AbstractContextManager[str]]] = {
    "mercurius": partial(mercurius, cache=False),
    "tailcall": partial(tailcall, cache=False),
    "mercurius_cached": partial(mercurius, cache=True),
    "tailcall_cached": partial(tailcall, cache=True),
}


@contextmanager
def peers(data: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The addresses of the peers by their names, all over one upstream that serves this page of the broker."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write(folder, data)
        upstream = stack.enter_context(nginx(folder))
        yield {name: stack.enter_context(peer(upstream)) for name, peer in PEERS.items()}


def compared(servers: dict[str, str], data: dict[str, Any], fixed: str | None = None, **how: int) -> dict[str, Figures]:
    """The figures of servers that answer with this page; and of one with as many fixed bytes, if there is one."""
    for url in servers.values():
        check(url, BODY, data)
    found = in_turn({**servers, **({"fixed": fixed} if fixed else {})}, Load(BODY, **how))
    for url in servers.values():
        check(url, BODY, data)
    return found
