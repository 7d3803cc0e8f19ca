"""What is measured over HTTP: the broker as it is served, beside its peers and a bare server, all running at the same time.

One process of the broker keeps its answers, another one none. Both read a store that holds the sample; they refresh nothing, so
that no refresh falls into a round. Answers are compared before they are timed, and after.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import orjson

from bench.peers.comparison import compared, peers
from bench.peers.content import BODY, QUERY, checked
from bench.peers.load import Load, ask, in_turn
from bench.peers.servers import fixed, running
from bench.process import ROOT, free_port
from bench.rounds import Figures

__all__ = ["Served", "command", "measure", "served"]

QUERIES = ROOT / "docs" / "queries"
ALONE = {"rounds": 3, "seconds": 1, "warming": 1, "connections": 1}
OF_THE_CONNECTION = {"date", "server", "connection", "transfer-encoding"}
"""Headers that uvicorn adds by itself."""


@dataclass(frozen=True, slots=True)
class Served:
    """A broker that answers: the address of its endpoint, and its process."""

    url: str
    pid: int


@contextmanager
def served(file: str, **settings: str) -> Iterator[Served]:
    """A broker on the store in this file, with these settings; one process, which has answered a query."""
    port = free_port()
    with running(*command(file, port, settings)) as pid:
        url = f"http://127.0.0.1:{port}/graphql"
        ask(url, b'{"query": "{ __typename }"}')
        yield Served(url, pid)


def command(file: str, port: int, settings: Mapping[str, str]) -> tuple[list[str], int, dict[str, str]]:
    """What starts a broker: the command, its port, its environment."""
    told = {"store": f"sqlite:///{file}", "log_level": "error", "refresh__schedule": "false", **settings}
    environment = {f"BROKER_{name.upper()}": value for name, value in told.items()}
    return [str(Path(sys.executable).with_name("broker")), "serve", "--port", str(port)], port, environment


def measure(file: str) -> dict[str, Any]:
    """Every figure, by what was asked and who answered; a number a round."""
    with ExitStack() as stack:
        anew, kept = (stack.enter_context(served(file, **more)).url for more in ({"kept_mib": "0"}, {}))
        data = checked(orjson.loads(ask(anew, BODY))["data"])
        servers = stack.enter_context(peers(data))
        bare = stack.enter_context(fixed(len(ask(anew, BODY))))
        joined = {"broker": anew, "mercurius": servers["mercurius"], "tailcall": servers["tailcall"]}
        repeated = {"broker": kept, "mercurius": servers["mercurius_cached"], "tailcall": servers["tailcall_cached"]}
        return {
            "joined": compared(joined, data),
            "joined_alone": compared(joined, data, **ALONE),
            "repeated": compared(repeated, data, bare),
            "unchanged": stack.enter_context(_unchanged(kept)),
            "queries": {path.stem: _query(path, anew, kept) for path in sorted(QUERIES.glob("*.graphql"))},
        }


@contextmanager
def _unchanged(kept: str) -> Iterator[dict[str, Figures]]:
    """A page that the client has already, beside a bare server that says so with the same headers."""
    path = f"?query={quote(QUERY)}"
    with urlopen(kept + path) as response:
        given = {"If-None-Match": str(response.headers["etag"])}
    status, headers = _asked(kept + path, given)
    told = {name.lower(): value for name, value in headers.items() if name.lower() not in OF_THE_CONNECTION}
    with fixed(0, told) as bare:
        addresses = {"broker": kept + path, "fixed": bare + path}
        if {status} | {_asked(one, given)[0] for one in addresses.values()} != {304}:
            raise SystemExit(f"{kept} does not know its own ETag again")
        yield in_turn(addresses, Load(None, given))


def _asked(url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    """The status and the headers of an answer."""
    try:
        with urlopen(Request(url, headers=dict(headers))) as response:
            return response.status, response.headers
    except HTTPError as answer:
        return answer.code, answer.headers


def _query(path: Path, anew: str, kept: str) -> dict[str, Figures]:
    """One of the documented queries, by one client."""
    variables = path.with_suffix(".json")
    given = orjson.loads(variables.read_bytes()) if variables.exists() else {}
    body = orjson.dumps({"query": path.read_text("utf-8"), "variables": given})
    answers = {ask(url, body) for url in (anew, kept)}
    if len(answers) > 1 or b'"errors"' in answers.pop():
        raise SystemExit(f"{path.name} is not answered alike")
    return in_turn({"anew": anew, "kept": kept}, Load(body, **ALONE))
