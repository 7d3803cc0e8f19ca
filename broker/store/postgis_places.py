"""Questions of place in PostGIS: predicates, distances and joins in SQL, by GiST indexes.

Predicates are taken on the shapes in degrees, distances and areas on the same ones in metres, as everywhere in the broker.
"""

from typing import Any

import shapely
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    not_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from broker.errors import TooMuch
from broker.geometry import METRIC, WGS84, metric
from broker.model import Dataset
from broker.query import ROW, Bbox, Link, Near, Pair, Predicate, Related, RelatedTo, Shape, Version, reads
from broker.store.database import tried_again
from broker.store.dialect import MAX_ROWS, Joined, Tables
from broker.store.located import IN_METRES
from broker.store.statements import Clause, at, condition

__all__ = ["PostgisJoined", "PostgisPlaces"]

FUNCTIONS = {
    Predicate.INTERSECTS: func.ST_Intersects,
    Predicate.WITHIN: func.ST_Within,
    Predicate.CONTAINS: func.ST_Contains,
    Predicate.DISJOINT: func.ST_Disjoint,
    Predicate.TOUCHES: func.ST_Touches,
    Predicate.CROSSES: func.ST_Crosses,
    Predicate.OVERLAPS: func.ST_Overlaps,
}


class PostgisPlaces:
    """Places of a store in PostgreSQL."""

    def __init__(self, store: Tables) -> None:
        self._store = store

    def bbox(self, table: Table, box: Bbox) -> Clause:
        """By the index, then exactly."""
        return func.ST_Intersects(
            _shape(table), func.ST_MakeEnvelope(box.west, box.south, box.east, box.north, WGS84), type_=true().type
        )

    def near(self, table: Table, near: Near) -> Clause:
        """By the index, then exactly; metres."""
        around = metric(shapely.Point(near.lon, near.lat))
        point = func.ST_SetSRID(func.ST_MakePoint(around.x, around.y), METRIC)
        return func.ST_DWithin(table.c[IN_METRES], point, near.distance, type_=true().type)

    def shape(self, dataset: Dataset, version: Version, shape: Shape) -> Clause:
        """By the index, then exactly."""
        del version
        given = func.ST_GeomFromWKB(literal(shapely.to_wkb(shape.geometry)), WGS84)
        return FUNCTIONS[shape.predicate](_shape(self._store.tables[dataset.id]), given, type_=true().type)

    def related_to(self, dataset: Dataset, version: Version, related_to: RelatedTo) -> Clause:
        """Where there is one that is linked."""
        del version
        other = _alias(self._store.tables[related_to.dataset.id], "other")
        table = self._store.tables[dataset.id]
        found = and_(at(other, related_to.version), _linked(other, table, related_to.link, inverse=True))
        if related_to.where is not None:
            found = and_(found, condition(other, related_to.dataset, related_to.version, related_to.where, self))
        return exists(select(literal(1)).select_from(other).where(found).correlate(table))

    def join(self, related: Related) -> Joined:
        """A join in the database, worked out for each question about it."""
        children = _alias(self._store.tables[related.dataset.id], "children")
        parents = _alias(self._store.tables[related.parents.id], "parents")
        key = parents.c[related.parents.key]
        keys = cast(bindparam("keys", list(related.keys), unique=True), ARRAY(_plain(key)))
        asked = func.unnest(keys).table_valued("key", with_ordinality="position", name="asked").render_derived()
        mine = and_(at(children, related.version), _shape(children).is_not(None))
        if related.where is not None:
            mine = and_(mine, condition(children, related.dataset, related.version, related.where, self))
        placed = and_(at(parents, related.parent_version), _shape(parents).is_not(None), key == asked.c.key)
        return PostgisJoined(self._store, related, (asked, placed, parents), (children, mine))


