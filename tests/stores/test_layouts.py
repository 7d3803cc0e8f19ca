"""A store that an earlier revision made opens with its versions: one recorded store of every layout there was, on both databases."""

import importlib.util
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
import shapely

from broker.catalog import Catalog
from broker.errors import StoreError
from broker.model import CC0, Geometry, Localized, Record, dataset, every, field
from broker.query import AREA, Bbox, Find, InDistrict, Query, Term, Version, Window
from broker.store import ChangeKind, DifferenceKind, MigrationMode, SqlStore, open_store
from tests.city.postgres import Cluster
from tests.stores.town import put

LAYOUTS = Path(__file__).with_name("layouts")
RECORDED = sorted(one.stem for one in LAYOUTS.glob("*.sql"))
WITH_SCHEMAS = "860f9ab"
"""The layout that has schemas already, and versions without ids."""
SINCE_QUARANTINE = ("3638ee0", "237b169", "860f9ab")


@pytest.fixture(scope="module")
def record() -> ModuleType:
    """What was recorded, and the declarations it was recorded by."""
    spec = importlib.util.spec_from_file_location("record", LAYOUTS / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=RECORDED)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database as it was."""
    text = (LAYOUTS / f"{request.param}.sql").read_text(encoding="utf-8")
    if request.param.startswith("sqlite"):
        with sqlite3.connect(tmp_path / "store.sqlite") as connection:
            connection.executescript(text)
        connection.close()
        return f"sqlite:///{tmp_path}/store.sqlite"
    cluster: Cluster = request.getfixturevalue("cluster")
    address = cluster.database()
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(text.replace("CREATE EXTENSION", "CREATE EXTENSION --"))
    return address


def test_every_layout_is_recorded() -> None:
    layouts = {one.partition("-")[2] for one in RECORDED}
    assert {"f8e1feb", "93b19df", "3638ee0"} <= layouts
    assert len(RECORDED) == 13


def opened(url: str, record: ModuleType, mode: MigrationMode = MigrationMode.ALL) -> SqlStore:
    return open_store(url, Catalog.of([record.Ward.__dataset__, record.Room.__dataset__]), mode=mode)


def test_it_opens_with_its_versions(request: pytest.FixtureRequest, url: str, record: ModuleType) -> None:
    store, rooms = opened(url, record), record.Room.__dataset__
    knew_schemas = request.node.callspec.params["url"].endswith(WITH_SCHEMAS)
    assert {change.kind for _, change in store.migrated} == (set() if knew_schemas else {ChangeKind.ADOPTED})
    assert [store.version(rooms).id, store.named(rooms, "v1").number] == ["v2", 1]
    names = frozenset(one.name for one in rooms.fields) | {AREA}
    for number, records in enumerate(record.VERSIONS, 1):
        rows = {row["code"]: row for row in store.select(Query(rooms, Version(number), names, Window(10))).rows}
        assert rows.keys() == {one.code for one in records}
        for one in records:
            row = rows[one.code]
            assert (row["name"], row["seats"], row["cost"], row["built"]) == (
                one.name,
                one.seats,
                Decimal("10.50"),
                date(2017, 1, 31),
            )
            assert row["opened"] == one.opened
            assert (row["motto"], list(row["tags"]), row["story__text"]) == (
                Localized(pl="Cisza", en="Silence"),
                ["a", "b"],
                "Stara sala",
            )
            assert (row["geometry"] is None) == (one.geometry is None)
        placed = Query(rooms, Version(number), frozenset(), Window(10), Bbox(16.8, 52.3, 17, 52.5))
        assert store.count(placed) == sum(one.geometry is not None for one in records)
        assert store.count(Query(rooms, Version(number), frozenset(), Window(10), InDistrict("W"))) == store.count(
            placed
        )
    hits, _ = store.find(Find((Term(("zubr",), None),), {rooms.id: Version(2)}, 10))
    assert [one.key for one in hits] == ["c"]
    found, _ = store.differences(rooms, (Version(1), Version(2)), 10)
    assert {one.key: one.kind for one in found} == {"b": DifferenceKind.CHANGED, "c": DifferenceKind.ADDED}
    store.close()


def test_its_columns_are_worked_out_and_what_a_source_gives_again_is_no_change(url: str, record: ModuleType) -> None:
    store, rooms = opened(url, record), record.Room.__dataset__
    table = store.tables[rooms.id]
    with store.reading() as connection:
        for local, geojson, shape in connection.execute(
            table.select().with_only_columns(table.c["opened__local"], table.c["_geojson"], table.c["geometry"])
        ):
            assert local == "2017-02-01T00:30:00+01:00"
            assert geojson == (None if shape is None else '{"type":"Point","coordinates":[16.9,52.4]}')
    published, changes = put(store, rooms, *record.VERSIONS[1])
    assert (published.number, changes.unchanged, changes.changed) == (2, 3, 0)
    published, changes = put(store, rooms, *record.VERSIONS[0])
    assert (published.number, changes.changed, changes.removed) == (3, 1, 1)
    rows = store.select(Query(rooms, Version(3), frozenset({"geometry"}), Window(10))).rows
    assert [None if row["geometry"] is None else shapely.from_wkb(bytes(row["geometry"])) for row in rows] == [
        one.geometry for one in record.VERSIONS[0]
    ]
    found, _ = store.differences(rooms, (Version(1), Version(3)), 10)
    assert found == []  # b is what it was
    store.close()


def test_what_was_held_can_be_accepted(request: pytest.FixtureRequest, url: str, record: ModuleType) -> None:
    store = opened(url, record)
    if any(one in request.node.callspec.params["url"] for one in SINCE_QUARANTINE):
        (held,) = store.held().values()
        assert [one.reason for one in held.doubts] == ["half of it is gone"]
        assert (store.accept(record.Room.__dataset__).number, store.version(record.Room.__dataset__).records) == (3, 1)
    else:
        assert store.held() == {}
    store.close()


def test_on_postgresql_it_is_read_and_waits(url: str, record: ModuleType) -> None:
    store, rooms = opened(url, record, MigrationMode.AUTOMATIC), record.Room.__dataset__
    if url.startswith("postgresql"):
        assert store.migrated == []
        state = store.table_states[rooms.id]
        assert store.version(rooms).number == (0 if state.read_refusal else 2)
        with pytest.raises(StoreError, match=r"hall\.rooms waits for `broker migrate`"):
            put(store, rooms, *record.VERSIONS[1])
        assert not state.read_refusal or "has an earlier layout" in state.read_refusal
    else:
        assert store.version(rooms).number == 2
    store.close()


def test_it_follows_a_declaration_that_has_changed_meanwhile(url: str, record: ModuleType) -> None:
    class Room(Record):
        """A room of the hall."""

        code: str = field("Code")
        price: Decimal | None = field("Price", unit="PLN", was="cost")  # another name
        seats: str | None = field("Seats")  # another kind
        floor: str = field("Floor", search="title")  # new and required; `name`, which was, has gone
        story: str | None = field("Story", search="text")  # no markup any more
        geometry: Geometry | None = field("Where it is")

    room = dataset(record.HALL, "rooms", key="code", reader=record.READER, refresh=every(days=1), licence=CC0)(Room)
    rooms = room.__dataset__
    store = open_store(url, Catalog.of([record.Ward.__dataset__, rooms]), mode=MigrationMode.ALL)
    names = frozenset(one.name for one in rooms.fields)
    for number, records in enumerate(record.VERSIONS, 1):
        rows = {row["code"]: row for row in store.select(Query(rooms, Version(number), names, Window(10))).rows}
        assert {code: (row["price"], row["seats"], row["floor"]) for code, row in rows.items()} == {
            one.code: (Decimal("10.50"), None, None) for one in records
        }
    new = room(code="d", price=None, seats="three", floor="Parter", story=None, geometry=shapely.Point(16.9, 52.4))
    published, changes = put(store, rooms, new)
    assert (published.number, changes.added, changes.removed) == (3, 1, 3)
    hits, _ = store.find(Find((Term(("parter",), None),), {rooms.id: Version(3)}, 10))
    assert [one.key for one in hits] == ["d"]
    store.close()


def test_versions_get_ids_and_older_builds_are_fenced_off(
    request: pytest.FixtureRequest, url: str, record: ModuleType
) -> None:
    """A build from before ids that runs on cannot publish; one that is started says what to do."""
    rooms = record.Room.__dataset__
    if not request.node.callspec.params["url"].endswith(WITH_SCHEMAS):
        return  # brokers of these layouts refuse a store that has schemas
    if url.startswith("postgresql"):
        early = opened(url, record, MigrationMode.AUTOMATIC)
        assert early.own_waiting == [f"broker_versions is to get the column {name}" for name in ("id", "placed_by")]
        assert (early.version(rooms).id, early.standing(rooms, early.version(rooms).published_at)) == (
            "v2",
            early.version(rooms),
        )
        assert len(early.select(Query(rooms, early.version(rooms).version, frozenset(), Window(10))).rows) == 3
        early.close()
    store = opened(url, record)
    assert sorted(store.own_added) == [f"broker_versions got the column {name}" for name in ("id", "placed_by")]
    own = store.own.versions
    now = store.clock.now()
    as_before = {
        "dataset": rooms.id,
        "number": 9,
        "published_at": now,
        "checked_at": now,
        "records": 1,
        "sample": False,
    }
    with pytest.raises(StoreError, match=r"NOT NULL|not-null"), store.writing() as connection:
        connection.execute(own.insert().values(**as_before))
    assert store.own_waiting == []
    again = opened(url, record)
    assert again.own_added == []
    put(again, rooms, *record.VERSIONS[0])
    assert len(again.version(rooms).id) == 16
    for one in (store, again):
        one.close()
