"""Questions of place in SQLite: R*Tree candidates, exact answers by columns, and by shapely over layers kept as arrays.

What the arrays find comes back into SQL as row numbers in one JSON parameter, so that a join combines with every other
condition, order and page as plain SQL does.
"""

import math
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import orjson
import shapely
from sqlalchemy import FromClause, Table, and_, bindparam, case, column, func, literal_column, select
from sqlalchemy import table as plain_table

from broker.errors import TooMuch
from broker.geometry import METRIC, WGS84, Geometry, metric, transform
from broker.model import Dataset
from broker.query import ROW, Bbox, Condition, Link, Near, Pair, Predicate, Related, RelatedTo, Shape, Version, reads
from broker.store import joins
from broker.store.arrays import Array, Layers
from broker.store.dialect import MAX_ROWS, Joined, Tables
from broker.store.joins import Pairs, Part
from broker.store.statements import Clause, at, condition

__all__ = ["FUNCTIONS", "SqliteJoined", "SqlitePlaces", "rtree"]

PAGE, LEAST = 1000, 5000
"""Rows of a large page, and how many candidates are always few."""

ROW_BITS = 40
"""A pair travels as one integer: the parent's position above the row's number."""


class SqlitePlaces:
    """Places of a store in SQLite."""

    def __init__(self, store: Tables) -> None:
        self._store = store
        self._layers = Layers(store)

    def bbox(self, table: Table, box: Bbox) -> Clause:
        """Points by their coordinates; other shapes that lie inside by their extent, the rest by shapely."""
        c = table.c
        point = and_(c["_lon"].between(box.west, box.east), c["_lat"].between(box.south, box.north))
        inside = and_(
            c["_west"] >= box.west, c["_east"] <= box.east, c["_south"] >= box.south, c["_north"] <= box.north
        )
        meets = func.broker_meets_box(c[table.info["geometry"]], box.west, box.south, box.east, box.north) == 1
        return and_(self._candidates(table, box), case((c["_point"], point), (inside, True), else_=meets))

    def near(self, table: Table, near: Near) -> Clause:
        """Points by Pythagoras in EPSG:2177, other shapes by shapely in the same plane; metres."""
        c = table.c
        around = metric(shapely.Point(near.lon, near.lat))
        x, y = around.x, around.y
        west, south, east, north = shapely.bounds(transform(around.buffer(near.distance * 1.01 + 1), METRIC, WGS84))
        box = Bbox(float(west), float(south), float(east), float(north))
        point = (c["_x"] - x) * (c["_x"] - x) + (c["_y"] - y) * (c["_y"] - y) <= near.distance**2
        comes = func.broker_distance(c[table.info["geometry"]], x, y) <= near.distance
        return and_(self._candidates(table, box), case((c["_point"], point), else_=comes))

    def _candidates(self, table: Table, box: Bbox) -> Clause:
        """Rows whose extent meets the box: by the R*Tree while these are few, row by row in the order of the page when many.

        A page of the many is full after some rows; to collect all of them first would take as long as there are.
        Where both ways cost the same, candidates times rows is about a page times all rows.
        """
        tree = rtree(table.name)
        c = tree.c
        meet = and_(c.west <= box.east, c.east >= box.west, c.south <= box.north, c.north >= box.south)
        with self._store.reading() as connection:
            rows = connection.scalar(select(func.max(table.c[ROW]))) or 0
            few = max(LEAST, math.isqrt(PAGE * rows))
            met = connection.scalar(
                select(func.count()).select_from(select(c.id).where(meet).limit(few + 1).subquery())
            )
        if met is not None and met <= few:
            clause: Clause = table.c[ROW].in_(select(c.id).where(meet))
            return clause
        c = table.c
        return and_(c["_west"] <= box.east, c["_east"] >= box.west, c["_south"] <= box.north, c["_north"] >= box.south)

    def shape(self, dataset: Dataset, version: Version, shape: Shape) -> Clause:
        """The rows that a tree over the version's shapes finds."""
        layer = self._layers.get(dataset, version)
        if shape.predicate is Predicate.DISJOINT:
            met = layer.tree.query(shape.geometry, predicate="intersects")
            found = np.delete(np.arange(len(layer)), met)
        else:
            found = layer.tree.query(shape.geometry, predicate=joins.INVERSE.get(shape.predicate, shape.predicate))
        return self._among(dataset, layer.rows[found])

    def related_to(self, dataset: Dataset, version: Version, related_to: RelatedTo) -> Clause:
        """The rows that a join over both layers finds."""
        subjects = self._layers.get(dataset, version)
        objects = self.part(related_to.dataset, related_to.version, related_to.where)
        return self._among(dataset, subjects.rows[joins.matching(subjects, objects, related_to.link)])

    def join(self, related: Related) -> Joined:
        """A join over both layers."""
        parents = self._layers.get(related.parents, related.parent_version)
        placed = [(parents.positions[key], n) for n, key in enumerate(related.keys) if key in parents.positions]
        chosen, asked = (np.array(some, dtype=np.intp) for some in (zip(*placed, strict=True) if placed else ((), ())))
        children = self.part(related.dataset, related.version, related.where)
        return SqliteJoined(related, children, Part(parents, chosen), asked)

    def part(self, dataset: Dataset, version: Version, where: Condition | None) -> Part:
        """The records of a version that have a place and match."""
        layer = self._layers.get(dataset, version)
        if where is None:
            return Part(layer)
        table = self._store.tables[dataset.id]
        statement = select(table.c[ROW]).where(at(table, version), condition(table, dataset, version, where, self))
        with self._store.reading((dataset.id, version)) as connection:
            rows = connection.execute(statement).scalars().all()
        return Part(layer, np.flatnonzero(np.isin(layer.rows, np.array(rows, dtype=np.int64))))

    def _among(self, dataset: Dataset, rows: Array) -> Clause:
        clause: Clause = self._store.tables[dataset.id].c[ROW].in_(select(_listed(rows).c.value))
        return clause


