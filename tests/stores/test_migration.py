"""A declaration may change, and no version is lost: whatever the change, on both stores, now and in the past."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from broker.catalog import Catalog
from broker.errors import StoreError
from broker.query import Aggregation, Link, Measure, Near, Order, Query, Related, Version, Window
from broker.store import ChangeKind, DifferenceKind, MigrationMode, SqlStore, open_store
from tests.city.postgres import Cluster
from tests.faults.extent import WHOLE
from tests.stores.declarations import KINDS, Column, Library, changed, value

Opened = Callable[..., SqlStore]


@pytest.fixture
def opened(address: str) -> Iterator[Opened]:
    """Opens the store for a library; by `broker migrate` unless told otherwise."""
    made: list[SqlStore] = []

    def opening(library: Library, mode: MigrationMode = MigrationMode.ALL) -> SqlStore:
        made.append(open_store(address, Catalog.of([library.declared()]), mode=mode))
        return made[-1]

    yield opening
    for each in made:
        each.close()


def filled(library: Library, dice: random.Random) -> dict[str, dict[int, object]]:
    return {f"k{n}": {one.content: value(one, dice) for one in library.columns} for n in range(6)}


def kinds(store: SqlStore) -> list[ChangeKind]:
    return [change.kind for _, change in store.migrated]


def through(address: str, seed: int, steps: int) -> None:
    """Changes one after the other, each followed; before and after it every version holds what it held."""
    dice = random.Random(seed)
    library = Library([Column("name", "text", 1, search="title"), Column("pages", "number", 2)])
    content: dict[str, dict[int, object]] = {}
    for step in range(steps):
        store = open_store(address, Catalog.of([library.declared()]), mode=MigrationMode.ALL)
        try:
            library.check(store)
            if content:
                still = {
                    key: {c: values.get(c) for c in {one.content for one in library.columns}}
                    for key, values in content.items()
                }
                needed = any(
                    not one.optional and values[one.content] is None
                    for values in still.values()
                    for one in library.columns
                )
                if not needed and not library.restored:  # the source gives what it gave: no record is another one
                    changes = library.put(store, still)
                    assert (changes.changed, changes.added, changes.removed) == (0, 0, 0)
            content = filled(library, dice)
            library.put(store, content)
            library.check(store)
        finally:
            store.close()
        library.columns = changed(library, dice, 10 + step)


@settings(max_examples=300 if WHOLE else 12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
@example(seed=1)
def test_any_sequence_of_declarations_on_sqlite(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    through(f"sqlite:///{tmp_path_factory.mktemp('steps')}/store.sqlite", seed, 9)


@settings(max_examples=60 if WHOLE else 5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
@example(seed=1)
def test_any_sequence_of_declarations_on_postgis(cluster: Cluster, seed: int) -> None:
    through(cluster.database(), seed, 9)


BASE = [
    Column("name", "text", 1, search="title"),
    Column("pages", "number", 2),
    Column("note", "text", 3, optional=False),
]


def one(content: int, change: Callable[[Column], Column]) -> list[Column]:
    return [change(column) if column.content == content else column for column in BASE]


CHANGES = {
    "optional field": ([*BASE, Column("fax", "text", 4)], [ChangeKind.FIELD_ADDED]),
    "required field": ([*BASE, Column("fax", "text", 4, optional=False)], [ChangeKind.FIELD_ADDED]),
    "order of fields": (BASE[::-1], []),
    "field gone": (BASE[:2], [ChangeKind.FIELD_REMOVED]),
    "name": (one(2, lambda c: replace(c, name="sheets", was="pages")), [ChangeKind.FIELD_RENAMED]),
    "exact kind": (one(2, lambda c: replace(c, kind="decimal")), [ChangeKind.FIELD_RETYPED]),
    "other kind": (one(2, lambda c: replace(c, kind="text", content=9)), [ChangeKind.FIELD_RETYPED]),
    "several languages": (one(1, lambda c: replace(c, kind="localized")), [ChangeKind.FIELD_RETYPED]),
    "optional now": (one(3, lambda c: replace(c, optional=True)), [ChangeKind.FIELD_OPTIONAL]),
    "required now": (one(2, lambda c: replace(c, optional=False)), [ChangeKind.FIELD_REQUIRED]),
    "search gained": (one(3, lambda c: replace(c, search="text")), [ChangeKind.SEARCH]),
    "search lost": (one(1, lambda c: replace(c, search=None)), [ChangeKind.SEARCH]),
    "place gained": ([*BASE, Column("where", "place", 5)], [ChangeKind.FIELD_ADDED]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_followed_and_said(opened: Opened, change: str) -> None:
    after, expected = CHANGES[change]
    spot = [] if any(one.kind == "place" for one in after) else [Column("spot", "place", 7)]
    dice, library = random.Random(change), Library([*BASE, *spot])
    store = opened(library)
    for _ in range(3):
        library.put(store, filled(library, dice))
    store.close()
    library.columns = [*after, *spot]
    store = opened(library)
    assert kinds(store) == expected
    assert [past.version for past in store.applied_migrations] == [3] * len(expected)
    library.check(store)
    declared = library.declared()
    found, _ = store.differences(declared, (Version(1), Version(3)), 100)
    assert {one.kind for one in found} <= {DifferenceKind.CHANGED}
    for version, content in enumerate(library.versions, 1) if spot else ():  # all of a version lie within 7 km
        there = tuple(sorted(key for key, values in content.items() if values.get(7) is not None))
        joined = store.join(
            Related(declared, Version(version), declared, Version(version), there, Link(None, 10_000.0))
        )
        assert joined.counts() == dict.fromkeys(there, len(there))
    for column in library.columns:
        if column.kind in ("number", "decimal"):
            measure = Measure("sum", column.name)
            (group,) = store.aggregate(Aggregation(declared, Version(1), measures=(measure,)))
            values = [values.get(column.content) for values in library.versions[0].values()]
            assert (group.measures[measure] or 0) == sum(v for v in values if v is not None)
    library.put(store, filled(library, dice))
    library.check(store)
    store.close()
    again = opened(library, MigrationMode.AUTOMATIC)
    assert again.migrated == []
    library.check(again)
    again.close()


def test_pages_go_past_records_that_lack_a_field_every_record_has_now(opened: Opened) -> None:
    library = Library([Column("name", "text", 1)])
    store = opened(library)
    library.put(store, {f"k{n}": {} for n in range(5)})
    store.close()
    library.columns = [Column("name", "text", 1, optional=False)]
    store = opened(library)
    for descending in (False, True):
        order, position, met = (Order("name", descending=descending),), None, []
        while True:
            page = store.select(Query(library.declared(), Version(1), frozenset(), Window(2, position), None, order))
            met += [row["code"] for row in page.rows]
            if not page.more:
                break
            position = page.positions[-1]
        assert sorted(met) == [f"k{n}" for n in range(5)]
    store.close()


def test_a_field_that_is_back_has_its_values_and_a_column_expires_with_its_versions(opened: Opened) -> None:
    dice, library = random.Random(3), Library(list(BASE))
    store = opened(library)
    library.put(store, filled(library, dice))
    store.close()
    library.columns = BASE[:2]
    store = opened(library)
    library.put(store, filled(library, dice))
    store.close()
    library.columns = list(BASE)
    store = opened(library)
    assert kinds(store) == [ChangeKind.FIELD_RESTORED]
    library.check(store)
    store.close()
    library.columns = BASE[:2]
    store = opened(library)
    library.put(store, filled(library, dice))
    with store.writing() as connection:  # as if the history ended before
        own = store.own.versions
        connection.execute(delete(own).where(own.c.number < 3))
    store.close()
    store = opened(library)
    with store.reading() as connection:
        assert "note" not in store.dialect.tables(connection)["town_books"].columns
    assert store.table_states["town.books"].plan.schema.retired == ()
    assert opened(library, MigrationMode.AUTOMATIC).migrated == []


def test_another_key_begins_a_new_history_that_goes_on_counting(opened: Opened) -> None:
    dice, library = random.Random(4), Library(list(BASE))
    store = opened(library)
    library.put(store, filled(library, dice))
    store.close()
    declared = replace(library.declared(), key="note")
    other = open_store(
        store.engine.url.render_as_string(hide_password=False), Catalog.of([declared]), mode=MigrationMode.ALL
    )
    assert kinds(other) == [ChangeKind.KEY]
    assert "a new history begins after version 1" in other.migrated[0][1].text
    assert other.version(declared).number == 0
    assert other.begins(declared) is None
    draft = other.draft(declared, sample=False)
    draft.add(library.records(filled(library, dice)))
    assert draft.publish().number == 2
    draft.close()
    with other.reading() as connection:
        assert {"town_books", "town_books__2"} <= other.dialect.tables(connection).keys()
    other.close()


def test_an_older_broker_reads_and_neither_drops_nor_writes(opened: Opened) -> None:
    dice, old = random.Random(5), Library(list(BASE))
    store = opened(old)
    old.put(store, filled(old, dice))
    new = Library([*one(2, lambda c: replace(c, kind="text", content=9)), Column("fax", "text", 4)], old.versions)
    newer = opened(new)
    with pytest.raises(StoreError, match="a newer broker has changed its declaration meanwhile"):
        old.put(store, filled(old, dice))  # which ran all the while
    old.check(store)
    new.put(newer, filled(new, dice))
    store.close()
    older = opened(old, MigrationMode.AUTOMATIC)  # started again
    assert older.migrated == []
    old.versions = [
        {k: {c: v for c, v in values.items() if c in (1, 2, 3)} for k, values in one.items()} for one in new.versions
    ]
    old.check(older)
    with pytest.raises(StoreError, match="was declared otherwise by a newer broker; this one reads it"):
        old.put(older, filled(old, dice))
    new.check(newer)
    older.close()
    newer.close()
    back = opened(old)  # `broker migrate` of the older one
    assert ChangeKind.FIELD_REMOVED in kinds(back)
    old.put(back, filled(old, dice))
    old.check(back)
    back.close()


def test_on_postgresql_existing_tables_wait_for_the_command(cluster: Cluster) -> None:
    url, dice, old = cluster.database(), random.Random(6), Library(list(BASE))
    store = open_store(url, Catalog.of([old.declared()]))
    old.put(store, filled(old, dice))
    new = Library([*BASE, Column("fax", "text", 4)], old.versions)
    waiting = open_store(url, Catalog.of([new.declared()]))
    assert [change.kind for change in waiting.table_states["town.books"].waiting] == [ChangeKind.FIELD_ADDED]
    new.check(waiting)  # the field is empty
    content = filled(new, dice)
    assert new.put(waiting, content).records == 6  # and is not written
    new.versions[-1] = {key: {c: v for c, v in values.items() if c != 4} for key, values in content.items()}
    new.check(waiting)
    old.check(store)
    assert old.put(store, new.versions[-1]).changed == 0  # both hosts hash what both write
    gone = Library(BASE[:2], old.versions)
    removed = open_store(url, Catalog.of([gone.declared()]))
    with pytest.raises(StoreError, match=r"town\.books waits for `broker migrate`; the field note has gone"):
        gone.put(removed, filled(gone, dice))
    gone.check(removed)
    migrated = open_store(url, Catalog.of([new.declared()]), mode=MigrationMode.ALL)
    changes = new.put(migrated, content)
    assert changes.changed == sum(values[4] is not None for values in content.values())
    new.check(migrated)
    for each in (store, waiting, removed, migrated):
        each.close()


def test_a_check_changes_nothing(opened: Opened) -> None:
    library = Library(list(BASE))
    store = opened(library)
    library.put(store, filled(library, random.Random(7)))
    store.close()
    library.columns = [*BASE, Column("fax", "text", 4)]
    looked = opened(library, MigrationMode.NOTHING)
    assert looked.table_states["town.books"].plan.steps == [
        "the field fax (text) was added; versions up to 1 have no value of it"
    ]
    with looked.reading() as connection:
        assert "fax" not in looked.dialect.tables(connection)["town_books"].columns
    looked.close()


def test_a_place_that_is_gained_is_asked_for_like_any_other(opened: Opened) -> None:
    from broker.query import Bbox  # noqa: PLC0415

    dice, library = random.Random(8), Library(list(BASE))
    store = opened(library)
    library.put(store, filled(library, dice))
    store.close()
    library.columns = [*BASE, Column("where", "place", 5)]
    store = opened(library)
    box = Bbox(16.8, 52.3, 17.0, 52.5)
    library.put(store, {"k0": {1: "a", 3: "b", 5: shapely.Point(16.9, 52.4)}, "k1": {3: "c"}})
    declared = library.declared()
    for version, there in ((1, []), (2, ["k0"])):
        found = store.select(Query(declared, Version(version), frozenset(), Window(10), box))
        assert [row["code"] for row in found.rows] == there
    store.close()


def test_a_place_in_another_field_is_measured_and_its_old_column_expires(opened: Opened) -> None:
    near, far = Near(16.9, 52.4, 100), Near(17.0, 52.4, 100)

    def met(store: SqlStore, version: int, where: Near) -> int:
        return store.count(Query(library.declared(), Version(version), frozenset(), Window(9), where))

    library = Library([Column("spot", "place", 1), Column("name", "text", 3)])
    store = opened(library)
    library.put(store, {"a": {1: shapely.Point(16.9, 52.4), 3: "x"}})
    assert (met(store, 1, near), met(store, 1, far)) == (1, 0)
    store.close()
    library.columns = [Column("entrance", "place", 2), Column("name", "text", 3)]
    store = opened(library)
    assert (met(store, 1, near), met(store, 1, far)) == (0, 0)
    library.put(store, {"a": {2: shapely.Point(17.0, 52.4), 3: "y"}})
    assert (met(store, 2, near), met(store, 2, far)) == (0, 1)
    with store.writing() as connection:
        own = store.own.versions
        connection.execute(delete(own).where(own.c.number < 2))  # as if the history ended before
    store.close()
    store = opened(library)
    with store.reading() as connection:
        columns = store.dialect.tables(connection)["town_books"].columns
        assert "spot" not in columns
        assert [name for name, one in columns.items() if one.computed] == []
    assert (met(store, 2, near), met(store, 2, far)) == (0, 1)
    store.close()
    again = opened(library, MigrationMode.NOTHING)
    assert again.table_states["town.books"].plan.steps == []


def test_a_table_that_was_set_aside_is_dropped_when_its_history_would_have_ended(opened: Opened, address: str) -> None:
    library = Library(list(BASE))
    store = opened(library)
    library.put(store, filled(library, random.Random(10)))
    store.close()
    catalog = Catalog.of([replace(library.declared(), key="note")])
    open_store(address, catalog, mode=MigrationMode.ALL).close()
    for keep, left in ((timedelta(days=1), True), (timedelta(0), False)):
        store = open_store(address, catalog, keep, MigrationMode.ALL)
        with store.reading() as connection:
            assert ("town_books" in store.dialect.tables(connection)) is left
        store.close()


def test_names_may_be_long(opened: Opened) -> None:
    long = [Column("p" * 80, "text", 1, search="title"), Column("p" * 81, "number", 2), Column("q" * 70, "day", 3)]
    library = Library(long)
    store = opened(library)
    library.put(store, filled(library, random.Random(11)))
    library.check(store)
    store.close()
    assert opened(library, MigrationMode.AUTOMATIC).migrated == []


def test_every_kind_is_declared() -> None:
    library = Library([Column(f"f{n}", kind, n) for n, kind in enumerate(KINDS)])
    assert len(library.declared().fields) == len(KINDS) + 1


def test_a_layer_follows_its_server_to_and_fro(address: str) -> None:
    """A configured layer is as its server describes it: what comes, goes and comes again is no older broker."""
    dice, library = random.Random(9), Library(list(BASE))

    def opening(mode: MigrationMode = MigrationMode.AUTOMATIC) -> SqlStore:
        return open_store(address, Catalog.of([replace(library.declared(), generic=True)]), mode=mode)

    for number, columns in enumerate((BASE, BASE[:2], BASE)):
        library.columns = list(columns)
        store = opening()
        shared = store.dialect.shared
        content = filled(library, dice)
        library.put(store, {key: {**values, 1: f"słowo1 {number}"} for key, values in content.items()})
        library.check(store)
        store.close()
        if shared:
            opening(MigrationMode.ALL).close()
    assert len(library.versions) == 3
