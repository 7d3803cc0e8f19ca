"""Load on a server: wrk on the loopback interface, with one thread, that posts one body again and again."""

import subprocess
import tempfile
from pathlib import Path
from urllib.request import Request, urlopen

import orjson

from bench.peers.servers import program

__all__ = ["ask", "check", "wrk"]

SCRIPT = Path(__file__).with_name("load.lua")
WARMING_SECONDS = 1


def wrk(url: str, body: bytes, seconds: int = 5, connections: int = 16) -> dict[str, float]:
    """Requests a second and latencies, after a second of warming up.

    Raises `SystemExit` when a request was not answered or answered with a status above 399.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        _wrk(url, file.name, WARMING_SECONDS, connections)
        return _wrk(url, file.name, seconds, connections)


def _wrk(url: str, body: str, seconds: int, connections: int) -> dict[str, float]:
    options = [
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{seconds}s",
        "--script",
        str(SCRIPT),
    ]
    made = subprocess.run([program("wrk"), *options, url, "--", body], check=True, capture_output=True)
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
