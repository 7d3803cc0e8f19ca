"""What a data set was: versions stand as long as they are kept, and what differs between two of them is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from broker.catalog import Catalog
from broker.query import Query, Version, Window
from broker.store import Difference, DifferenceKind, SqlStore
from tests.stores.town import SHOPS, Shop, put, shop

SHOP = Shop.__dataset__
ADDED, CHANGED, REMOVED = DifferenceKind.ADDED, DifferenceKind.CHANGED, DifferenceKind.REMOVED
LATER = datetime(9000, 1, 1, tzinfo=UTC)


@pytest.fixture
def past(town: SqlStore) -> SqlStore:
    """Three versions: five shops; b renamed, e gone, f new; e back as it was, f gone again."""
    a, _, c, d, e = SHOPS
    put(town, SHOP, a, shop("b", name="Ryś"), c, d, shop("f", name="Foka"))
    put(town, SHOP, a, shop("b", name="Ryś"), c, d, e)
    return town


def told(store: SqlStore, *versions: int) -> dict[str, DifferenceKind]:
    found, more = store.differences(SHOP, (Version(versions[0]), Version(versions[1])), 100)
    assert not more
    counted = store.count_differences(SHOP, (Version(versions[0]), Version(versions[1])))
    assert counted == {kind: sum(one.kind is kind for one in found) for kind in DifferenceKind}
    return {one.key: one.kind for one in found}


def test_what_differs_is_told_by_key(past: SqlStore) -> None:
    assert told(past, 1, 2) == {"b": CHANGED, "e": REMOVED, "f": ADDED}
    assert told(past, 2, 3) == {"e": ADDED, "f": REMOVED}
    assert told(past, 0, 1) == dict.fromkeys("abcde", ADDED)
    assert told(past, 3, 3) == {}


def test_what_went_and_came_back_as_it_was_is_the_same(past: SqlStore) -> None:
    assert told(past, 1, 3) == {"b": CHANGED}


def test_it_is_given_in_pages(past: SqlStore) -> None:
    first, more = past.differences(SHOP, (Version(1), Version(2)), 2)
    assert (first, more) == ([Difference("b", CHANGED), Difference("e", REMOVED)], True)
    assert past.differences(SHOP, (Version(1), Version(2)), 2, "e") == ([Difference("f", ADDED)], False)


def test_the_version_that_stood_at_a_moment(past: SqlStore) -> None:
    moments = [datetime(2020, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    own = past.own.versions
    with past.writing() as connection:
        for number, moment in enumerate(moments, 1):
            mine = (own.c.dataset == SHOP.id) & (own.c.number == number)
            connection.execute(update(own).where(mine).values(published_at=moment))
    second = timedelta(seconds=1)
    assert past.standing(SHOP, moments[0] - second) is None
    stood = [past.standing(SHOP, one) for one in (moments[0], moments[1] - second, moments[1], LATER)]
    assert [one.number for one in stood if one] == [1, 1, 2, 3]
    assert past.begins(SHOP) == moments[0]


def aged(store: SqlStore, number: int, days: float) -> None:
    own = store.own.versions
    with store.writing() as connection:
        mine = (own.c.dataset == SHOP.id) & (own.c.number == number)
        connection.execute(update(own).where(mine).values(published_at=datetime.now(UTC) - timedelta(days=days)))


def test_what_was_replaced_longer_ago_than_is_kept_is_dropped_with_its_rows(past: SqlStore) -> None:
    for number, days in ((1, 500), (2, 400), (3, 10)):
        aged(past, number, days)
    put(past, SHOP, *SHOPS[:3])
    with past.reading() as connection:
        kept = connection.execute(select(past.own.versions.c.number).where(past.own.versions.c.dataset == SHOP.id))
        assert sorted(kept.scalars()) == [2, 3, 4]  # the second stood until ten days ago
        assert connection.scalar(select(func.count()).select_from(past.tables[SHOP.id])) == 9 - 2  # the first b and e
    codes = {row["code"] for row in past.select(Query(SHOP, Version(2), frozenset(), Window(100))).rows}
    assert codes == {"a", "b", "c", "d", "f"}
    assert told(past, 2, 3) == {"e": ADDED, "f": REMOVED}


def test_a_store_keeps_as_long_as_it_is_told(
    opened: Callable[[Catalog], SqlStore], catalog: Catalog, past: SqlStore
) -> None:
    store = opened(catalog)
    store.keep = timedelta(days=5)
    for number, days in ((1, 8), (2, 7), (3, 6)):
        aged(past, number, days)
    put(store, SHOP, *SHOPS[:4])
    begins = store.begins(SHOP)
    assert begins is not None
    assert begins > datetime.now(UTC) - timedelta(days=6, minutes=1)
