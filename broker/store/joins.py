"""Layers joined by place: which record stands in a link to which, over whole arrays at once.

Pairs are two arrays of equal length: positions among the parents asked about, and positions in the children's layer.
The child is the subject of a predicate. A tree is asked with the shapes of more vertices, since these are prepared once and
then compared with many small ones; which side that is never changes the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from broker.deadline import check
from broker.errors import TooMuch
from broker.query import Link, Predicate
from broker.store.arrays import Array, Layer

__all__ = ["INVERSE", "MAX_PAIRS", "Pairs", "Part", "linked", "matching", "metres", "nearest", "ordered", "shared"]

AT_ONCE = 2_000
"""Shapes that are intersected between two looks at the clock."""
MAX_PAIRS = 5_000_000
"""The most pairs one join may have: 80 MB of positions."""

INVERSE = {Predicate.WITHIN: Predicate.CONTAINS, Predicate.CONTAINS: Predicate.WITHIN}
"""What holds the other way round; the other predicates are symmetric."""

Pairs = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a layer, by ascending position; all of them when ``chosen`` is None."""

    layer: Layer
    chosen: Array | None = None

    def __len__(self) -> int:
        return len(self.layer) if self.chosen is None else len(self.chosen)

    def shapes(self, *, in_metres: bool) -> Array:
        """Their shapes, in EPSG:2177 or EPSG:4326."""
        shapes = self.layer.metric if in_metres else self.layer.shapes
        return shapes if self.chosen is None else shapes[self.chosen]

    def tree(self, *, in_metres: bool) -> shapely.STRtree:
        """A tree over their shapes: the layer's own, or one made for these few."""
        if self.chosen is None:
            return self.layer.metric_tree if in_metres else self.layer.tree
        return shapely.STRtree(self.shapes(in_metres=in_metres))

    def positions(self, found: Array) -> Array:
        """Positions among these as positions in the layer."""
        return found if self.chosen is None else self.chosen[found]

    @property
    def detail(self) -> float:
        """Vertices of a shape, on average over the layer."""
        return self.layer.vertices / max(1, len(self.layer))


def linked(children: Part, parents: Part, link: Link) -> Pairs:
    """Every pair that is linked, in no order; positions among the children given. Raises `TooMuch` above `MAX_PAIRS`."""
    found, total = [], 0
    for some in _linked(children, parents, link):
        total += len(some[0])
        if total > MAX_PAIRS:
            raise TooMuch(f"more than {MAX_PAIRS} pairs are related; narrow the filter, the distance or the page")
        found.append(some)
    none = np.array([], dtype=np.intp)
    return np.concatenate([none, *(one[0] for one in found)]), np.concatenate([none, *(one[1] for one in found)])


def ordered(children: Part, pairs: Pairs) -> Pairs:
    """The pairs by parent, then by child, whose positions are now those in the children's layer."""
    order = np.lexsort((pairs[1], pairs[0]))
    return pairs[0][order], children.positions(pairs[1][order])


def matching(subjects: Layer, objects: Part, link: Link) -> Array:
    """Which records of a layer are linked to at least one of the others: a mask over the layer."""
    if link.predicate is Predicate.DISJOINT and link.distance is None:
        met = np.zeros(len(subjects), dtype=np.intp)
        for _, one in _linked(Part(subjects), objects, Link(Predicate.INTERSECTS)):
            met += np.bincount(one, minlength=len(subjects))
        return met < len(objects)
    found = np.zeros(len(subjects), dtype=bool)
    for _, one in _linked(Part(subjects), objects, link):
        found[one] = True
    return found


def _linked(children: Part, parents: Part, link: Link) -> Iterator[Pairs]:
    """Pairs in some order, a bounded number at a time; positions among the children given."""
    if not len(children) or not len(parents):
        return
    if link.distance is not None:
        for some in _asked(children, parents, "dwithin", link.distance):
            yield some if link.predicate is None else _holding(children, parents, some, link.predicate)
    elif link.predicate is None:
        yield from _every(children, parents)
    elif link.predicate is Predicate.DISJOINT:
        for some in _every(children, parents):
            yield _holding(children, parents, some, link.predicate)
    else:
        yield from _asked(children, parents, link.predicate)


