"""Versions that readers can see: what is known of each, and the newest ones."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from broker.query import Read, Version

__all__ = ["Published", "new_id", "newest", "published"]


@dataclass(frozen=True, slots=True)
class Published:
    """A version that readers can see; its moments are by the store's clock. ``number`` 0 is the empty version before the first.

    ``placed_by`` is the id of the districts' version that its records' districts were found in.
    """

    dataset: str
    number: int
    published_at: datetime | None = None
    checked_at: datetime | None = None
    records: int = 0
    sample: bool = False
    id: str = ""
    placed_by: str | None = None

    @property
    def version(self) -> Version:
        """What it is read by."""
        return Version(self.number, self.id)

    @property
    def read(self) -> Read:
        """The same with its data set."""
        return self.dataset, self.version


def new_id() -> str:
    """An id for a version: 64 random bits, so that no two versions have the same, in whichever database they were published."""
    return secrets.token_hex(8)


def published(row: Row[Any]) -> Published:
    """A version from a row of the table of versions; before `broker migrate` these have no ids yet."""
    values: dict[str, Any] = dict(row._mapping)
    return Published(**{**values, "id": values.get("id") or f"v{values['number']}"})


def newest(connection: Connection, versions: Table) -> Mapping[str, Published]:
    """The newest version of every data set that has one."""
    of = versions.c
    last = select(of.dataset, func.max(of.number).label("number")).group_by(of.dataset).subquery()
    statement = select(versions).join(last, (of.dataset == last.c.dataset) & (of.number == last.c.number))
    return {row.dataset: published(row) for row in connection.execute(statement)}
