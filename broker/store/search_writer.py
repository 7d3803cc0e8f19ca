"""Writes the search entries of rows: which versions each is seen in, and its words in the database's full-text index."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from broker.model import Dataset
from broker.store.bulk import Bulk
from broker.store.dialect import Dialect
from broker.store.entries import entries

__all__ = ["SearchWriter"]


class SearchWriter:
    """The search of one store, written in the caller's transaction: entries of all data sets are numbered in one sequence."""

    def __init__(self, dialect: Dialect, listed: Table, bulk: Bulk) -> None:
        self._dialect = dialect
        self._listed = listed
        self._bulk = bulk

    def write(self, connection: Connection, dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add the entries of encoded rows, which live as long as their rows do."""
        last = connection.scalar(select(func.max(self._listed.c.id))) or 0
        made = list(entries(dataset, rows, last + 1))
        lives = [{"since": row["_since"], "until": row["_until"], "dataset": dataset.id} for row in rows]
        listed = [{"id": one["id"], "row": one["row"], **life} for one, life in zip(made, lives, strict=True)]
        self._bulk.insert(connection, listed)
        self._dialect.enter(connection, made)

    def clear(self, connection: Connection, dataset: Dataset) -> None:
        """Remove the entries of all versions of a data set."""
        mine = self._listed.c.dataset == dataset.id
        self._dialect.unlist(connection, select(self._listed.c.id).where(mine))
        connection.execute(delete(self._listed).where(mine))
