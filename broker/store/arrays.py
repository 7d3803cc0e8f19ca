"""The places of one version of a data set as arrays: read once, kept while there is room, asked by every join.

Positions in the arrays follow the records' keys, so that what is found in order of position is in order of key.
"""

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import shapely
from cachetools import LRUCache
from sqlalchemy import select

from broker.geometry import metric
from broker.model import Dataset
from broker.query import ROW, Read, Version
from broker.store.dialect import Tables
from broker.store.statements import at

__all__ = ["Array", "Layer", "Layers"]

Array: TypeAlias = np.ndarray[Any, Any]

ROOM = 1 << 30
"""Bytes that all kept layers may take, roughly."""


class Layer:
    """The located records of one version: ``rows`` in the store, ``keys``, ``shapes`` (EPSG:4326); those without a place are not in it."""

    def __init__(self, rows: Array, keys: Array, shapes: Array) -> None:
        self.rows = rows
        self.keys = keys
        self.shapes = shapes

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def metric(self) -> Array:
        """The shapes in metres (EPSG:2177)."""
        shapes: Array = metric(self.shapes)
        return shapes

    @cached_property
    def tree(self) -> shapely.STRtree:
        """A tree over the shapes in degrees."""
        return shapely.STRtree(self.shapes)

    @cached_property
    def metric_tree(self) -> shapely.STRtree:
        """A tree over the shapes in metres."""
        return shapely.STRtree(self.metric)

    @cached_property
    def positions(self) -> Mapping[Any, int]:
        """The position of each key."""
        return {key: position for position, key in enumerate(self.keys.tolist())}

    @cached_property
    def vertices(self) -> int:
        """How many points all shapes have together."""
        return int(shapely.get_num_coordinates(self.shapes).sum())

    @property
    def bytes(self) -> int:
        """Memory it takes, roughly, with everything that is made of it: two planes, two trees."""
        return 1000 + 400 * len(self) + 40 * self.vertices


class Layers:
    """The layers that were asked for last, as many as there is room for."""

    def __init__(self, store: Tables, room: int = ROOM) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: LRUCache[Read, Layer] = LRUCache(room, getsizeof=lambda layer: layer.bytes)

    def get(self, dataset: Dataset, version: Version) -> Layer:
        """The layer of a data set at a version; read when it is not kept."""
        wanted = dataset.id, version
        with self._lock:  # also while reading: whoever needs the same layer waits for it instead of reading it twice
            if (kept := self._kept.get(wanted)) is not None:
                return kept
            layer = self._read(dataset, version)
            if layer.bytes <= self._kept.maxsize:
                self._kept[wanted] = layer
            return layer

    def _read(self, dataset: Dataset, version: Version) -> Layer:
        table = self._store.tables[dataset.id]
        key, shape = table.c[dataset.key], table.c[table.info["geometry"]]
        statement = select(table.c[ROW], key, shape).where(at(table, version), shape.is_not(None)).order_by(key)
        with self._store.reading((dataset.id, version)) as connection:
            found = connection.execute(statement).all()
        rows, keys, wkb = zip(*found, strict=True) if found else ((), (), ())
        return Layer(np.array(rows, dtype=np.int64), np.array(keys, dtype=object), _shapes(wkb))


def _shapes(wkb: tuple[bytes, ...]) -> Array:
    shapes: Array = shapely.from_wkb(np.array(wkb, dtype=object))
    return shapes