def _asked(children: Part, parents: Part, predicate: str, distance: float | None = None) -> Iterator[Pairs]:
    """Ask a tree over one side with the shapes of the other, those of more detail, some at a time."""
    in_metres = distance is not None
    turned = children.detail > parents.detail
    asking, asked = (children, parents) if turned else (parents, children)
    if not turned:  # the tree is asked "parent … child"
        predicate = INVERSE.get(Predicate(predicate), Predicate(predicate)) if distance is None else predicate
    tree, shapes = asked.tree(in_metres=in_metres), asking.shapes(in_metres=in_metres)
    step = max(1, min(10_000, MAX_PAIRS // len(asked)))
    for start in range(0, len(shapes), step):
        check()
        given, found = tree.query(shapes[start : start + step], predicate=predicate, distance=distance)
        yield (found, given + start) if turned else (given + start, found)


def _every(children: Part, parents: Part) -> Iterator[Pairs]:
    count = len(children)
    step = max(1, MAX_PAIRS // count)
    for start in range(0, len(parents), step):
        check()
        some = np.arange(start, min(start + step, len(parents)))
        yield np.repeat(some, count), np.tile(np.arange(count), len(some))


def _holding(children: Part, parents: Part, pairs: Pairs, predicate: Predicate) -> Pairs:
    """Of these pairs those for which the predicate holds too."""
    subject, to = children.shapes(in_metres=False)[pairs[1]], parents.shapes(in_metres=False)[pairs[0]]
    holds = getattr(shapely, predicate)(subject, to)
    return pairs[0][holds], pairs[1][holds]


def nearest(children: Part, parents: Part, size: int) -> Pairs:
    """The nearest children of each parent, in some order: those asked for, and any that are as near as the last of them.

    A growing circle: from a radius that should hold enough of them, doubled for the parents that found too few.
    """
    asked, answers = [np.array([], dtype=np.intp)], [np.array([], dtype=np.intp)]
    size = min(size, len(children))
    if size == 0 or not len(parents):
        return asked[0], answers[0]
    tree, shapes = children.tree(in_metres=True), parents.shapes(in_metres=True)
    waiting = np.arange(len(parents))
    radius = _first_radius(children, size)
    while len(waiting):
        step = max(1, MAX_PAIRS // len(children))
        hungry = []
        for start in range(0, len(waiting), step):
            check()
            some = waiting[start : start + step]
            given, found = tree.query(shapes[some], predicate="dwithin", distance=radius)
            fed = np.bincount(given, minlength=len(some)) >= size
            asked.append(some[given[fed[given]]])
            answers.append(found[fed[given]])
            hungry.append(some[~fed])
        waiting = np.concatenate(hungry)
        radius *= 2
    return np.concatenate(asked), children.positions(np.concatenate(answers))


def _first_radius(children: Part, size: int) -> float:
    west, south, east, north = shapely.total_bounds(children.shapes(in_metres=True))
    spread = max((east - west) * (north - south), 1.0)
    return float(np.sqrt(2 * size * spread / (np.pi * len(children)))) + 1.0


def metres(children: Part, parents: Part, pairs: Pairs) -> Array:
    """The distance of each pair, in metres; 0 where they meet."""
    apart: Array = shapely.distance(parents.shapes(in_metres=True)[pairs[0]], children.layer.metric[pairs[1]])
    return apart


def shared(children: Part, parents: Part, pairs: Pairs) -> Array:
    """What each pair has in common, as shapes in EPSG:2177."""
    of_parents, of_children = parents.shapes(in_metres=True), children.layer.metric
    common: Array = np.empty(len(pairs[0]), dtype=object)
    for start in range(0, len(common), AT_ONCE):
        check()
        some = slice(start, start + AT_ONCE)
        common[some] = shapely.intersection(of_parents[pairs[0][some]], of_children[pairs[1][some]])
    return common
