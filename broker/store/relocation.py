"""Records are placed again when what they are placed by has changed: the register of addresses, or the districts.

What a reader holds stays as it is: records whose place or district changes come in a new version, as after a refresh, though the
source was not asked. Those that come out as before are only marked as looked up.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import shapely
from sqlalchemy import ColumnElement, and_, bindparam, insert, or_, select, update

from broker.query import DISTRICT, GEOCODING, ROW
from broker.store.column_types import Absent
from broker.store.lives import alive, end
from broker.store.published import Published, new_id
from broker.store.tables import FOREVER, GEOCODED
from broker.store.versions import Draft

__all__ = ["Relocation"]

VERSION = f"{GEOCODING}_version"
AT_ONCE = 500


class Relocation(Draft):
    """A version of a data set that differs from the one before only in what the store has found out about places."""

    def locate_again(self) -> Published:
        """Look up addresses and districts in the newest versions of both; publish when a place or a district has changed."""
        moved = self._addressed() if self.dataset.geocode else []
        if self.base.placed_by != self.partition.id and not self.dataset.partition:
            moved += self._redistricted({row[ROW] for row in moved})
        if not moved:
            return self._noted()
        for row in moved:
            self._row += 1
            row.update(_row=self._row, _since=self.number, _until=FOREVER)
        self._insert(moved)
        with self.store.writing(self.lease) as connection:
            self.store.check_writable(connection, self.dataset)
            self.check_base(connection)
            end(connection, self.store, self.dataset, [row[self.dataset.key] for row in moved], self.number)
            self.check_whole(connection, self._before)
            made = replace(
                self.base,
                number=self.number,
                id=new_id(),
                placed_by=self.partition.id,
                published_at=self.store.clock.next(connection, self.base.published_at),
            )
            connection.execute(insert(self.store.own.versions).values(**asdict(made)))
            self.end_draft(connection)
        self.kept = True
        self.store.published()
        return made

    def _noted(self) -> Published:
        """The version there is, which these districts do not change."""
        own = self.store.own.versions
        known = and_(own.c.dataset == self.dataset.id, own.c.number == self.base.number)
        with self.store.writing(self.lease) as connection:
            connection.execute(update(own).where(known).values(placed_by=self.partition.id))
        return replace(self.base, placed_by=self.partition.id)

    def _addressed(self) -> list[dict[str, Any]]:
        """The rows whose address leads elsewhere now; the others are marked as looked up."""
        due = self._rows(self._due())
        moved: list[dict[str, Any]] = []
        same: list[dict[str, Any]] = []
        for before, row in zip(due, self._looked_up(due), strict=True):
            (same if all(_told(before, name) == _told(row, name) for name in self._compared) else moved).append(row)
        self._mark(same)
        return moved

    def _redistricted(self, others: set[int]) -> list[dict[str, Any]]:
        """The rows that lie in another district now, without those that are moved anyway."""
        of = self.table.c
        now = alive(self.store, self.dataset, self.base.number)
        with self.store.reading(self.base.read) as connection:
            found = connection.execute(select(of[ROW], of["_lon"], of["_lat"], of[DISTRICT]).where(now)).all()
        keys = self.districts.keys_at(self.partition, [(row[1], row[2]) for row in found])
        changed = [row[0] for row, key in zip(found, keys, strict=True) if row[3] != key and row[0] not in others]
        parts = (changed[start : start + AT_ONCE] for start in range(0, len(changed), AT_ONCE))
        return [row for some in parts for row in self._rows(of[ROW].in_(some))]

    @property
    def _compared(self) -> Iterable[str]:
        return [str(self.dataset.geometry), *(name for name, _ in GEOCODED if name != VERSION)]

    def _due(self) -> ColumnElement[bool]:
        """The rows that were looked up in another version of the register."""
        of = self.table.c
        never = and_(of[VERSION].is_(None), of[str(self.dataset.geometry)].is_(None))  # before there was a rule
        return or_(of[VERSION] != self.geocoder.newest().number, never)

    def _rows(self, which: ColumnElement[bool]) -> list[dict[str, Any]]:
        asked = [one.label(one.key) for one in self.table.c if one.computed is None and not isinstance(one, Absent)]
        now = alive(self.store, self.dataset, self.base.number)
        with self.store.reading(self.base.read) as connection:
            found = connection.execute(select(*asked).where(now, which)).mappings()
            return [dict(row) for row in found]

    def _looked_up(self, due: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = [row | {str(self.dataset.geometry): None} for row in due]
        self.geocoder.locate(self.dataset, rows)
        return rows

    def _mark(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = update(self.table).where(self.table.c[ROW] == bindparam("r")).values({VERSION: bindparam("v")})
        with self.store.writing(self.lease) as connection:
            connection.execute(statement, [{"r": row[ROW], "v": row[VERSION]} for row in rows])


def _told(row: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - a text, a number or a point
    value = row[name]
    return shapely.from_wkb(value).wkb if isinstance(value, bytes) else value
