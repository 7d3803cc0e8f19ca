"""PostgreSQL servers for one test, which are restarted, killed, followed by a standby, promoted: each on a free port of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from bench.process import free_port
from tests.city.postgres import USER, programs

__all__ = ["Server", "primary"]

SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "listen_addresses=127.0.0.1",
    "wal_level=replica",
    "hot_standby=on",
    "wal_keep_size=512MB",
    "max_standby_streaming_delay=0",
)
"""What is committed is with the operating system then, and survives the end of the server; a standby follows asynchronously."""


class Server:
    """A server and its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._standbys: list[Server] = []

    def end(self) -> None:
        """End it with every standby of it."""
        for one in (*self._standbys, self):
            one.stop(signal.SIGQUIT)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def url(self, *others: "Server") -> str:
        """The store's URL; with others, of whichever of them takes writes."""
        hosts = [f"host={one.address}" for one in (self, *others)]
        rest = "&target_session_attrs=read-write" if others else ""
        return f"postgresql+psycopg://{USER}@/store?{'&'.join(hosts)}{rest}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [word for one in SETTINGS for word in ("-c", one)]
        command = [
            programs() / "postgres",
            "-D",
            self.folder / "data",
            "-p",
            str(self.port),
            "-k",
            self.folder,
            *options,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **_owner())
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                self.execute("SELECT 1", "postgres")
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT breaks off what is under way, SIGQUIT does not even say goodbye."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it and start it again."""
        self.stop(how)
        self.start()

    def execute(self, statement: str, database: str = "store") -> list[tuple[object, ...]]:
        """Execute one statement, and give its rows; again when a standby's replay has cancelled it."""
        with suppress(psycopg.errors.SerializationFailure):
            return self._execute(statement, database)
        return self._execute(statement, database)

    def _execute(self, statement: str, database: str) -> list[tuple[object, ...]]:
        with psycopg.connect(
            f"host=127.0.0.1 port={self.port} user={USER} dbname={database} connect_timeout=5", autocommit=True
        ) as one:
            cursor = one.execute(statement)  # type: ignore[call-overload]  # written here
            return cursor.fetchall() if cursor.description else []

    def standby(self) -> "Server":
        """A server that follows this one."""
        other = Server(_folder(self.folder.parent))
        self._standbys.append(other)
        base = ["--host", "127.0.0.1", "--port", str(self.port), "--username", USER, "--write-recovery-conf"]
        command = [programs() / "pg_basebackup", *base, "--checkpoint=fast", "-D", other.folder / "data"]
        subprocess.run(command, check=True, capture_output=True, cwd=other.folder, **_owner())
        other.start()
        return other

    def cut_off(self) -> None:
        """Let a standby follow nobody any more."""
        self.execute("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=9'")
        self.execute("SELECT pg_reload_conf()")
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walreceiver'")

    def caught_up(self, primary: "Server", seconds: float = 20) -> None:
        """Wait until this standby has what the primary has now."""
        ((position,),) = primary.execute("SELECT pg_current_wal_lsn()::text")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.execute(f"SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn") == [(True,)]:
                return
            time.sleep(0.05)
        raise TimeoutError("the standby does not follow")

    def promote(self) -> None:
        """Let a standby take writes."""
        self.execute("SELECT pg_promote()")


@contextmanager
def primary() -> Iterator[Server]:
    """A new server with a database for a store; ended with every standby of it."""
    home = Path(tempfile.mkdtemp(prefix="broker-nights-"))
    home.chmod(0o755)
    server = Server(_folder(home))
    try:
        data = server.folder / "data"
        made = [programs() / "initdb", "--pgdata", data, "--username", USER, "--auth", "trust", "--encoding", "UTF8"]
        subprocess.run(
            [*made, "--locale", "C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd=server.folder, **_owner()
        )
        server.start()
        server.execute("CREATE DATABASE store", "postgres")
        server.execute("CREATE EXTENSION postgis")
        yield server
    finally:
        server.end()
        shutil.rmtree(home, ignore_errors=True)


def _folder(home: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=home))
    if owner := _owner():
        shutil.chown(folder, **owner)
    return folder


def _owner() -> dict[str, str]:
    """The server refuses to run as root."""
    return {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
