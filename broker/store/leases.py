"""Leases: of all processes of a store, one does a thing, until it releases it or is not heard of any more.

A lease is a row with a token, which rises with each new holder. The holder renews it from a thread; when it is
not renewed for `TERM`, by the store's clock, another process may take it. A process that was stopped and wakes up does not know
that: so each transaction that writes under a lease compares the token first (a fence), in that very transaction. Takers and
writers take turns in the database, so a lease never changes hands in the middle of one.

A lease does not depend on a connection: it survives a restart of the database, a failover and a pooler.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Table, and_, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import LeaseLost, StoreError
from broker.store.clock import StoreClock

__all__ = ["RENEWED", "TERM", "Lease", "Leases"]

TERM = timedelta(seconds=15)
"""How long a lease stands after it was last renewed."""
RENEWED = 4.0
"""Seconds between two renewals."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to be the only one to do what has this name."""

    name: str
    token: int
    holder: str
    leases: "Leases"

    def check(self, connection: Connection) -> None:
        """Raise `LeaseLost` unless it is still this process's; called in the transaction that writes."""
        self.leases.check(connection, self)

    def is_held(self) -> bool:
        """Whether it is still this process's. Raises `StoreError`."""
        return self.leases.is_held(self)

    def release(self) -> None:
        """Let another process have it at once; when the database is away, it has it after `TERM`."""
        self.leases.release(self)


class Leases:
    """The leases of one store.

    Args:
        table: where they are (see `broker.store.bookkeeping`).
        clock: the store's.
        reading: begins a transaction that reads.
        writing: begins a transaction that writes, one at a time in the whole database.
        single: begins a transaction of a single statement, which waits for no turn.
    """

    def __init__(
        self,
        table: Table,
        clock: StoreClock,
        reading: Callable[[], AbstractContextManager[Connection]],
        writing: Callable[[], AbstractContextManager[Connection]],
        single: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._table = table
        self._clock = clock
        self._reading = reading
        self._writing = writing
        self._single = single
        self._held: dict[str, Lease] = {}
        self._left: list[Lease] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, name: str) -> Lease | None:
        """Take a lease; None while another process, or another part of this one, has it. Raises `StoreError`."""
        table = self._table
        mine = table.c.name == name
        if not self._may_be_free(name):  # a process that waits for it only reads
            return None
        holder = f"{_HOST}/{os.getpid()}/{_begun(os.getpid())}/{secrets.token_hex(4)}"
        with self._writing() as connection:
            found = connection.execute(select(table.c.token, table.c.holder, table.c.expires_at).where(mine)).first()
            now = self._clock.read(connection)
            if found is not None and not _is_free(found.holder, found.expires_at, now):
                return None
            token = 1 if found is None else found.token + 1
            values = {"token": token, "holder": holder, "expires_at": now + TERM}
            if found is None:
                connection.execute(insert(table).values(name=name, **values))
            else:
                connection.execute(update(table).where(mine).values(**values))
        lease = Lease(name, token, holder, self)
        self._renew_from_now_on(lease)
        return lease

    def check(self, connection: Connection, lease: Lease) -> None:
        """Raise `LeaseLost` unless the lease is still the process's."""
        if connection.scalar(select(self._table.c.name).where(self._is(lease))) is None:
            raise LeaseLost(
                f"{lease.name}: this process was not heard of for {TERM.total_seconds():.0f} s, and another one has taken "
                "over, or the database has lost what it knew; nothing more is written"
            )

    def is_held(self, lease: Lease) -> bool:
        """Whether the lease is still the process's. Raises `StoreError`."""
        with self._reading() as connection:
            return connection.scalar(select(self._table.c.name).where(self._is(lease))) is not None

    def release(self, lease: Lease) -> None:
        """Give it back; while the database is away, as soon as it is back."""
        with self._lock:
            if self._held.get(lease.name) is lease:
                del self._held[lease.name]
            self._left.append(lease)
        self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            left, self._left = self._left, []
        for one in left:
            try:
                with self._single() as connection:
                    connection.execute(update(self._table).where(self._is(one)).values(holder=None))
            except (SQLAlchemyError, StoreError):
                with self._lock:
                    self._left.append(one)

    def close(self) -> None:
        """Renew nothing any more; what is still held expires."""
        self._ended.set()

    def _is(self, lease: Lease) -> ColumnElement[bool]:
        of = self._table.c
        return and_(of.name == lease.name, of.token == lease.token, of.holder == lease.holder)

    def _may_be_free(self, name: str) -> bool:
        of = self._table.c
        with self._reading() as connection:
            found = connection.execute(select(of.holder, of.expires_at).where(of.name == name)).first()
            return found is None or _is_free(found.holder, found.expires_at, self._clock.read(connection))

    def _renew_from_now_on(self, lease: Lease) -> None:
        with self._lock:
            self._held[lease.name] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)
                self._thread.start()

    def _renew(self) -> None:
        """Renew whatever is held and give back whatever is left, in a thread, until there is neither."""
        while not self._ended.wait(RENEWED):
            self._give_back()
            with self._lock:
                held = [*self._held.values()]
                if not held and not self._left:
                    self._thread = None
                    return
            for one in held:
                # A database that is away for a moment is asked again in a moment; the fence says the rest.
                with suppress(SQLAlchemyError, StoreError), self._single() as connection:
                    until = self._clock.read(connection) + TERM
                    connection.execute(update(self._table).where(self._is(one)).values(expires_at=until))


def _is_free(holder: str | None, expires_at: datetime, now: datetime) -> bool:
    """Whether a lease can be taken: released, not renewed in time, or of a process of this host that has ended.

    One that expires later than any lease may was given by a clock that has been put back since.
    """
    return holder is None or not now < expires_at <= now + 2 * TERM or _has_ended(holder)


def _has_ended(holder: str) -> bool:
    """Whether the holder is known to have ended: a process of this boot of this host, of which there is no trace."""
    host, _, rest = holder.partition("/")
    pid, _, rest = rest.partition("/")
    return host == _HOST and _begun(pid) != rest.partition("/")[0]


def _begun(pid: int | str) -> str:
    """When a process began, in ticks since the boot; empty when there is none that runs."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


def _host() -> str:
    """This boot of this host, and this view of its processes; something of its own where that cannot be told."""
    try:
        boot, view = (
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            str(Path("/proc/self/ns/pid").readlink()),
        )
    except OSError:
        boot, view = secrets.token_hex(8), ""
    return f"{socket.gethostname()}:{boot}:{view}".replace("/", "-")


_HOST = _host()
