"""Published means whole: whatever happens to a draft, a version holds what was read, or it does not come to be."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from broker.catalog import Catalog
from broker.errors import LeaseLost, StoreError
from broker.query import Query, Version, Window
from broker.store import Draft, SqlStore, versions
from broker.store.leases import TERM
from tests.faults.extent import WHOLE
from tests.stores.test_leases import put_off
from tests.stores.town import QUARTERS, SHOPS, Quarter, Shop, put, shop

SHOP, QUARTER = Shop.__dataset__, Quarter.__dataset__


@pytest.fixture
def other(town: SqlStore, opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> SqlStore:
    """The town's store, opened by another process so to speak."""
    del town
    return opened(catalog)


@pytest.fixture(autouse=True)
def many_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "BATCH", 10)


def many(generation: int, count: int = 50) -> list[Shop]:
    return [shop(f"s{n:03}", name=f"{generation}") for n in range(count)]


def content(store: SqlStore, version: Version) -> dict[str, str | None]:
    found = store.select(Query(SHOP, version, frozenset({"name"}), Window(1000)))
    assert store.count(Query(SHOP, version, frozenset(), Window(0))) == len(found.rows)
    return {row["code"]: row["name"] for row in found.rows}


def as_read(shops: list[Shop]) -> dict[str, str | None]:
    return {one.code: one.name for one in shops}


def take_over(store: SqlStore) -> Draft:
    """Begin a draft in place of one whose process is not heard of."""
    put_off(store, SHOP.id, TERM + timedelta(seconds=1))
    return store.draft(SHOP, sample=False)


@pytest.mark.parametrize("spoiled", ["lost", "other"])
def test_what_the_store_has_lost_is_not_published(town: SqlStore, spoiled: str) -> None:
    """As an asynchronous standby loses what was written last."""
    before, table = content(town, town.version(SHOP).version), town.tables[SHOP.id]
    draft = town.draft(SHOP, sample=False)
    draft.add(many(1))
    some = (table.c["_since"] == draft.number) & (table.c.code == "s007")
    with town.writing() as connection:
        connection.execute(
            delete(table).where(some)
            if spoiled == "lost"
            else update(table).where(some).values(_hash=table.c["_hash"] + 1)
        )
    with pytest.raises(StoreError, match=r"50 records were read, and the store holds (49|50), or others"):
        draft.publish()
    draft.close()
    assert (town.version(SHOP).number, content(town, town.version(SHOP).version)) == (1, before)
    put(town, SHOP, *many(1))
    assert content(town, town.version(SHOP).version) == as_read(many(1))


def test_a_version_that_was_lost_meanwhile_is_followed_by_none(town: SqlStore) -> None:
    put(town, SHOP, *many(1))
    draft = town.draft(SHOP, sample=False)
    draft.add(many(2))
    own = town.own.versions
    with town.writing() as connection:
        connection.execute(delete(own).where((own.c.dataset == SHOP.id) & (own.c.number == 2)))
    with pytest.raises(StoreError, match="version 2, which this refresh began from, is not the newest any more"):
        draft.publish()
    draft.close()


def test_a_draft_whose_lease_another_has_takes_nothing_of_its_rows(town: SqlStore, other: SqlStore) -> None:
    late = town.draft(SHOP, sample=False)
    late.add(many(1)[:35])
    draft = take_over(other)
    draft.add(many(2)[:25])
    with pytest.raises(LeaseLost):
        late.add(many(1)[35:])
    late.close()
    draft.add(many(2)[25:])
    published = draft.publish()
    draft.close()
    with pytest.raises(LeaseLost):
        late.publish()
    late.close()
    assert published.number > late.number > 1
    assert content(town, published.version) == as_read(many(2))
    assert set(content(town, Version(1))) == {one.code for one in SHOPS}


def test_a_publication_of_which_no_answer_came_stays(town: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database has committed, and the connection broke before it could say so."""
    draft = town.draft(SHOP, sample=False)
    draft.add(many(1))

    def broken() -> None:
        raise StoreError("the connection broke")

    monkeypatch.setattr(town, "published", broken)
    with pytest.raises(StoreError, match="the connection broke"):
        draft.publish()
    draft.kept = False
    draft.close()
    assert content(town, town.version(SHOP).version) == as_read(many(1))


@pytest.mark.parametrize("seed", range(30 if WHOLE else 4))
def test_two_that_write_in_any_order(town: SqlStore, other: SqlStore, seed: int) -> None:
    """Each may take over from the other at any moment, be late, give up, or publish: every version is one of them, whole."""
    pick, stores, known = random.Random(seed), (town, other), {1: as_read([*SHOPS])}
    running: list[tuple[Draft, list[Shop]]] = []
    for generation in range(2, 30):
        deed = pick.choice(["begin", "write", "write", "publish", "close"])
        with suppress(StoreError):
            if deed == "begin" or not running:
                shops = many(generation, pick.randrange(5, 60))
                running.append((take_over(pick.choice(stores)), shops))
                continue
            draft, shops = pick.choice(running)
            if deed == "write":
                draft.add(shops[: pick.randrange(len(shops))])
            elif deed == "publish":
                draft.add(shops)
                made = draft.publish()
                known[made.number] = as_read(shops)
                running.remove((draft, shops))
            else:
                draft.close()
                running.remove((draft, shops))
        for number, expected in known.items():
            assert content(pick.choice(stores), Version(number)) == expected, (seed, number)
    for draft, _ in running:
        draft.close()
    assert known.keys() >= {town.version(SHOP).number}


def test_moments_of_versions_never_go_back(town: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the clock does, as one that was three days ahead and is put right."""
    read, ahead = town.clock.read, timedelta(days=3)
    monkeypatch.setattr(town.clock, "read", lambda connection: read(connection) + ahead)
    early, _ = put(town, SHOP, *many(1))
    monkeypatch.setattr(town.clock, "read", read)
    late, _ = put(town, SHOP, *many(2))
    assert late.published_at > early.published_at
    now = datetime.now(UTC)
    assert early.checked_at - now > timedelta(days=2)
    assert abs(late.checked_at - now) < timedelta(minutes=1)  # it was checked when it was checked
    assert town.standing(SHOP, late.published_at).number == late.number  # type: ignore[union-attr]


def test_what_is_derived_later_is_a_version_of_its_own(town: SqlStore) -> None:
    """Rows of a version that was published are never rewritten."""
    table = town.tables[SHOP.id]
    there = [one for one in table.c if one.name != "_until"]

    def rows() -> list[Any]:
        with town.reading() as connection:
            return list(
                connection.execute(select(*there).where(table.c["_since"] == 1).order_by(table.c["_row"])).all()
            )

    before = rows()
    put(town, QUARTER, *(replace(one, geometry=one.geometry.buffer(0.05)) for one in QUARTERS))
    made = town.locate_again(SHOP)
    assert rows() == before
    assert (made.number, made.placed_by) == (2, town.version(QUARTER).id)
    assert town.locate_again(SHOP) == made
