"""What the figures were made on and with: the processor, versions of everything that took part, and what else was going on."""

import os
import platform
import re
import resource
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import orjson

from bench.peers.servers import installed, program

__all__ = ["Others", "machine"]

PYTHON = ("graphql-core", "strawberry-graphql", "orjson", "uvicorn", "uvloop", "httptools")
NODE = ("mercurius", "mercurius-cache", "graphql-jit", "fastify", "@tailcallhq/core-linux-x64-gnu")


def machine() -> dict[str, str]:
    """The processor, its cores, and versions by name."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in PYTHON},
        "Node.js": _said("node", "--version"),
        **{name.split("/")[0].removeprefix("@").removesuffix("hq"): _of_node(name) for name in NODE},
        "nginx": _said("nginx", "-v"),
        "wrk": _said("wrk", "-v"),
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)$", told.read_text(), re.MULTILINE) if told.exists() else []
    return names[0] if names else platform.processor()


def _of_node(name: str) -> str:
    return str(orjson.loads((installed() / name / "package.json").read_bytes())["version"]).removeprefix("v")


def _said(name: str, option: str) -> str:
    """The version a program tells of itself; some tell it as an error."""
    made = subprocess.run([program(name), option], capture_output=True, check=False, text=True)
    found = re.search(r"\d+(\.\d+)+", made.stdout + made.stderr)
    return found[0] if found else "unknown"


class Others:
    """How much of the machine others have taken since this was made; what it started itself counts once it has ended."""

    def __init__(self) -> None:
        self._since, self._all, self._own = time.perf_counter(), _busy(), _own()

    def share(self) -> float:
        """Of the time of all cores; 0 where the system does not tell."""
        whole = (time.perf_counter() - self._since) * (os.cpu_count() or 1)
        return round(max(0.0, _busy() - self._all - (_own() - self._own)) / whole, 2)


def _busy() -> float:
    """Seconds of all cores that were worked in, since the system's start (proc_stat(5))."""
    told = Path("/proc/stat")
    if not told.exists():
        return 0.0
    user, nice, system, _idle, _waiting, *more = map(int, told.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(more)) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
