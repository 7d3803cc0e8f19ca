"""Measurements in processes of their own: a child's peak memory is its own, whatever the parent holds."""

import asyncio
import platform
import resource
import socket
import sys
from pathlib import Path
from typing import Any

import orjson

__all__ = ["child", "free_port", "peak_mib", "report"]

ROOT = Path(__file__).parents[1]


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


def report(**figures: float | str) -> None:
    """Say figures to the parent."""
    print(orjson.dumps(figures).decode())


def peak_mib() -> float:
    """The most memory this process has held, in MiB.

    On Linux from the process's own status: ``ru_maxrss`` starts at what the parent held when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20) if platform.system() == "Darwin" else most / 1024


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
