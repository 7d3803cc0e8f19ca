"""How a version comes to be: drafted beside the readers, published in one transaction, or not at all.

A draft writes under a lease, rows that live from a number that no version has had before, so no reader sees them and no other
draft takes them for its own. `Draft.publish` ends the rows that were changed or have gone, compares what the store then holds
with what was read, by count and sum of hashes, and makes the version known: all in one short transaction. A draft that is
abandoned, or whose process was killed, leaves rows of its own number, which the next draft of the data set clears away.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import shapely
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, literal_column, select, update

from broker.errors import StoreError
from broker.model import Dataset, Record, Rejected, Repaired
from broker.query import DISTRICT, MENDED, Version
from broker.store.database import Database
from broker.store.districts import Districts
from broker.store.entries import searchable
from broker.store.geocoder import Geocoder
from broker.store.history import forget
from broker.store.leases import Lease
from broker.store.lives import HELD, alive, drop, drop_held, end
from broker.store.located import placed, unplaceable
from broker.store.published import Published, new_id, newest
from broker.store.search_writer import SearchWriter
from broker.store.statements import at
from broker.store.tables import FOREVER, encoder, fingerprinter, well_known
from broker.text import storable

__all__ = ["Changes", "Draft", "Facts", "RefreshRecord", "facts", "keep_facts", "written"]

BATCH = 2000
KEPT_REJECTED = 1000
LOW = (1 << 32) - 1


@dataclass(slots=True)
class Changes:
    """What a draft has met so far, in rows."""

    records: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    removed: int = 0
    rejected: int = 0
    repaired: int = 0
    duplicated: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a source gave, as far as it is compared with what it gives the next time: rows, and in how many of them each name occurs."""

    rows: int
    rejected: int
    duplicated: int
    fields: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RefreshRecord:
    """One refresh as it went: what the status shows."""

    dataset: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    error: str | None
    changes: Changes = field(default_factory=Changes)


Fresh = tuple[Record, bytes | None, str | None, int]
"""A record to be written, its geometry as well-known binary, what was repaired, its content hash."""


