"""Records that were located by an address are looked up again when the register of addresses has changed.

What a reader holds stays as it is: records whose place changes come in a new version, as after a refresh, though the source was
not asked. Those that come out as before are only marked as looked up.
"""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import shapely
from sqlalchemy import and_, bindparam, insert, or_, select, update

from broker.query import GEOCODING
from broker.store.column_types import Absent
from broker.store.database import Published
from broker.store.lives import alive, end
from broker.store.tables import FOREVER, GEOCODED
from broker.store.versions import Draft

__all__ = ["Relocation"]

VERSION = f"{GEOCODING}_version"


class Relocation(Draft):
    """A version of a data set that differs from the one before in places found by address alone."""

    def locate_again(self) -> Published:
        """Look up every address that was looked up in another version of the register; publish when a place has changed."""
        due = self._due()
        moved: list[dict[str, Any]] = []
        same: list[dict[str, Any]] = []
        for before, row in zip(due, self._looked_up(due), strict=True):
            (same if all(_told(before, name) == _told(row, name) for name in self._compared) else moved).append(row)
        self._mark(same)
        if not moved:
            return self.base
        for row in moved:
            self._row += 1
            row.update(_row=self._row, _since=self.number, _until=FOREVER)
        self._insert(moved)
        made = replace(self.base, number=self.number, published_at=datetime.now(UTC))
        with self.store.writing() as connection:
            self.store.check_writable(connection, self.dataset)
            end(connection, self.store, self.dataset, [row[self.dataset.key] for row in moved], self.number)
            connection.execute(insert(self.store.own.versions).values(**asdict(made)))
        self.kept = True
        return made

    @property
    def _compared(self) -> list[str]:
        return [str(self.dataset.geometry), *(name for name, _ in GEOCODED if name != VERSION)]

    def _due(self) -> list[dict[str, Any]]:
        table = self.table
        asked = [one.label(one.key) for one in table.c if one.computed is None and not isinstance(one, Absent)]
        never = and_(
            table.c[VERSION].is_(None), table.c[str(self.dataset.geometry)].is_(None)
        )  # before there was a rule
        old = or_(table.c[VERSION] != self.geocoder.version, never)
        now = alive(self.store, self.dataset, self.base.number)
        with self.store.reading() as connection:
            found = connection.execute(select(*asked).where(now, old)).mappings()
            return [dict(row) for row in found]

    def _looked_up(self, due: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = [row | {str(self.dataset.geometry): None} for row in due]
        self.geocoder.locate(self.dataset, rows)
        return rows

    def _mark(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = update(self.table).where(self.table.c["_row"] == bindparam("r")).values({VERSION: bindparam("v")})
        with self.store.writing() as connection:
            connection.execute(statement, [{"r": row["_row"], "v": row[VERSION]} for row in rows])


def _told(row: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - a text, a number or a point
    value = row[name]
    return shapely.from_wkb(value).wkb if isinstance(value, bytes) else value
