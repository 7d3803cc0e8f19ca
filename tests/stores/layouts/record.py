"""Records a small store as an earlier revision of this repository makes it, as SQL text.

PYTHONPATH=<a checkout of the revision> python tests/stores/layouts/record.py sqlite:///store.db > sqlite-<revision>.sql
PYTHONPATH=<a checkout of the revision> python tests/stores/layouts/record.py postgresql+psycopg://…  # then pg_dump --inserts
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from inspect import signature

import shapely

from broker.catalog import Catalog
from broker.model import CC0, Geometry, Localized, Record, Rejected, Source, dataset, every, field
from broker.store import open_store

HALL = Source("hall", "A town hall", "http://127.0.0.1:9", "Rooms and wards.")
READER = object()


@dataset(HALL, "wards", key="code", reader=READER, refresh=every(days=1), licence=CC0, partition=True)
class Ward(Record):
    """A ward of the town."""

    code: str = field("Code")
    geometry: Geometry = field("Outline")


@dataset(HALL, "rooms", key="code", reader=READER, refresh=every(days=1), licence=CC0)
class Room(Record):
    """A room of the hall."""

    code: str = field("Code")
    name: str = field("Name", search="title")
    cost: Decimal | None = field("Cost", unit="PLN")
    seats: int | None = field("Seats", unit="seats")
    built: date | None = field("Since when")
    opened: datetime | None = field("When it was opened last")
    tags: tuple[str, ...] | None = field("Tags")
    motto: Localized | None = field("Motto")
    story: str | None = field("Story", html=True, search="text")
    geometry: Geometry | None = field("Where it is")


def room(code: str, name: str, seats: int) -> Room:
    return Room(
        code=code, name=name, cost=Decimal("10.50"), seats=seats, built=date(2017, 1, 31),
        opened=datetime(2017, 1, 31, 23, 30, tzinfo=UTC), tags=("a", "b"), motto=Localized(pl="Cisza", en="Silence"),
        story="<p>Stara <b>sala</b></p>", geometry=shapely.Point(16.9, 52.4) if seats else None,
    )  # fmt: skip


VERSIONS = (
    [room("a", "Sala Łososia", 3), room("b", "Sala Rysia", 0)],
    [room("a", "Sala Łososia", 3), room("b", "Sala Rysia", 7), room("c", "Sala Żubra", 5)],
)
HELD = [room("a", "Sala Łososia", 3)]


def fill(url: str) -> None:
    store = open_store(url, Catalog.of([Ward.__dataset__, Room.__dataset__]))
    for declared, records in (
        (Ward.__dataset__, [Ward(code="W", geometry=shapely.box(16, 52, 17, 53))]),
        *((Room.__dataset__, [*some, Rejected({"code": "x"}, "a reason")]) for some in VERSIONS),
    ):
        draft = store.draft(declared, sample=False)
        draft.add(records)
        draft.publish()
        draft.close()
    with suppress(ImportError):
        from broker.store import Doubt, DoubtKind, hold  # noqa: PLC0415 - since there is a quarantine

        draft = store.draft(Room.__dataset__, sample=False)
        draft.add(HELD)
        doubts = [Doubt(DoubtKind.LOSS, "half of it is gone")]
        hold(draft, doubts, *([1] if len(signature(hold).parameters) > 2 else []))
        draft.close()
    store.close()


def dumped(path: str) -> Iterator[str]:
    """Tables with their rows; those that are virtual through their own columns, without what SQLite keeps under them."""
    connection = sqlite3.connect(path)
    tables = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name"
    ).fetchall()
    virtual = [name for _, name, sql in tables if sql.startswith("CREATE VIRTUAL")]
    for kind, name, sql in tables:
        shadow = any(name.startswith(f"{one}_") for one in virtual) and not name.startswith("broker_search_entries")
        if kind == "table" and shadow:
            continue
        yield f"{' '.join(sql.split())};"
        if kind != "table" or name == "broker_words":
            continue
        rowid = "rowid, " if name == "broker_search" else ""
        columns = [one[1] for one in connection.execute(f'PRAGMA table_info("{name}")')]
        names = rowid + ", ".join(f'"{one}"' for one in columns)
        quoted = " || ', ' || ".join(f"quote({one})" for one in names.split(", "))
        for (values,) in connection.execute(f'SELECT {quoted} FROM "{name}"'):
            yield f'INSERT INTO "{name}" ({names}) VALUES ({values});'


if __name__ == "__main__":
    fill(sys.argv[1])
    if sys.argv[1].startswith("sqlite"):
        print("\n".join(dumped(sys.argv[1].removeprefix("sqlite:///"))))  # noqa: T201
