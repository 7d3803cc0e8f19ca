"""Load on servers: wrk on the loopback interface, with one thread, that asks one thing again and again."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

import orjson

from bench.peers.servers import program
from bench.rounds import Figures

__all__ = ["Load", "ask", "check", "in_turn"]

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked, and how: a body to POST or none to GET, for so many seconds a round, over so many connections.

    ``warming`` is in seconds too, and comes once, before the rounds.
    """

    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 5
    seconds: int = 2
    warming: int = 2
    connections: int = 16


def in_turn(servers: Mapping[str, str], load: Load) -> dict[str, Figures]:
    """Requests a second and latencies of each round, by the server's name.

    All servers run the whole time and are asked one after the other, round by round, so that a slow moment of the machine
    meets all of them. Raises `SystemExit` when a request was not answered or answered with a status above 399.
    """
    found: dict[str, Figures] = {name: {"per_second": [], "p50_ms": [], "p99_ms": []} for name in servers}
    for url in servers.values():
        _wrk(url, load, load.warming)
    for _ in range(load.rounds):
        for name, url in servers.items():
            for figure, value in _wrk(url, load, load.seconds).items():
                found[name][figure].append(value)
    return found


def _wrk(url: str, load: Load, seconds: int) -> dict[str, float]:
    options = ["--threads", "1", "--connections", str(load.connections), "--duration", f"{seconds}s"]
    for name, value in load.headers.items():
        options += ["--header", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile() as file:
        file.write(load.body or b"")
        file.flush()
        given = [] if load.body is None else [file.name]
        command = [program("wrk"), *options, "--script", str(SCRIPT), url, "--", *given]
        made = subprocess.run(command, check=True, capture_output=True)
    found: dict[str, float] = orjson.loads(made.stdout.rstrip().rpartition(b"\n")[2])
    if failed := found.pop("errors"):
        raise SystemExit(f"{url}: {failed} requests failed")
    return found


def ask(url: str, body: bytes) -> bytes:
    """What a server answers to the body."""
    with urlopen(Request(url, body, {"Content-Type": "application/json"})) as response:
        answer: bytes = response.read()
    return answer


def check(url: str, body: bytes, data: object) -> None:
    """Raise `SystemExit` when a server's answer holds anything but this data."""
    answer = ask(url, body)
    if orjson.loads(answer) != {"data": data}:
        raise SystemExit(f"{url} does not answer as the broker does: {answer[:500].decode(errors='replace')}")
