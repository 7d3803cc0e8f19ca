"""Measurements in processes of their own: a child's peak memory is its own, whatever the parent holds."""

import asyncio
import platform
import resource
import socket
import sys
from pathlib import Path
from typing import Any

import orjson

__all__ = ["child", "free_port", "own_mib", "peak_mib", "report"]

ROOT = Path(__file__).parents[1]
STATUS = Path("/proc/self/status")


async def child(module: str, *arguments: str) -> dict[str, Any]:
    """Run ``python -m <module> <arguments>`` in the project's root and give what it reports as JSON on its last line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} ended with {process.returncode}")
    found: dict[str, Any] = orjson.loads(out.rstrip().rpartition(b"\n")[2])
    return found


def report(**figures: object) -> None:
    """Say figures to the parent."""
    print(orjson.dumps(figures).decode())


def peak_mib(pid: int | None = None) -> float:
    """The most memory this process has held, or on Linux another one, in MiB.

    On Linux from the process's own status: ``ru_maxrss`` starts at what the parent held when it forked.
    """
    if STATUS.exists():
        return _told("VmHWM", pid)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20) if platform.system() == "Darwin" else most / 1024


def own_mib(pid: int) -> float:
    """The memory that a process holds now and that is no part of a file, in MiB; only Linux tells."""
    return _told("RssAnon", pid) if STATUS.exists() else 0.0


def _told(name: str, pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status") if pid else STATUS
    line = next(one for one in status.read_text().splitlines() if one.startswith(name))
    return int(line.split()[1]) / 1024


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
