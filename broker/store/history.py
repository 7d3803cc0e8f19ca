"""The past of a data set: the version that stood at a moment, what changed between two versions, how long versions are kept.

A row that has ended is kept as long as some kept version has it, so the past costs what has changed, not what there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Connection, Subquery, and_, delete, func, literal, select, union_all

from broker.errors import VersionGone
from broker.model import Dataset
from broker.query import Version
from broker.store.database import Database
from broker.store.lives import drop
from broker.store.published import Published, published
from broker.store.statements import at

__all__ = ["Difference", "DifferenceKind", "begins", "count", "differences", "forget", "named", "standing"]

LIVE = 5
"""Versions that are kept of a live data set: as many as a request under way could still be reading."""


class DifferenceKind(StrEnum):
    """How a record differs between two versions."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that differs, by its key."""

    key: Any
    kind: DifferenceKind


def standing(store: Database, dataset: Dataset, moment: datetime) -> Published | None:
    """The version that was the newest at a moment; None when none that is kept was there yet."""
    own = store.versions_table
    then = select(own).where(own.c.dataset == dataset.id, own.c.published_at <= moment)
    with store.reading() as connection:
        row = connection.execute(then.order_by(own.c.number.desc()).limit(1)).first()
    return None if row is None else published(row)


def named(store: Database, dataset: Dataset, id: str) -> Published:
    """The version of this id. Raises `VersionGone` when there is none."""
    own = store.versions_table
    with store.reading() as connection:
        rows = connection.execute(select(own).where(own.c.dataset == dataset.id)).all()
    found = next((one for one in map(published, rows) if one.id == id), None)
    if found is None:
        raise VersionGone(
            f"{dataset.id}: there is no version {id[:60]!r}, or not any more; read all of it once, and go on from the version that answers"
        )
    return found


def begins(store: Database, dataset: Dataset) -> datetime | None:
    """When the oldest version that is kept was published; None before the first."""
    own = store.own.versions
    with store.reading() as connection:
        oldest: datetime | None = connection.scalar(
            select(func.min(own.c.published_at)).where(own.c.dataset == dataset.id)
        )
    return oldest


def differences(
    store: Database, dataset: Dataset, versions: tuple[Version, Version], size: int, after: object = None
) -> tuple[list[Difference], bool]:
    """What differs between two versions, by key from the one after ``after`` on; and whether there is more."""
    found = _compared(store, dataset, *versions)
    statement = select(found).order_by(found.c.key).limit(size + 1)
    if after is not None:
        statement = statement.where(found.c.key > after)
    with store.reading(*((dataset.id, one) for one in versions)) as connection:
        rows = connection.execute(statement).all()
    return [Difference(row.key, _kind(row.before, row.after)) for row in rows[:size]], len(rows) > size


def count(store: Database, dataset: Dataset, versions: tuple[Version, Version]) -> dict[DifferenceKind, int]:
    """How many records differ between two versions, by how."""
    found = _compared(store, dataset, *versions)
    was, is_there = found.c.before.is_not(None), found.c.after.is_not(None)
    with store.reading(*((dataset.id, one) for one in versions)) as connection:
        rows: Sequence[Any] = connection.execute(
            select(was.label("was"), is_there.label("is"), func.count()).group_by(was, is_there)
        ).all()
    counted = dict.fromkeys(DifferenceKind, 0)
    for before, now, many in rows:
        counted[_kind(before or None, now or None)] = many
    return counted


def forget(connection: Connection, store: Database, dataset: Dataset, newest: int, before: datetime) -> None:
    """Drop the versions that had been replaced before a moment, and the rows that only they have; of a live data set all but a few."""
    own, table = store.own.versions, store.tables[dataset.id]
    stood = select(func.max(own.c.number)).where(own.c.dataset == dataset.id, own.c.published_at <= before)
    oldest = newest - LIVE + 1 if dataset.refresh.live else connection.scalar(stood)
    if oldest is None:
        return
    drop(connection, store, dataset, table.c["_until"] <= oldest)
    connection.execute(delete(own).where(own.c.dataset == dataset.id, own.c.number < oldest))


def _kind(before: object, after: object) -> DifferenceKind:
    if before is None:
        return DifferenceKind.ADDED
    return DifferenceKind.REMOVED if after is None else DifferenceKind.CHANGED


def _compared(store: Database, dataset: Dataset, since: Version, until: Version) -> Subquery:
    """The keys whose content is not the same in both versions, with its hash in each; what went and came back as it was is the same."""
    table = store.tables[dataset.id]
    key, hashed, nothing = table.c[dataset.key].label("key"), table.c["_hash"], literal(None, BigInteger)
    gone = select(key, hashed.label("before"), nothing.label("after")).where(
        at(table, since), table.c["_until"] <= until.number
    )
    come = select(key, nothing.label("before"), hashed.label("after")).where(
        and_(at(table, until), table.c["_since"] > since.number)
    )
    both = union_all(gone, come).subquery()
    before, after = func.max(both.c.before), func.max(both.c.after)
    return (
        select(both.c.key, before.label("before"), after.label("after"))
        .group_by(both.c.key)
        .having(before.is_distinct_from(after))
        .subquery()
    )
