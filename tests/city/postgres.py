"""A PostgreSQL server with PostGIS for the time of a test run: its files in a temporary folder, on a free port."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from bench.process import free_port

USER = "postgres"
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=128MB")


class Cluster:
    """A running server; every database it gives is new and has PostGIS."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._numbers = count(1)

    def database(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"broker_{next(self._numbers)}"
        with self._connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE spatial")
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def copied(self, url: str) -> str:
        """The URL of a copy of a database that nobody uses."""
        name, original = f"broker_{next(self._numbers)}", url.rpartition("/")[2]
        with self._connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {original}")
        return f"{url.rpartition('/')[0]}/{name}"

    def prepare(self) -> None:
        """Make the template once: switching PostGIS on takes longer than copying a database that has it."""
        with self._connected("postgres") as connection:
            connection.execute("CREATE DATABASE spatial")
        with self._connected("spatial") as connection:
            connection.execute("CREATE EXTENSION postgis")

    def _connected(self, name: str) -> psycopg.Connection:
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user={USER} dbname={name}", autocommit=True)


@contextmanager
def running() -> Iterator[Cluster]:
    """Start a server and stop it at the end. Raises when there is none to start: the tests need it."""
    folder = Path(tempfile.mkdtemp(prefix="broker-postgres-"))
    owner: dict[str, str] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        owner = {"user": "nobody", "group": "nogroup"}
        shutil.chown(folder, **owner)
    try:
        port = free_port()
        server = _start(programs(), folder, port, owner)
        try:
            _wait(server, port, folder / "log")
            cluster = Cluster(port)
            cluster.prepare()
            yield cluster
        finally:
            server.send_signal(signal.SIGQUIT)  # nobody needs what it would write first
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(programs: Path, folder: Path, port: int, owner: dict[str, str]) -> "subprocess.Popen[bytes]":
    data = folder / "data"
    made = [programs / "initdb", "--pgdata", data, "--username", USER, "--auth", "trust", "--encoding", "UTF8"]
    subprocess.run([*made, "--locale", "C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd=folder, **owner)
    settings = (*QUICK, "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}")
    options = [word for one in settings for word in ("-c", one)]
    command = [programs / "postgres", "-D", data, "-p", str(port), *options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **owner)


def programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[4]))
    if found:
        return found[-1].parent
    if named := shutil.which("initdb"):
        return Path(named).parent
    raise RuntimeError("no PostgreSQL server here; tests/packages.sh brings it up when run by root")


def _wait(server: "subprocess.Popen[bytes]", port: int, log: Path, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user={USER} dbname=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