class Draft:
    """The next version of a data set while it is read; used by one refresh at a time.

    Its methods raise `LeaseLost` when another process has taken over, `StoreError` for whatever the database says.
    """

    def __init__(
        self, store: Database, districts: Districts, geocoder: Geocoder, dataset: Dataset, lease: Lease, *, sample: bool
    ) -> None:
        self.store = store
        self.districts = districts
        self.geocoder = geocoder
        self.dataset = dataset
        self.lease = lease
        self.kept = False
        self.sample = sample
        self.table = store.tables[dataset.id]
        self.changes = Changes()
        self.fields: Counter[str] = Counter()
        self._encode = encoder(dataset)
        self._search = SearchWriter(store.dialect, store.own.entries, store.bulk(store.own.entries))
        self._fingerprint = fingerprinter(dataset, self.table)
        self._seen: dict[Any, int] = {}
        self._replaced: list[Any] = []
        self._rejected: list[Rejected] = []
        self._fresh: list[Fresh] = []
        self.partition = districts.newest()
        with store.writing(lease) as connection:
            store.check_writable(connection, dataset)
            self.base = newest(connection, store.own.versions).get(dataset.id, Published(dataset.id, 0))
            self.number = self._reserved(connection)
            self.before = facts(connection, store, dataset)
            self._row = connection.scalar(select(func.max(self.table.c["_row"]))) or 0
        with store.reading(self.base.read) as connection:
            self._before = self._current(connection)

    def _reserved(self, connection: Connection) -> int:
        """A number that no other draft has written under, noted with the lease; what an earlier draft has left is cleared."""
        own = self.store.own.leases
        mine = own.c.name == self.lease.name
        left = connection.scalar(select(own.c.draft).where(mine))
        if left is None:  # before there were leases
            drop(connection, self.store, self.dataset, self._between(self.base.number, HELD))
        elif left > self.base.number:
            drop(connection, self.store, self.dataset, self.table.c["_since"] == left)
        number = max(self.store.next_number(self.base), (left or 0) + 1)
        connection.execute(update(own).where(mine).values(draft=number))
        return number

    def _between(self, least: int, most: int) -> ColumnElement[bool]:
        since = self.table.c["_since"]
        return and_(since > least, since < most)

    def add(self, records: Iterable[Record | Repaired | Rejected]) -> None:
        """Take in records as they are read; an unchanged one costs no more than its hash."""
        readable: list[Record] = []
        repairs: list[str | None] = []
        for one in records:
            if isinstance(one, Rejected):
                self._reject(one)
            elif isinstance(one, Repaired):
                readable.append(one.record)
                repairs.append(one.what)
            else:
                readable.append(one)
                repairs.append(None)
        shapes = well_known(readable, self.dataset.geometry)
        reasons = self._unplaceable(readable)
        for record, repaired, wkb, reason in zip(readable, repairs, shapes, reasons, strict=True):
            if reason is not None:
                self._reject(Rejected({self.dataset.key: getattr(record, self.dataset.key)}, reason))
                continue
            hashed = self._fingerprint(record, wkb, repaired)
            if self._is_new(getattr(record, self.dataset.key), hashed):
                self._fresh.append((record, wkb, repaired, hashed))
        self.changes.repaired += len(repairs) - repairs.count(None)
        while len(self._fresh) >= BATCH:
            self._write(self._fresh[:BATCH])
            del self._fresh[:BATCH]

    def _unplaceable(self, records: Sequence[Record]) -> Sequence[str | None]:
        geometry = self.dataset.geometry
        if geometry is None or not records:
            return [None] * len(records)
        reasons = unplaceable(getattr(one, geometry) for one in records)
        return [None if reason is None else f"{geometry}: {reason}" for reason in reasons]

    def _is_new(self, key: Any, hashed: int) -> bool:  # noqa: ANN401 - a text or a number
        if key in self._seen:
            if self._seen[key] == hashed:
                self.changes.repeated += 1
            else:
                self.changes.duplicated += 1
                self._reject(
                    Rejected(
                        {self.dataset.key: key}, f"key {key!r} came twice with different content; the first is kept"
                    )
                )
            return False
        self._seen[key] = hashed
        self.changes.records += 1
        before = self._before.get(key)
        if before == hashed:
            self.changes.unchanged += 1
            return False
        if before is None:
            self.changes.added += 1
        else:
            self.changes.changed += 1
            self._replaced.append(key)
        return True

    @property
    def first_reason(self) -> str | None:
        """Why the first of the rejected rows could not be read; None when every row could."""
        return self._rejected[0].reason if self._rejected else None

    def _reject(self, rejected: Rejected) -> None:
        self.changes.rejected += 1
        if len(self._rejected) < KEPT_REJECTED:
            self._rejected.append(rejected)

    def _write(self, fresh: list[Fresh]) -> None:
        own = {"_since": self.number, "_until": FOREVER}
        rows = []
        for record, wkb, repaired, hashed in fresh:
            self._row += 1
            rows.append({"_row": self._row, "_hash": hashed, **own, **self._encode(record, wkb), MENDED: repaired})
        if self.dataset.geocode:
            self.geocoder.locate(self.dataset, rows)
        self._insert(rows)

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        if self.dataset.located:
            self._place(rows)
        with self.store.writing(self.lease) as connection:
            self.store.bulk(self.table).insert(connection, rows)
            if self.dataset.located:
                self.store.dialect.index(connection, self.table, rows)
            if searchable(self.dataset):
                self._search.write(connection, self.dataset, rows)

    def _place(self, rows: list[dict[str, Any]]) -> None:
        wkb = np.array([row[str(self.dataset.geometry)] for row in rows], dtype=object)
        places = placed(shapely.from_wkb(wkb))
        if self.dataset.partition:  # a district lies in itself
            districts = [row[self.dataset.key] for row in rows]
        else:
            districts = self.districts.keys_at(self.partition, [(one["_lon"], one["_lat"]) for one in places])
        for row, place, district in zip(rows, places, districts, strict=True):
            repaired = row[MENDED]
            row.update(place, **{DISTRICT: district})
            row[MENDED] = repaired

    def finish(self) -> list[Any]:
        """Write what is left, and tell the keys of the records that have gone."""
        if self._fresh:
            self._write(self._fresh)
            self._fresh = []
        gone = [key for key in self._before if key not in self._seen]
        self.changes.removed = len(gone)
        return gone

    @property
    def facts(self) -> Facts:
        """What the source gave so far."""
        changes = self.changes
        rows = changes.records + changes.repeated + changes.rejected
        return Facts(rows, changes.rejected, changes.duplicated, dict(self.fields))

    def publish(self) -> Published:
        """Make the version known, or only note the check when nothing changed; readers see it with the transaction's end.

        What was held in quarantine is dropped: the source has given something since that nobody doubts. Raises `StoreError` when the
        store does not hold what was read.
        """
        gone = self.finish()
        same = not (self.changes.added or self.changes.changed or gone) and self.sample == self.base.sample
        with self.store.writing(self.lease) as connection:
            self.store.check_writable(connection, self.dataset)
            self.check_base(connection)
            self.keep_rejected(connection)
            keep_facts(connection, self.store, self.dataset, written(self.facts))
            drop_held(connection, self.store, self.dataset)
            made = self._confirmed(connection) if self.base.number and same else self._made_known(connection, gone)
            self.end_draft(connection)
        self.kept = True
        self.store.published()
        return made

    def _confirmed(self, connection: Connection) -> Published:
        """The version there is, checked now."""
        versions, now = self.store.own.versions, self.store.clock.read(connection)
        known = and_(versions.c.dataset == self.dataset.id, versions.c.number == self.base.number)
        connection.execute(update(versions).where(known).values(checked_at=now))
        return replace(self.base, checked_at=now)

    def _made_known(self, connection: Connection, gone: Sequence[Any]) -> Published:
        end(connection, self.store, self.dataset, [*self._replaced, *gone], self.number)
        self.check_whole(connection, self._seen)
        now = self.store.clock.read(connection)
        made = Published(
            self.dataset.id,
            self.number,
            self.store.clock.next(connection, self.base.published_at),
            now,
            self.changes.records,
            self.sample,
            new_id(),
            self.placed_by,
        )
        connection.execute(insert(self.store.own.versions).values(**asdict(made)))
        forget(connection, self.store, self.dataset, self.number, now - self.store.keep)
        self.store.dialect.settle(connection, self.table)
        return made

    @property
    def placed_by(self) -> str | None:
        """Whose version of the districts all its records were looked up in; of those it takes over, the base's."""
        if not self.dataset.located or self.dataset.partition:
            return None
        return self.partition.id if not self.base.number or not self.changes.unchanged else self.base.placed_by

    def check_base(self, connection: Connection) -> None:
        """Raise `StoreError` unless the version that this one follows is the newest still; only a failover can have lost it."""
        found = newest(connection, self.store.own.versions).get(self.dataset.id, Published(self.dataset.id, 0))
        if found.version != self.base.version:
            raise StoreError(
                f"{self.dataset.id}: version {self.base.number}, which this refresh began from, is not the newest any more: "
                "the database has lost it meanwhile (a failover?); the next refresh begins from what there is"
            )

    def check_whole(self, connection: Connection, read: Mapping[Any, int]) -> None:
        """Raise `StoreError` unless the store holds these records, keys with their hashes: as many, and the same sum of hashes."""
        hashed = self.table.c["_hash"]
        halves = (
            hashed.op(">>")(literal_column("32")),
            hashed.op("&")(literal_column(str(LOW))),
        )  # SQLite gives up where a sum of whole hashes is too large
        summed = select(func.count(), *(func.coalesce(func.sum(one), 0) for one in halves))
        found = connection.execute(summed.where(at(self.table, Version(self.number)))).one()
        hashes = read.values()
        expected = len(read), sum(one >> 32 for one in hashes), sum(one & LOW for one in hashes)
        if tuple(map(int, found)) != expected:
            raise StoreError(
                f"{self.dataset.id}: {expected[0]} records were read, and the store holds {found[0]}, or others: it has lost "
                "some of them meanwhile (a failover?); nothing was published, and the next refresh begins anew"
            )

    def close(self) -> None:
        """Let the next draft begin; unless this one was published or is held, leave everything as it was.

        When that cannot be done, since the database is away or another process has taken over, the next draft does it.
        """
        try:
            if not self.kept:
                with suppress(StoreError), self.store.writing(self.lease) as connection:
                    self._clear(connection)
        finally:
            self.lease.release()

    def _current(self, connection: Connection) -> dict[Any, int]:
        asked = select(self.table.c[self.dataset.key], self.table.c["_hash"])
        found = connection.execute(asked.where(alive(self.store, self.dataset, self.base.number)))
        return dict(tuple(row) for row in found)

    def _clear(self, connection: Connection) -> None:
        """Take away the rows that this draft has written, unless they are a version's: the answer of its transaction may have been lost."""
        versions = self.store.own.versions
        mine = and_(versions.c.dataset == self.dataset.id, versions.c.number == self.number)
        if connection.scalar(select(versions.c.number).where(mine)) is None:
            drop(connection, self.store, self.dataset, self.table.c["_since"] == self.number)
        self.end_draft(connection)

    def end_draft(self, connection: Connection) -> None:
        """Note that there are no rows of a draft any more."""
        own = self.store.own.leases
        connection.execute(update(own).where(own.c.name == self.lease.name).values(draft=0))

    def keep_rejected(self, connection: Connection) -> None:
        """Keep the rows that could not be read, in place of those of the time before."""
        rejected = self.store.own.rejected
        connection.execute(delete(rejected).where(rejected.c.dataset == self.dataset.id))
        if self._rejected:
            connection.execute(
                insert(rejected),
                [
                    {"dataset": self.dataset.id, "position": n, "reason": storable(one.reason), "row": one.shown}
                    for n, one in enumerate(self._rejected)
                ],
            )


def facts(connection: Connection, store: Database, dataset: Dataset) -> Facts | None:
    """What the source gave when it was last believed."""
    own = store.own.facts
    known = connection.scalar(select(own.c.facts).where(own.c.dataset == dataset.id))
    return None if known is None else Facts(**orjson.loads(known))


def written(known: Facts) -> str:
    """What the source gave, as it is kept."""
    fields = {storable(name): count for name, count in known.fields.items()}
    return orjson.dumps({**asdict(known), "fields": fields}).decode()


def keep_facts(connection: Connection, store: Database, dataset: Dataset, text: str | None) -> None:
    """Keep what the source gave of a version that is published, to compare the next one with; None when that is not known."""
    own = store.own.facts
    connection.execute(delete(own).where(own.c.dataset == dataset.id))
    if text is not None:
        connection.execute(insert(own).values(dataset=dataset.id, facts=text))
