"""Versions that are doubted: kept beside those that are served, until somebody accepts one or the next refresh replaces it.

A held version is a draft whose rows live from `HELD`, a version that never comes, so no reader sees them. Accepting one gives
its rows the next number and ends those they replace, in one transaction, as publishing a draft does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, select, update

from broker.errors import NotFound, StoreError
from broker.model import Dataset
from broker.store.database import Database
from broker.store.leases import Lease
from broker.store.lives import HELD, drop_held, end
from broker.store.published import Published, new_id, newest
from broker.store.statements import at
from broker.store.versions import Changes, Draft, keep_facts, written
from broker.text import storable

__all__ = ["Doubt", "DoubtKind", "Held", "accept", "agreement", "held", "hold"]

ALIKE = 0.05
"""The share by which the numbers of records of two readings may differ and still say the same."""
COUNTS = tuple(one.name for one in fields(Changes))


class DoubtKind(StrEnum):
    """What a version can be doubted for."""

    LOSS = "loss"
    REJECTED = "rejected"
    DUPLICATES = "duplicates"
    VANISHED_FIELD = "vanished_field"
    NEW_FIELD = "new_field"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a version is doubted, in words."""

    kind: DoubtKind
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A version in quarantine: since when, when it was last read alike and how often in a row, what is doubted, what it changes."""

    dataset: str
    held_at: datetime
    seen_at: datetime
    agreed: int
    doubts: tuple[Doubt, ...]
    changes: Changes
    sample: bool


def held(store: Database) -> dict[str, Held]:
    """What is in quarantine, by data set."""
    with store.reading() as connection:
        own = [one for one in store.own.quarantine.c if one.name != "facts"]  # which an earlier layout has not
        return {row.dataset: _read(row) for row in connection.execute(select(*own))}


def agreement(draft: Draft, doubts: Sequence[Doubt]) -> int:
    """How often in a row the source has given this, this time included; what is held counts when it was doubted for the same reasons."""
    before = held(draft.store).get(draft.dataset.id)
    if before is None or {one.kind for one in before.doubts} != {one.kind for one in doubts}:
        return 1
    apart = abs(before.changes.records - draft.changes.records)
    return before.agreed + 1 if apart <= ALIKE * before.changes.records else 1


def hold(draft: Draft, doubts: Sequence[Doubt], agreed: int) -> Held:
    """Put a draft that has been read to its end into quarantine, in place of what was there before.

    ``agreed`` is its `agreement`.
    """
    gone, own = draft.finish(), draft.store.own
    before = held(draft.store).get(draft.dataset.id)
    with draft.store.writing(draft.lease) as connection:
        draft.store.check_writable(connection, draft.dataset)
        now = draft.store.clock.read(connection)
        since = before.held_at if before is not None and agreed > 1 else now
        made = Held(draft.dataset.id, since, now, agreed, tuple(doubts), draft.changes, draft.sample)
        drop_held(connection, draft.store, draft.dataset)
        _move(connection, draft.store, draft.dataset, draft.number, HELD)
        connection.execute(insert(own.quarantine).values(**_row(made, gone), facts=written(draft.facts)))
        draft.keep_rejected(connection)
        draft.end_draft(connection)
    draft.kept = True
    return made


def accept(store: Database, dataset: Dataset, lease: Lease) -> Published:
    """Publish what is held. Raises `NotFound` when nothing is, `StoreError` when it is not whole any more."""
    own, table = store.own, store.tables[dataset.id]
    with store.writing(lease) as connection:
        store.check_writable(connection, dataset)
        row = connection.execute(select(own.quarantine).where(own.quarantine.c.dataset == dataset.id)).first()
        if row is None:
            raise NotFound(f"{dataset.id}: nothing is held in quarantine")
        found = _read(row)
        base = newest(connection, own.versions).get(dataset.id, Published(dataset.id, 0))
        made = Published(
            dataset.id,
            store.next_number(base),
            store.clock.next(connection, base.published_at),
            found.seen_at,
            found.changes.records,
            found.sample,
            new_id(),
        )
        replaced = connection.execute(select(table.c[dataset.key]).where(table.c["_since"] == HELD)).scalars()
        end(connection, store, dataset, [*orjson.loads(row.gone), *replaced], made.number)
        _move(connection, store, dataset, HELD, made.number)
        there = connection.scalar(select(func.count()).where(at(table, made.version))) or 0
        if there != made.records:
            raise StoreError(
                f"{dataset.id}: {made.records} records were held, and {there} are there: the store has lost some; refresh it again"
            )
        keep_facts(connection, store, dataset, row.facts)
        connection.execute(delete(own.quarantine).where(own.quarantine.c.dataset == dataset.id))
        connection.execute(insert(own.versions).values(**asdict(made)))
        store.dialect.settle(connection, table)
    store.published()
    return made


def _move(connection: Connection, store: Database, dataset: Dataset, number: int, to: int) -> None:
    """Let what lives from one version live from another."""
    table, entries = store.tables[dataset.id], store.own.entries
    connection.execute(update(table).where(table.c["_since"] == number).values(_since=to))
    mine = (entries.c.dataset == dataset.id) & (entries.c.since == number)
    connection.execute(update(entries).where(mine).values(since=to))


def _row(one: Held, gone: Iterable[Any]) -> dict[str, Any]:
    return {
        "dataset": one.dataset,
        "held_at": one.held_at,
        "seen_at": one.seen_at,
        "agreed": one.agreed,
        "doubts": orjson.dumps([(str(doubt.kind), storable(doubt.reason)) for doubt in one.doubts]).decode(),
        "gone": orjson.dumps(list(gone)).decode(),
        "changes": orjson.dumps({name: getattr(one.changes, name) for name in COUNTS}).decode(),
        "sample": one.sample,
    }


def _read(row: Any) -> Held:  # noqa: ANN401 - a row of the table
    doubts = tuple(Doubt(DoubtKind(kind), reason) for kind, reason in orjson.loads(row.doubts))
    changes = Changes(**orjson.loads(row.changes))
    return Held(row.dataset, row.held_at, row.seen_at, row.agreed, doubts, changes, row.sample)
