"""The lives of rows: ended by a later version, dropped when no reader can see them any more.

A row lives from one version to another. Those of a version in quarantine live from `HELD`, which no version ever is.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from broker.model import Dataset
from broker.store.database import Database
from broker.store.tables import FOREVER

__all__ = ["HELD", "alive", "drop", "drop_held", "end"]

HELD = 2**61
"""Beyond every version, and before `FOREVER`."""
AT_ONCE = 2000


def alive(store: Database, dataset: Dataset, version: int) -> ColumnElement[bool]:
    """The rows that the newest version has, this being its number."""
    table = store.tables[dataset.id]
    return and_(table.c["_until"] == FOREVER, table.c["_since"] <= version)


def end(connection: Connection, store: Database, dataset: Dataset, keys: Sequence[Any], number: int) -> None:
    """Let the rows of these keys live no longer than to this version, which has others in their place or none."""
    table, entries = store.tables[dataset.id], store.own.entries
    before = alive(store, dataset, number - 1)
    for start in range(0, len(keys), AT_ONCE):
        some = table.c[dataset.key].in_(keys[start : start + AT_ONCE])
        connection.execute(update(table).where(before, some).values(_until=number))
    ended = select(table.c["_row"]).where(table.c["_until"] == number)
    mine = and_(entries.c.dataset == dataset.id, entries.c.row.in_(ended))
    connection.execute(update(entries).where(mine).values(until=number))


def drop(connection: Connection, store: Database, dataset: Dataset, which: ColumnElement[bool]) -> None:
    """Take rows away, out of the search and the index of places too."""
    table, entries = store.tables[dataset.id], store.own.entries
    if connection.scalar(select(table.c["_row"]).where(which).limit(1)) is None:
        return
    rows = select(table.c["_row"]).where(which)
    mine = and_(entries.c.dataset == dataset.id, entries.c.row.in_(rows))
    store.dialect.unplace(connection, table, rows)
    store.dialect.unlist(connection, select(entries.c.id).where(mine))
    connection.execute(delete(entries).where(mine))
    connection.execute(delete(table).where(which))


def drop_held(connection: Connection, store: Database, dataset: Dataset) -> None:
    """Take away what is held in quarantine."""
    drop(connection, store, dataset, store.tables[dataset.id].c["_since"] == HELD)
    held = store.own.quarantine
    connection.execute(delete(held).where(held.c.dataset == dataset.id))