class SqliteJoined:
    """A join over two layers; its pairs are worked out once, when they are first asked for."""

    def __init__(self, related: Related, children: Part, parents: Part, asked: Array) -> None:
        self._related = related
        self._children = children
        self._parents = parents
        self._asked = asked  # of each parent in the part its position among the keys asked for
        self.reads = reads(related)

    @cached_property
    def _found(self) -> Pairs:
        return joins.linked(self._children, self._parents, self._related.link)

    @cached_property
    def _pairs(self) -> Pairs:
        return joins.ordered(self._children, self._found)

    @property
    def _unbound(self) -> bool:
        return self._related.link == Link()

    def _key(self, parent: int) -> Any:  # noqa: ANN401 - a text or a number
        return self._related.keys[self._asked[parent]]

    def counts(self) -> dict[Any, int]:
        """By counting the pairs of each parent."""
        if self._unbound:
            return {self._key(one): len(self._children) for one in range(len(self._parents))}
        counted = np.bincount(self._found[0], minlength=len(self._parents))
        return {self._key(one): count for one, count in enumerate(counted.tolist())}

    def pairs(self, size: int, *, nearest: bool, distance: bool, shared: bool) -> list[Pair]:
        """Cut from all pairs; without a link, from those of a growing circle."""
        pairs = joins.nearest(self._children, self._parents, size) if nearest and self._unbound else self._pairs
        apart = joins.metres(self._children, self._parents, pairs) if nearest or distance else np.zeros(len(pairs[0]))
        if nearest:
            order = np.lexsort((pairs[1], apart, pairs[0]))
            pairs, apart = (pairs[0][order], pairs[1][order]), apart[order]
        first = _first(pairs[0], size)
        pairs, apart = (pairs[0][first], pairs[1][first]), apart[first]
        if len(pairs[0]) > MAX_ROWS:
            raise TooMuch(f"more than {MAX_ROWS} related records; ask for fewer with `first`")
        rows = self._children.layer.rows[pairs[1]].tolist()
        common = shapely.area(joins.shared(self._children, self._parents, pairs)).tolist() if shared else repeat(None)
        measures = zip(apart.tolist() if distance else repeat(None), common, strict=False)
        return [
            Pair(self._key(parent), row, metres, area)
            for parent, row, (metres, area) in zip(pairs[0].tolist(), rows, measures, strict=False)
        ]

    def relation(self) -> FromClause:
        """The pairs unpacked from one JSON parameter."""
        packed = (self._asked[self._pairs[0]] << ROW_BITS) | self._children.layer.rows[self._pairs[1]]
        value = _listed(packed).c.value
        return select(
            value.op(">>")(literal_column(str(ROW_BITS))).label("parent"),
            value.op("&")(literal_column(str((1 << ROW_BITS) - 1))).label("row"),
        ).subquery()

    def shared(self) -> dict[Any, float]:
        """What each pair shares, put together parent by parent."""
        common = joins.shared(self._children, self._parents, self._pairs)
        starts = np.searchsorted(self._pairs[0], np.arange(len(self._parents) + 1))
        return {
            self._key(one): float(shapely.area(shapely.union_all(common[starts[one] : starts[one + 1]])))
            for one in range(len(self._parents))
        }


def _first(parents: Array, size: int) -> Array:
    """Which of the pairs, that come parent by parent, are among the first of their parent."""
    starts = np.searchsorted(parents, parents)
    first: Array = np.arange(len(parents)) - starts < size
    return first


def _listed(numbers: Array) -> Any:  # noqa: ANN401 - a table-valued function
    """Integers as a table of one column, ``value``, from one bound parameter."""
    listed = orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return func.json_each(bindparam(None, listed, unique=True)).table_valued("value")


# what the connection calls for shapes that are not points


def _meets_box(wkb: bytes | None, west: float, south: float, east: float, north: float) -> bool:
    return wkb is not None and bool(shapely.intersects(shapely.from_wkb(wkb), shapely.box(west, south, east, north)))


@lru_cache(maxsize=4096)
def _in_metres(wkb: bytes) -> Geometry:
    shape: Geometry = metric(shapely.from_wkb(wkb))
    return shape


def _distance(wkb: bytes | None, x: float, y: float) -> float | None:
    return None if wkb is None else float(shapely.distance(_in_metres(wkb), shapely.Point(x, y)))


FUNCTIONS: Mapping[str, tuple[int, Callable[..., float | None]]] = {
    "broker_meets_box": (5, _meets_box),
    "broker_distance": (3, _distance),
}
"""Functions of SQL by name: how many arguments, and what is called."""


def rtree(table_name: str) -> Any:  # noqa: ANN401 - a lightweight table
    """The R*Tree of a data set's table."""
    return plain_table(f"{table_name}__rtree", *(column(name) for name in ("id", "west", "east", "south", "north")))
