"""A version is more than a number: one that a failover lost, and whose number was given again, is never taken for the other."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, update

from broker.catalog import Catalog
from broker.errors import StoreUnavailable, VersionGone
from broker.query import (
    Aggregation,
    And,
    Bbox,
    Find,
    InDistrict,
    Link,
    Not,
    Predicate,
    Query,
    Related,
    RelatedTo,
    Shape,
    Term,
    Version,
    Window,
    reads,
)
from broker.store import SqlStore
from broker.store.columns import Reading
from broker.store.lives import drop
from broker.store.tables import FOREVER
from tests.stores.town import QUARTERS, SHOPS, Quarter, Shop, put, shop

SHOP, QUARTER = Shop.__dataset__, Quarter.__dataset__
HERE = SHOPS[0].geometry
WITHIN = Link(Predicate.WITHIN)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def other(town: SqlStore, opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> SqlStore:
    """The town's store, opened by another process so to speak."""
    del town
    return opened(catalog)


def lose(store: SqlStore, number: int) -> None:
    """As a failover to a standby does that had not received the version yet."""
    own, table = store.own, store.tables[SHOP.id]
    with store.writing() as connection:
        drop(connection, store, SHOP, table.c["_since"] == number)
        connection.execute(update(table).where(table.c["_until"] == number).values(_until=FOREVER))
        entries = own.entries.c.dataset == SHOP.id, own.entries.c.until == number
        connection.execute(update(own.entries).where(*entries).values(until=FOREVER))
        connection.execute(
            delete(own.versions).where(own.versions.c.dataset == SHOP.id, own.versions.c.number == number)
        )


@pytest.fixture
def twice(town: SqlStore, other: SqlStore) -> tuple[SqlStore, Version, Version]:
    """A store, a version that was read and lost, and another one of the same number."""
    put(town, SHOP, *SHOPS, shop("lost", name="Zaginiony", geometry=HERE))
    lost = town.version(SHOP).version
    for ask in ASKED.values():
        ask(town, lost)
    lose(town, lost.number)
    put(other, SHOP, *SHOPS, shop("new", name="Nowy", geometry=HERE), shop("newer", name="Nowszy", geometry=HERE))
    new = town.version(SHOP).version
    assert (new.number, new.id != lost.id) == (lost.number, True)
    return town, lost, new


def quarters(store: SqlStore) -> Version:
    return store.version(QUARTER).version


def related(store: SqlStore, version: Version) -> Any:
    return store.join(Related(SHOP, version, QUARTER, quarters(store), ("W", "E"), WITHIN))


def page(store: SqlStore, version: Version) -> int:
    query = Query(SHOP, version, frozenset({"name"}), Window(100))
    with store.driver(*reads(query)) as connection:
        return store.columns.page(query, Reading(connection, lambda _: None), positions=False).size


def counted(*where: Any) -> Callable[[SqlStore, Version], int]:
    return lambda store, version: store.count(Query(SHOP, version, frozenset(), Window(0), And(where)))


def in_quarters(store: SqlStore, version: Version) -> int:
    linked = RelatedTo(SHOP, version, Link(Predicate.CONTAINS))
    return store.count(Query(QUARTER, quarters(store), frozenset(), Window(0), Not(linked)))


ASKED: dict[str, Callable[[SqlStore, Version], Any]] = {
    "select": lambda store, at: len(store.select(Query(SHOP, at, frozenset({"name"}), Window(100))).rows),
    "columns": page,
    "count": lambda store, at: store.count(Query(SHOP, at, frozenset(), Window(0))),
    "count in a box": counted(Bbox(16.8, 52.3, 17, 52.5)),
    "count in a shape": counted(Shape(QUARTERS[0].geometry, Predicate.WITHIN)),
    "count in a district": counted(InDistrict("W")),
    "count by what is related": in_quarters,
    "aggregate": lambda store, at: store.aggregate(Aggregation(SHOP, at))[0].count,
    "keys": lambda store, at: len(store.by_key(SHOP, at, ["lost", "new", "newer"], frozenset({"name"}))),
    "rows": lambda store, at: len(store.by_row(SHOP, at, range(100), frozenset({"name"}))),
    "pairs": lambda store, at: len(related(store, at).pairs(100, nearest=False, distance=False, shared=False)),
    "counts of related": lambda store, at: sum(related(store, at).counts().values()),
    "search": lambda store, at: store.find(Find((Term((), "zaginion"),), {SHOP.id: at}, 10))[1],
    "type of geometry": lambda store, at: store.geometry_type(SHOP, at),
    "repairs": lambda store, at: store.repairs(SHOP, at),
    "differences": lambda store, at: len(store.differences(SHOP, (Version(1), at), 10)[0]),
    "count of differences": lambda store, at: sum(store.count_differences(SHOP, (Version(1), at)).values()),
}
COUNTED = {one for one in ASKED if one == "count" or one.startswith(("count in", "count by"))}
FROM_ARRAYS = {"pairs", "counts of related"}
"""Answered from memory once they are there: counts by both stores, joins by SQLite's."""


@pytest.mark.parametrize("asked", ASKED)
def test_a_lost_version_is_gone_whatever_is_asked_of_it(twice: tuple[SqlStore, Version, Version], asked: str) -> None:
    store, lost, new = twice
    ask = ASKED[asked]
    fresh = ask(store, new)
    if asked in COUNTED or (asked in FROM_ARRAYS and not store.dialect.shared):
        found = ask(store, lost)  # what is in memory of it is of it, and never of the other one
        assert found != fresh or asked == "count by what is related"
    else:
        with pytest.raises(VersionGone, match="version 2 does not exist any more"):
            ask(store, lost)
    assert ask(store, new) == fresh


def test_what_was_counted_of_one_is_not_told_of_the_other(twice: tuple[SqlStore, Version, Version]) -> None:
    store, lost, new = twice
    assert ASKED["count"](store, lost) == len(SHOPS) + 1  # as it was
    assert ASKED["count"](store, new) == len(SHOPS) + 2
    assert ASKED["counts of related"](store, new) == ASKED["pairs"](store, new)


def test_a_version_that_has_not_come_yet_is_waited_for(town: SqlStore) -> None:
    """On a node that lags behind the one whose newest version was told."""
    with pytest.raises(StoreUnavailable, match="version 7 has not reached this node"):
        town.select(Query(SHOP, Version(7, "abc"), frozenset(), Window(1)))


def test_a_version_that_expired_is_gone_and_never_a_part_of_it(town: SqlStore) -> None:
    first = town.version(SHOP).version
    put(town, SHOP, *SHOPS[:3])
    own = town.own.versions
    with town.writing() as connection:
        connection.execute(update(own).where(own.c.dataset == SHOP.id, own.c.number == 1).values(published_at=LONG_AGO))
        connection.execute(update(own).where(own.c.dataset == SHOP.id, own.c.number == 2).values(published_at=LONG_AGO))
    put(town, SHOP, *SHOPS[:2])
    with pytest.raises(VersionGone):
        town.select(Query(SHOP, first, frozenset(), Window(10)))
    with pytest.raises(VersionGone):
        town.named(SHOP, first.id)


def test_one_snapshot_for_all_that_a_thread_reads(town: SqlStore, other: SqlStore) -> None:
    query = Query(SHOP, town.version(SHOP).version, frozenset(), Window(100))
    with town.reading(*reads(query)):
        before = len(town.select(query).rows)
        put(other, SHOP, *SHOPS[:2])
        assert len(town.select(query).rows) == before
        assert town.version(SHOP).number == 1
        known = town.known_versions()
        assert known is None or town.dialect.shared
    assert town.version(SHOP).number == 2
