"""What the tables of a store have followed since they were made, as it was recorded beside their schemas."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, select

from broker.store.bookkeeping import Bookkeeping
from broker.store.schemas import ChangeKind, SchemaChange

__all__ = ["AppliedMigration", "applied_migrations"]


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """What a table has followed, and when (in UTC); ``version`` was the newest version then."""

    dataset: str
    at: datetime
    version: int
    changes: tuple[SchemaChange, ...]


def applied_migrations(connection: Connection, own: Bookkeeping) -> list[AppliedMigration]:
    """What the tables of a store have followed since they were made, the latest first."""
    of = own.schemas.c
    rows = connection.execute(select(own.schemas).where(of.changes != "[]").order_by(of.at.desc(), of.dataset)).all()
    return [
        AppliedMigration(row.dataset, row.at, row.since, tuple(_change(one) for one in orjson.loads(row.changes)))
        for row in rows
    ]


def _change(kept: Mapping[str, object]) -> SchemaChange:
    return SchemaChange(
        ChangeKind(str(kept["kind"])), str(kept["text"]), None if kept["field"] is None else str(kept["field"])
    )
