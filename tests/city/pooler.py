"""pgbouncer before a PostgreSQL server, pooling by transaction: each may go to another session."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.process import free_port
from tests.city.postgres import USER

__all__ = ["Pooler", "pooling"]


class Pooler:
    """A pooler with few server connections, so that they are shared."""

    def __init__(self, folder: Path, port_behind: int, database: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._database = database
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "pooler.ini").write_text(
            f"[databases]\n{database} = host=127.0.0.1 port={port_behind} dbname={database} user={USER}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200\nquery_wait_timeout = 10\n"
        )

    @property
    def url(self) -> str:
        """The store's URL."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{self._database}"

    def start(self) -> None:
        """Start it, and wait until it leads through."""
        owner = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        with (self._folder / "log").open("ab") as log:
            command = [program, "-q", str(self._folder / "pooler.ini")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **owner)  # type: ignore[call-overload]  # of Popen
        where = f"host=127.0.0.1 port={self.port} user={USER} dbname={self._database}"
        until = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(where).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > until:
                    raise RuntimeError(f"pgbouncer did not start: {(self._folder / 'log').read_text()}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it at once, whatever is under way."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            self._process = None


@contextmanager
def pooling(port_behind: int, database: str) -> Iterator[Pooler]:
    """A running pooler before a database."""
    folder = Path(tempfile.mkdtemp(prefix="broker-pooler-"))
    folder.chmod(0o755)
    pooler = Pooler(folder, port_behind, database)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.stop()
        shutil.rmtree(folder, ignore_errors=True)