class PostgisJoined:
    """A join as SQL."""

    def __init__(
        self, store: Tables, related: Related, asked: tuple[FromClause, Clause, Table], mine: tuple[Table, Clause]
    ) -> None:
        self._store = store
        self._related = related
        self.reads = reads(related)
        self._asked, self._placed, self._parents = asked
        self._children, self._mine = mine
        self._position: ColumnElement[int] = cast(self._asked.c.position, BigInteger) - 1
        self._key = self._children.c[related.dataset.key]

    def _pairs(self, *columns: ColumnElement[Any], outer: bool = False) -> Select[Any]:
        """Positions of parents with columns of what is linked to them."""
        linked = and_(self._mine, _linked(self._children, self._parents, self._related.link))
        parents = self._asked.join(self._parents, self._placed)
        return select(self._position.label("parent"), *columns).select_from(
            parents.join(self._children, linked, isouter=outer)
        )

    @tried_again
    def _read(self, statement: Select[Any]) -> list[Any]:
        with self._store.reading(*self.reads) as connection:
            return list(connection.execute(statement).all())

    def counts(self) -> dict[Any, int]:
        """Counted in the database."""
        statement = self._pairs(func.count(self._children.c[ROW]), outer=True).group_by(self._asked.c.position)
        return {self._related.keys[position]: count for position, count in self._read(statement)}

    def pairs(self, size: int, *, nearest: bool, distance: bool, shared: bool) -> list[Pair]:
        """The first of each parent, by a window or, for the nearest of all, by the index on each parent's own."""
        here, there = self._children.c[IN_METRES], self._parents.c[IN_METRES]
        apart: ColumnElement[Any] = func.ST_Distance(here, there, type_=Float())
        order = [apart, self._key] if nearest else [self._key]
        common: ColumnElement[Any] = func.ST_Area(func.ST_Intersection(here, there), type_=Float())
        measures = [apart.label("apart"), (common if shared else literal(None)).label("common")]
        if nearest and self._related.link == Link():
            few = select(self._children.c[ROW].label("row"), self._key.label("key"), *measures)
            few = few.where(self._mine).order_by(*order).limit(size).correlate(self._parents)
            first = few.lateral("first")
            source = self._asked.join(self._parents, self._placed).join(first, true())
            statement = select(self._position.label("parent"), first.c.row, first.c.apart, first.c.common)
            statement = statement.select_from(source).order_by(self._asked.c.position, first.c.apart, first.c.key)
        else:
            rank = func.row_number().over(partition_by=self._asked.c.position, order_by=order).label("rank")
            ranked = self._pairs(self._children.c[ROW].label("row"), *measures, rank).subquery("ranked")
            statement = select(ranked.c.parent, ranked.c.row, ranked.c.apart, ranked.c.common)
            statement = statement.where(ranked.c.rank <= size).order_by(ranked.c.parent, ranked.c.rank)
        rows = self._read(statement.limit(MAX_ROWS + 1))
        if len(rows) > MAX_ROWS:
            raise TooMuch(f"more than {MAX_ROWS} related records; ask for fewer with `first`")
        keys = self._related.keys
        return [Pair(keys[parent], row, metres if distance else None, area) for parent, row, metres, area in rows]

    def relation(self) -> FromClause:
        """The join itself."""
        return self._pairs(self._children.c[ROW].label("row")).subquery("related")

    def shared(self) -> dict[Any, float]:
        """The parent cut with the union of all that is linked to it."""
        here, there = self._children.c[IN_METRES], self._parents.c[IN_METRES]
        cut = func.ST_Area(func.ST_Union(func.ST_Intersection(here, there)), type_=Float())
        statement = self._pairs(func.coalesce(cut, 0.0), outer=True).group_by(self._asked.c.position)
        return {self._related.keys[position]: area for position, area in self._read(statement)}


def _linked(subject: Table, to: Table, link: Link, *, inverse: bool = False) -> Clause:
    """The link between two tables' rows; ``inverse``: the second one is the subject."""
    if inverse:
        subject, to = to, subject
    parts: list[Clause] = [true()]
    if link.distance is not None:
        metres = subject.c[IN_METRES], to.c[IN_METRES]
        parts.append(func.ST_DWithin(*metres, link.distance, type_=true().type))
    if link.predicate is Predicate.DISJOINT:  # spelt so that the index of the opposite may serve
        parts.append(not_(func.ST_Intersects(_shape(subject), _shape(to), type_=true().type)))
    elif link.predicate is not None:
        parts.append(FUNCTIONS[link.predicate](_shape(subject), _shape(to), type_=true().type))
    return and_(*parts)


def _alias(table: Table, name: str) -> Table:
    """The table under another name: a data set may be joined with itself."""
    return table.alias(name)  # type: ignore[return-value]  # it has what is used of a table here: its columns


def _shape(table: Table) -> ColumnElement[Any]:
    """The shape in degrees, as the database has it."""
    shape: ColumnElement[Any] = table.c[getattr(table, "element", table).info["geometry"]]
    return shape


def _plain(key: ColumnElement[Any]) -> Any:  # noqa: ANN401 - a type of SQLAlchemy
    return BigInteger() if isinstance(key.type, BigInteger) else Text()
