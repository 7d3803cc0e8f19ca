"""The servers of the comparison, each for the time of a ``with``: one process with one thread that answers, on a free port.

nginx is the upstream that the peers read. What they say goes to a file that is shown when they do not start.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson

from bench.process import ROOT, free_port

__all__ = ["START_SECONDS", "fixed", "installed", "mercurius", "nginx", "program", "running", "tailcall"]

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
START_SECONDS = 20.0
STOP_SECONDS = 20.0

# Connections are never closed, no line is written: it costs the peers as little as an upstream can.
NGINX = """\
daemon off;
worker_processes 1;
{user}
pid {home}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    default_type application/json;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    open_file_cache max=10;
    sendfile on;
    tcp_nopush on;
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def program(name: str) -> str:
    """The path of a program. Raises `SystemExit` when it is not there."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"there is no {name}; run bench/peers/packages.sh")
    return found


def installed() -> Path:
    """The folder of the peers' packages, installed by npm as the lock says when they are not. Raises `SystemExit`."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    made = MODULES / ".made-from"
    if not made.exists() or made.read_text("utf-8") != lock:
        command = [program("npm"), "ci", "--prefix", str(HERE), "--loglevel", "error"]
        if subprocess.run(command, check=False, cwd=HERE).returncode:
            raise SystemExit("npm could not install the peers; the comparison needs the npm registry once")
        made.write_text(lock, "utf-8")
    return MODULES


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; gives the address."""
    port = free_port()
    # Started by root it would answer as nobody, who may not read a temporary folder.
    user = "user root;" if os.geteuid() == 0 else ""
    with tempfile.TemporaryDirectory() as home:
        settings = Path(home) / "nginx.conf"
        settings.write_text(NGINX.format(user=user, home=home, port=port, folder=folder), "utf-8")
        with running([program("nginx"), "-p", home, "-c", str(settings), "-e", "stderr"], port):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def mercurius(upstream: str, *, cache: bool) -> Iterator[str]:
    """Mercurius over this upstream, with mercurius-cache or without; gives the address of its endpoint."""
    installed()
    port = free_port()
    environment = {
        "NODE_ENV": "production",
        "PORT": str(port),
        "UPSTREAM": upstream,
        "CACHE": str(int(cache)),
    }
    with running([program("node"), str(HERE / "mercurius.js")], port, environment):
        yield f"http://127.0.0.1:{port}/graphql"


@contextmanager
def tailcall(upstream: str, *, cache: bool) -> Iterator[str]:
    """Tailcall over this upstream, with its cache or without; gives the address of its endpoint."""
    command = [str(installed() / "@tailcallhq/core-linux-x64-gnu/bin/tailcall"), "start"]
    port = free_port()
    # It tells its makers that it runs, and writes a line a request, unless it is told not to.
    environment = {"TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error", "UPSTREAM": upstream}
    with tempfile.TemporaryDirectory() as home:
        server = Path(home) / "server.graphql"
        server.write_text(f"schema @server(port: {port}) {{ query: Query }}\n", "utf-8")
        parts = [HERE / "tailcall.graphql", *([HERE / "tailcall_cached.graphql"] if cache else []), server]
        with running([*command, *map(str, parts)], port, environment):
            yield f"http://127.0.0.1:{port}/graphql"


@contextmanager
def fixed(size: int, unchanged: Mapping[str, str] | None = None) -> Iterator[str]:
    """A bare uvicorn application that answers so many fixed bytes, or 304 with these headers; gives its address."""
    port = free_port()
    told = [str(size), *([orjson.dumps(unchanged).decode()] if unchanged else [])]
    with running([sys.executable, "-m", "bench.fixed", str(port), *told], port):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def running(command: list[str], port: int, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A process while it runs, from when it listens; gives its number. Raises `SystemExit` when it does not start."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=said, stderr=said, env={"PATH": os.defpath, **(environment or {})}
        )
        try:
            until = time.monotonic() + START_SECONDS
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > until:
                    said.seek(0)
                    raise SystemExit(
                        f"{' '.join(command)} did not start: {said.read()[-2000:].decode(errors='replace')}"
                    )
                time.sleep(0.02)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
