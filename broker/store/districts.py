"""Which district a place lies in: a tree over the polygons of the data set that divides the city, kept per version."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from sqlalchemy import select

from broker.query import Version
from broker.store.database import Database
from broker.store.statements import at

__all__ = ["Districts"]


class Districts:
    """The city's districts at a version, the one that was asked for last."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._keys: np.ndarray[Any, Any] = np.array([], dtype=object)
        self._tree = shapely.STRtree([])

    def newest(self) -> Version:
        """The newest version of the districts; number 0 when there is none. Raises `StoreError`."""
        dataset = self._store.catalog.partition
        return Version(0) if dataset is None else self._store.version(dataset).version

    def keys_at(self, version: Version, places: Sequence[tuple[float | None, float | None]]) -> list[Any]:
        """The key of the district each place (longitude, latitude) lies in; None outside of all, or without a place."""
        found: list[Any] = [None] * len(places)
        with self._lock:
            self._load(version)
            keys, tree = self._keys, self._tree
        if not len(keys) or not places:
            return found
        points = shapely.points([(np.nan, np.nan) if lon is None else (lon, lat) for lon, lat in places])
        asked, districts = tree.query(points, predicate="intersects")
        for one, district in zip(asked.tolist(), districts.tolist(), strict=True):
            if found[one] is None or keys[district] < found[one]:  # on a border: the first by key, always the same
                found[one] = keys[district]
        return found

    def _load(self, version: Version) -> None:
        dataset = self._store.catalog.partition
        if dataset is None or version == self._version:
            return
        table = self._store.tables[dataset.id]
        shape = table.c[table.info["geometry"]]
        with self._store.reading((dataset.id, version)) as connection:
            rows = connection.execute(
                select(table.c[dataset.key], shape).where(at(table, version), shape.is_not(None))
            ).all()
        shapes = shapely.from_wkb([row[1] for row in rows]) if rows else []
        shapely.prepare(shapes)
        self._keys = np.array([row[0] for row in rows], dtype=object)
        self._tree = shapely.STRtree(shapes)
        self._version = version
