"""A version is whole or it does not exist; what a reader holds stays as it is."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
import shapely
from sqlalchemy import func, select

from broker.catalog import Catalog
from broker.errors import StoreError
from broker.model import Rejected, Repaired
from broker.query import AREA, DISTRICT, LENGTH, LOCATION, MENDED, Find, Query, Term, Version, Window
from broker.store import SqlStore
from tests.stores.town import QUARTERS, SHOPS, Quarter, Shop, put, shop

SHOP, QUARTER = Shop.__dataset__, Quarter.__dataset__


def names(store: SqlStore, version: int) -> dict[str, str | None]:
    found = store.select(Query(SHOP, Version(version), frozenset({"name"}), Window(100)))
    return {row["code"]: row["name"] for row in found.rows}


def test_nothing_is_seen_before_it_is_published(store: SqlStore) -> None:
    draft = store.draft(SHOP, sample=False)
    draft.add(SHOPS * 1)
    assert store.version(SHOP).number == 0
    assert names(store, 0) == {}
    published = draft.publish()
    draft.close()
    assert (published.number, published.records, published.sample) == (1, 5, False)
    assert set(names(store, 1)) == {"a", "b", "c", "d", "e"}


def test_the_same_again_makes_no_new_version_but_is_noted(town: SqlStore) -> None:
    before = town.version(SHOP)
    published, changes = put(town, SHOP, *SHOPS)
    assert published.number == before.number == 1
    assert (changes.unchanged, changes.added, changes.changed, changes.removed) == (5, 0, 0, 0)
    after = town.version(SHOP)
    assert after.published_at == before.published_at
    assert after.checked_at > before.checked_at  # type: ignore[operator]


def test_a_change_is_told_apart_and_the_old_version_stays_readable(town: SqlStore) -> None:
    a, b, c, d, _ = SHOPS
    published, changes = put(town, SHOP, a, replace(b, name="Ryś"), c, d, shop("f", name="Foka"))  # type: ignore[type-var]
    assert published.number == 2
    assert (changes.unchanged, changes.added, changes.changed, changes.removed) == (3, 1, 1, 1)
    assert names(town, 2) == {"a": "Łoś", "b": "Ryś", "c": "łabędź", "d": "Żaba 50%", "f": "Foka"}
    assert names(town, 1) == {"a": "Łoś", "b": "Lis", "c": "łabędź", "d": "Żaba 50%", "e": None}


def test_what_goes_and_comes_back_is_there_again(town: SqlStore) -> None:
    put(town, SHOP, *SHOPS[:3])
    published, changes = put(town, SHOP, *SHOPS)
    assert (published.number, changes.added) == (3, 2)
    assert set(names(town, 3)) == {"a", "b", "c", "d", "e"}
    assert set(names(town, 2)) == {"a", "b", "c"}


def test_a_draft_given_up_leaves_no_trace(town: SqlStore) -> None:
    draft = town.draft(SHOP, sample=False)
    draft.add([shop(f"new{n}", name="Nowy") for n in range(3000)])
    draft.close()
    assert names(town, town.version(SHOP).number).keys() == {"a", "b", "c", "d", "e"}
    with town.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(town.tables[SHOP.id])) == 5
        assert connection.scalar(select(func.count()).select_from(town.own.entries)) == 7
    assert town.find(Find((Term(("now",), "nowy"),), {SHOP.id: Version(1)}, 10))[1] == 0


def test_rows_of_a_killed_draft_are_never_seen_and_cleared_by_the_next(town: SqlStore) -> None:
    draft = town.draft(SHOP, sample=False)
    draft.add([shop(f"new{n}", name="Nowy") for n in range(2000)])
    draft.lease.release()  # as the kernel does when a process is killed
    assert set(names(town, town.version(SHOP).number)) == {"a", "b", "c", "d", "e"}
    published, _ = put(town, SHOP, *SHOPS, shop("f", name="Foka"))
    assert set(names(town, published.number)) == {"a", "b", "c", "d", "e", "f"}


def test_two_drafts_of_a_data_set_are_refused_and_of_two_go_together(town: SqlStore) -> None:
    first = town.draft(SHOP, sample=False)
    with pytest.raises(StoreError, match=r"town\.shops is being refreshed by another process"):
        town.draft(SHOP, sample=False)
    other = town.draft(QUARTER, sample=False)
    other.add(QUARTERS)
    first.add([*SHOPS, shop("f", name="Foka")])
    assert other.publish().number == 1
    assert first.publish().number == 2
    first.close()
    other.close()
    town.draft(SHOP, sample=False).close()


def test_a_key_twice_is_told_whether_the_same_or_not(store: SqlStore) -> None:
    published, changes = put(store, SHOP, SHOPS[0], SHOPS[0], shop("a", name="Inny"))
    assert (published.records, changes.repeated, changes.rejected) == (1, 1, 1)
    assert names(store, 1) == {"a": "Łoś"}
    ((reason, row),) = store.rejected(SHOP, 10)
    assert reason == "key 'a' came twice with different content; the first is kept"
    assert row == '{"code":"a"}'


def test_rejected_rows_are_counted_in_full_and_kept_up_to_a_thousand(store: SqlStore) -> None:
    _, changes = put(store, SHOP, SHOPS[0], *(Rejected({"n": n}, f"reason {n}") for n in range(1500)))
    assert changes.rejected == 1500
    kept = store.rejected(SHOP, 5000)
    assert len(kept) == 1000
    assert kept[0] == ("reason 0", '{"n":0}')
    put(store, SHOP, SHOPS[0])
    assert store.rejected(SHOP, 10) == []


def test_every_kind_of_value_comes_back_as_it_went_in(town: SqlStore) -> None:
    columns = frozenset(one.name for one in SHOP.fields) | {AREA, LENGTH, LOCATION, DISTRICT}
    rows = {row["code"]: row for row in town.select(Query(SHOP, Version(1), columns, Window(10))).rows}
    for one in SHOPS:
        for field in SHOP.fields:
            value, expected = rows[one.code][field.name], getattr(one, field.name)  # type: ignore[attr-defined]
            if field.name == "geometry":
                assert (None if value is None else shapely.from_wkb(value)) == expected
            else:
                assert value == (list(expected) if isinstance(expected, tuple) else expected), (one, field.name)
    assert rows["b"]["story__text"] == "Stary dom"
    assert (rows["a"]["_lon"], rows["a"]["_lat"], rows["a"][AREA], rows["a"][LENGTH]) == (16.90, 52.40, 0, 0)
    assert rows["c"][AREA] == pytest.approx(6_053_700, rel=0.001)  # a box of 2.72 by 2.23 km
    assert {code: row[DISTRICT] for code, row in rows.items()} == {"a": "W", "b": "E", "c": "E", "d": None, "e": "W"}
    assert type(rows["a"]["rent"]) is Decimal


def test_new_districts_place_every_record_again(town: SqlStore) -> None:
    west, east = QUARTERS
    put(
        town,
        QUARTER,
        replace(west, geometry=shapely.box(16.7, 52.2, 16.85, 52.6)),
        replace(east, geometry=shapely.box(16.85, 52.2, 17.2, 52.6)),
    )  # type: ignore[type-var]
    made = town.locate_again(SHOP)

    def districts(version: int) -> dict[str, str | None]:
        rows = town.select(Query(SHOP, Version(version), frozenset({DISTRICT}), Window(10))).rows
        return {row["code"]: row[DISTRICT] for row in rows}

    assert (made, made.number) == (town.version(SHOP), 2)
    assert districts(2) == {"a": "E", "b": "E", "c": "E", "d": None, "e": "E"}
    assert districts(1) == {"a": "W", "b": "E", "c": "E", "d": None, "e": "W"}  # what was published stays as it was
    assert town.differences(SHOP, (Version(1), Version(2)), 10) == ([], False)
    assert town.locate_again(SHOP) == made


def test_a_store_opened_again_is_as_it_was(
    town: SqlStore, opened: Callable[[Catalog], SqlStore], catalog: Catalog
) -> None:
    again = opened(catalog)
    assert again.version(SHOP) == town.version(SHOP)
    assert names(again, 1) == names(town, 1)


def test_an_address_without_a_store_is_refused_with_what_is_accepted(catalog: Catalog) -> None:
    from broker.store import open_store  # noqa: PLC0415

    with pytest.raises(StoreError, match="no store for 'mysql'; there is one for sqlite, postgresql"):
        open_store("mysql://localhost/x", catalog)
    with pytest.raises(StoreError, match="is not a SQLAlchemy URL"):
        open_store("nonsense", catalog)
    with pytest.raises(StoreError, match="needs a file"):
        open_store("sqlite://", catalog)
    with pytest.raises(StoreError, match=r"postgresql.*:\*\*\*@127.0.0.1:9/x cannot be opened, .*onnection refused"):
        open_store("postgresql+psycopg://me:secret@127.0.0.1:9/x", catalog)


def test_repairs_are_kept_with_the_records_and_counted(town: SqlStore) -> None:
    moved = Repaired(shop("m", geometry=shapely.Point(16.9, 52.4)), "axes were swapped")
    _, changes = put(
        town, SHOP, shop("a"), moved, Repaired(shop("n", geometry=shapely.Point(16.9, 52.41)), "axes were swapped")
    )
    assert changes.repaired == 2
    version = town.version(SHOP).number
    assert town.repairs(SHOP, Version(version)) == [("axes were swapped", 2)]
    assert town.repairs(SHOP, Version(version - 1)) == []
    rows = town.by_key(SHOP, Version(version), ["a", "m"], frozenset({MENDED}))
    assert {key: row[MENDED] for key, row in rows.items()} == {"a": None, "m": "axes were swapped"}
    _, changes = put(town, SHOP, shop("a"), moved.record)
    assert (changes.changed, town.repairs(SHOP, Version(version + 1))) == (1, [])


def test_what_watches_a_closed_store_says_nothing(town: SqlStore) -> None:
    town.close()
    assert town.known_versions() is None
    assert town._watch.now() is None
