"""Joins by place: on both stores the same, and as shapely says pair by pair, for random shapes that touch and run along."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.catalog import Catalog
from broker.errors import TooMuch
from broker.geometry import metric
from broker.query import (
    Aggregation,
    Compare,
    GroupBy,
    Link,
    Measure,
    Operator,
    Predicate,
    Query,
    Related,
    RelatedTo,
    Shape,
    Window,
)
from broker.store import SqlStore, joins, open_store
from tests.city.postgres import Cluster
from tests.stores.town import Quarter, Shop, put, shop

SHOPS, QUARTERS = Shop.__dataset__, Quarter.__dataset__
STEP = 1 / 128  # of a degree: on this grid shapes touch, and points lie on lines, exactly

grid = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda at: (16.875 + at[0] * STEP, 52.375 + at[1] * STEP))
boxes = st.tuples(grid, grid).filter(lambda two: two[0][0] != two[1][0] and two[0][1] != two[1][1])
areas = boxes.map(
    lambda two: shapely.box(
        min(two[0][0], two[1][0]), min(two[0][1], two[1][1]), max(two[0][0], two[1][0]), max(two[0][1], two[1][1])
    )
)
triangles = st.lists(grid, min_size=3, max_size=3, unique=True).map(shapely.Polygon).filter(lambda one: one.area > 0)
lines = st.lists(grid, min_size=2, max_size=4, unique=True).map(shapely.LineString)
rings = areas.map(
    lambda one: one.difference(
        shapely.box(*one.centroid.coords[0], *one.centroid.coords[0]).buffer(STEP / 4, cap_style="square")
    )
)
shapes = st.one_of(
    grid.map(shapely.Point),
    lines,
    areas,
    triangles,
    rings,
    st.lists(grid, min_size=2, max_size=3, unique=True).map(shapely.MultiPoint),
)
links = st.one_of(
    st.sampled_from(list(Predicate)).map(Link),
    st.floats(1, 5000).map(lambda metres: Link(None, metres)),
    st.tuples(st.sampled_from(list(Predicate)), st.floats(1, 5000)).map(lambda both: Link(*both)),
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[list[SqlStore]]:
    folder: Path = tmp_path_factory.mktemp("joins")
    catalog = Catalog.of([QUARTERS, SHOPS])
    stores = [open_store(url, catalog) for url in (f"sqlite:///{folder}/store.sqlite", cluster.database())]
    yield stores
    for one in stores:
        one.close()


def fill(stores: list[SqlStore], children: list[Any], parents: list[Any]) -> None:
    for store in stores:
        put(store, SHOPS, *(shop(f"s{n:02}", staff=n % 3, geometry=one) for n, one in enumerate(children)))
        put(store, QUARTERS, *(Quarter(code=f"q{n:02}", name="Q", geometry=one) for n, one in enumerate(parents)))


def asked(store: SqlStore, link: Link, count: int, where: Any = None) -> Related:
    versions = store.versions()
    keys = tuple(f"q{n:02}" for n in range(count))
    return Related(SHOPS, versions[SHOPS.id].version, QUARTERS, versions[QUARTERS.id].version, keys, link, where)


def found(
    store: SqlStore, related: Related, size: int = 100, *, nearest: bool = False
) -> list[tuple[str, str, float, float]]:
    """The pairs by key, with metres and square metres."""
    pairs = store.join(related).pairs(size, nearest=nearest, distance=True, shared=True)
    rows = store.by_row(SHOPS, store.version(SHOPS).version, [one.row for one in pairs], frozenset({"code"}))
    return [(one.parent, rows[one.row]["code"], one.distance or 0, one.shared or 0) for one in pairs]


def holds(link: Link, child: Any, parent: Any) -> bool:
    near = link.distance is None or shapely.dwithin(metric(child), metric(parent), link.distance)
    return bool(near and (link.predicate is None or getattr(shapely, link.predicate)(child, parent)))


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(children=st.lists(shapes, min_size=1, max_size=6), parents=st.lists(shapes, min_size=1, max_size=4), link=links)
def test_both_stores_find_what_holds_pair_by_pair(
    both: list[SqlStore], children: list[Any], parents: list[Any], link: Link
) -> None:
    fill(both, children, parents)
    expected = [
        (f"q{p:02}", f"s{c:02}")
        for p, parent in enumerate(parents)
        for c, child in enumerate(children)
        if holds(link, child, parent)
    ]
    versions = [store.versions() for store in both]
    for store, version in zip(both, versions, strict=True):
        related = asked(store, link, len(parents))
        pairs = found(store, related)
        assert [one[:2] for one in pairs] == expected
        counts = store.join(related).counts()
        assert [counts.get(f"q{n:02}", 0) for n in range(len(parents))] == [
            sum(one[0] == f"q{n:02}" for one in expected) for n in range(len(parents))
        ]
        linked_to = RelatedTo(QUARTERS, version[QUARTERS.id].version, link)
        page = store.select(Query(SHOPS, version[SHOPS.id].version, frozenset({"code"}), Window(100), linked_to))
        assert [row["code"] for row in page.rows] == sorted({one[1] for one in expected})
        for parent, code, metres, area in pairs:
            there, here = metric(parents[int(parent[1:])]), metric(children[int(code[1:])])
            assert metres == pytest.approx(there.distance(here), abs=1e-6)
            assert area == pytest.approx(there.intersection(here).area, rel=1e-9, abs=0.01)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    children=st.lists(shapes, min_size=1, max_size=6), given_shape=shapes, predicate=st.sampled_from(list(Predicate))
)
def test_both_stores_filter_by_a_given_shape(
    both: list[SqlStore], children: list[Any], given_shape: Any, predicate: Predicate
) -> None:
    fill(both, children, [given_shape])
    expected = [f"s{n:02}" for n, child in enumerate(children) if getattr(shapely, predicate)(child, given_shape)]
    for store in both:
        query = Query(
            SHOPS, store.version(SHOPS).version, frozenset({"code"}), Window(100), Shape(given_shape, predicate)
        )
        assert [row["code"] for row in store.select(query).rows] == expected
        assert store.count(query) == len(expected)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    children=st.lists(shapes, min_size=1, max_size=8),
    parents=st.lists(shapes, min_size=1, max_size=4),
    size=st.integers(1, 4),
)
def test_the_nearest_are_the_nearest(both: list[SqlStore], children: list[Any], parents: list[Any], size: int) -> None:
    fill(both, children, parents)
    for store in both:
        pairs = found(store, asked(store, Link(), len(parents)), size, nearest=True)
        for n, parent in enumerate(parents):
            expected = sorted(metric(parent).distance(metric(child)) for child in children)[:size]
            assert [one[2] for one in pairs if one[0] == f"q{n:02}"] == pytest.approx(expected, abs=1e-6)


def test_the_nearest_of_many_are_found_from_near_and_far(
    opened: Callable[[Catalog], SqlStore], catalog: Catalog
) -> None:
    random = np.random.default_rng(7)
    places = shapely.points(random.uniform([16.8, 52.3], [17.0, 52.5], (500, 2)))
    corners = [shapely.Point(16.73, 52.29), shapely.Point(16.9, 52.4), shapely.Point(17.08, 52.51)]
    store = opened(catalog)
    put(store, SHOPS, *(shop(f"s{n:03}", geometry=one) for n, one in enumerate(places)))
    put(store, QUARTERS, *(Quarter(code=f"q{n:02}", name="Q", geometry=one) for n, one in enumerate(corners)))
    pairs = found(store, asked(store, Link(), 3), 7, nearest=True)
    for n, corner in enumerate(corners):
        far = shapely.distance(metric(places), metric(corner))
        assert [one[1] for one in pairs if one[0] == f"q{n:02}"] == [f"s{index:03}" for index in np.argsort(far)[:7]]


def test_figures_filters_and_what_has_no_place(opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> None:
    store = opened(catalog)
    west, east = shapely.box(16.8, 52.3, 16.9, 52.4), shapely.box(17.0, 52.3, 17.05, 52.4)
    inside = [shapely.Point(16.85, 52.35), shapely.Point(16.86, 52.36), shapely.Point(16.87, 52.37)]
    put(
        store, SHOPS, *(shop(f"s{n}", name="x" if n else None, staff=n, geometry=one) for n, one in enumerate(inside)),
        shop("nowhere", staff=9), shop("wide", staff=5, geometry=shapely.box(16.85, 52.3, 16.95, 52.4)),
    )  # fmt: skip
    put(store, QUARTERS, Quarter(code="q00", name="W", geometry=west), Quarter(code="q01", name="E", geometry=east))
    joined = store.join(asked(store, Link(Predicate.INTERSECTS), 2))
    version = store.version(SHOPS).version
    by_name = Aggregation(SHOPS, version, None, (GroupBy("name"),), (Measure("sum", "staff"), Measure("avg", "staff")))
    groups = {
        parent: [(one.key, one.count, *one.measures.values()) for one in some]
        for parent, some in store.aggregate_related(joined, by_name).items()
    }
    assert groups == {0: [((None,), 2, 5, 2.5), (("x",), 2, 3, 1.5)]}
    few = store.join(asked(store, Link(Predicate.INTERSECTS), 2, Compare("staff", Operator.GTE, 2)))
    assert {key: count for key, count in few.counts().items() if count} == {"q00": 2}
    shared = joined.shared()
    assert shared["q00"] == pytest.approx(
        metric(shapely.box(16.85, 52.3, 16.9, 52.4)).area, rel=1e-3
    )  # an edge straight in degrees is not in metres
    assert shared["q01"] == 0
    assert store.join(asked(store, Link(Predicate.DISJOINT), 2)).counts() == {"q00": 0, "q01": 4}


def test_more_pairs_than_a_request_may_have_are_refused(both: list[SqlStore], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joins, "MAX_PAIRS", 3)
    fill(both, [shapely.Point(16.9, 52.4)] * 4, [shapely.box(16.8, 52.3, 17, 52.5)])
    with pytest.raises(TooMuch, match="more than 3 pairs are related; narrow the filter"):
        both[0].join(asked(both[0], Link(Predicate.WITHIN), 1)).counts()
