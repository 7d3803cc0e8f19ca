"""A version that is doubted is kept beside the one that is served: nobody sees it before it is accepted."""

from collections.abc import Iterable

import pytest
from sqlalchemy import func, select

from broker.errors import NotFound, StoreError
from broker.model import Record, Rejected
from broker.query import Find, Query, Term, Window
from broker.store import Doubt, DoubtKind, Held, SqlStore, agreement, hold
from broker.store.lives import HELD
from tests.stores.town import SHOPS, Shop, put, shop

SHOP = Shop.__dataset__
LOST = (Doubt(DoubtKind.LOSS, "4 of 5 records would be gone"),)
NEW = shop("n", name="Nowy")


def held(store: SqlStore, *records: Record | Rejected, doubts: Iterable[Doubt] = LOST) -> Held:
    draft = store.draft(SHOP, sample=False)
    try:
        draft.add(records)
        return hold(draft, tuple(doubts), agreement(draft, tuple(doubts)))
    finally:
        draft.close()


def names(store: SqlStore) -> dict[str, str | None]:
    found = store.select(Query(SHOP, store.version(SHOP).version, frozenset({"name"}), Window(100)))
    return {row["code"]: row["name"] for row in found.rows}


def rows(store: SqlStore) -> tuple[int, int]:
    """Rows of the table, and how many of them are held."""
    table = store.tables[SHOP.id]
    with store.reading() as connection:
        every = connection.scalar(select(func.count()).select_from(table)) or 0
        return every, connection.scalar(select(func.count()).where(table.c["_since"] == HELD)) or 0


def found(store: SqlStore, stem: str) -> int:
    versions = {id: one.version for id, one in store.versions().items()}
    return store.find(Find((Term((stem,), stem),), versions, 10))[1]


def test_what_is_held_is_not_seen(town: SqlStore) -> None:
    before = names(town)
    one = held(town, SHOPS[0], NEW)
    assert (one.agreed, one.doubts, one.changes.records, one.changes.added, one.changes.removed) == (1, LOST, 2, 1, 4)
    assert names(town) == before
    assert town.version(SHOP).number == 1
    assert found(town, "now") == 0
    assert town.held() == {SHOP.id: one}


def test_what_is_accepted_is_the_next_version_whole(town: SqlStore) -> None:
    held(town, SHOPS[0], shop("b", name="Inny"), NEW)
    published = town.accept(SHOP)
    assert (published.number, published.records) == (2, 3)
    assert names(town) == {"a": SHOPS[0].name, "b": "Inny", "n": "Nowy"}  # type: ignore[attr-defined]
    assert found(town, "now") == 1
    assert town.held() == {}
    _, changes = put(town, SHOP, SHOPS[0], shop("b", name="Inny"), NEW)
    assert (changes.unchanged, changes.added, changes.changed, changes.removed) == (3, 0, 0, 0)


def test_nothing_held_cannot_be_accepted(town: SqlStore) -> None:
    with pytest.raises(NotFound, match=r"town\.shops: nothing is held in quarantine"):
        town.accept(SHOP)
    draft = town.draft(SHOP, sample=False)
    with pytest.raises(StoreError, match="is being refreshed"):
        town.accept(SHOP)
    draft.close()


def test_the_same_again_agrees_and_something_else_does_not(town: SqlStore) -> None:
    first = held(town, SHOPS[0], NEW)
    second = held(town, SHOPS[0], NEW)
    assert (second.agreed, second.held_at) == (2, first.held_at)
    assert second.seen_at > first.seen_at
    assert rows(town) == (6, 1)
    assert held(town, *SHOPS[:2], NEW).agreed == 1
    assert held(town, *SHOPS[:2], NEW, doubts=[Doubt(DoubtKind.REJECTED, "unreadable")]).agreed == 1


def test_what_nobody_doubts_takes_the_place_of_what_is_held(town: SqlStore) -> None:
    for after in (SHOPS, (*SHOPS, shop("f", name="Foka"))):
        held(town, SHOPS[0], NEW)
        put(town, SHOP, *after)
        assert town.held() == {}
        assert rows(town)[1] == 0
        assert names(town).keys() == {one.code for one in after}  # type: ignore[attr-defined]
        assert found(town, "now") == 0


def test_a_refresh_that_fails_leaves_what_is_held(town: SqlStore) -> None:
    one = held(town, SHOPS[0], NEW)
    draft = town.draft(SHOP, sample=False)
    draft.add([shop(f"x{n}", name="Inny") for n in range(3000)])
    draft.close()
    assert town.held() == {SHOP.id: one}
    assert rows(town) == (6, 1)
    town.accept(SHOP)
    assert names(town).keys() == {"a", "n"}


def test_the_rows_that_could_not_be_read_are_shown_while_it_is_held(town: SqlStore) -> None:
    held(town, SHOPS[0], Rejected({"n": 1}, "no name"))
    assert town.rejected(SHOP, 10) == [("no name", '{"n":1}')]
