"""What is wrong is said in one line with what to do, and what is not wrong is not said to be."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from broker.app import Engine
from broker.catalog import Broken, Catalog
from broker.doctor import examine
from broker.errors import StoreError
from broker.settings import Settings, every_setting
from broker.store import Changes, RefreshRecord, SqlStore
from connectors.mim import District, Place, Stop

NOW = datetime(2026, 3, 2, 4, 10, tzinfo=UTC)
DECLARED = [District.__dataset__, Stop.__dataset__, Place.__dataset__]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store will be; nothing is set but that, and three data sets are declared."""
    for one in every_setting():
        monkeypatch.delenv(one.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROKER_STORE", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setattr(Catalog, "load", lambda layers=(), broken=(): Catalog.of([*DECLARED, *layers], tuple(broken)))
    return tmp_path / "store.sqlite"


@pytest.fixture
def filled(file: Path) -> Path:
    """The store with every data set in it."""
    engine = Engine.open(Settings.load())

    async def fill() -> None:
        async with engine.running():
            pass

    asyncio.run(fill())
    return file


def recorded(outcome: str, error: str | None = None, **changes: int) -> None:
    """A refresh of the stops that went so."""
    engine = Engine.open(Settings.load())
    engine.store.record(RefreshRecord("mim.stops", NOW, NOW, outcome, error, Changes(**changes)))
    engine.store.close()


def checked(file: Path, when: datetime) -> None:
    """The stops were confirmed then, as another process would write it."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "UPDATE broker_versions SET checked_at = ? WHERE dataset = 'mim.stops'",
            (when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),),
        )


def wrong() -> list[str]:
    return [str(one) for one in examine() if one.wrong]


def test_nothing_is_wrong_with_a_broker_that_is_well(filled: Path) -> None:
    assert [str(one) for one in examine()] == [
        "settings: no file; the environment alone",
        f"store: sqlite:///{filled} opens and can be written",
        "data sets: all 3 are as they should be",
    ]


def test_the_file_of_settings_is_named(filled: Path) -> None:
    file = filled.with_name("broker.toml")
    file.write_text("port = 81\n")
    assert str(next(iter(examine()))) == f"settings: read from {file} and the environment"


def test_wrong_settings_are_a_line_each(file: Path) -> None:
    file.with_name("broker.toml").write_text("port = -1\nupstream = {attempts = 0}\n")
    assert [one.partition(" (")[0] for one in wrong()] == [
        "settings: BROKER_PORT",
        "settings: BROKER_UPSTREAM__ATTEMPTS",
    ]


def test_a_source_that_does_not_exist(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del file
    monkeypatch.setenv("BROKER_SOURCES__MMI__BASE_URL", "http://127.0.0.1:9")
    (line,) = wrong()
    assert line.startswith(
        "settings: sources.mmi: there is no such source; there are mim; nothing can be served before"
    )


def test_an_empty_store_is_one_line(file: Path) -> None:
    del file
    assert wrong() == ["data sets: none of 3 has been read; run broker refresh, or broker serve"]


def test_a_file_that_is_no_store(file: Path) -> None:
    file.write_bytes(b"not a database" * 100)
    (line,) = wrong()
    assert line.startswith(
        f"store: the store at sqlite:///{file} cannot be opened: file is not a database; nothing can be"
    )


def test_a_store_that_cannot_be_written(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: SqlStore) -> NoReturn:
        raise StoreError("the store cannot be written: attempt to write a readonly database")

    del filled
    monkeypatch.setattr(SqlStore, "writing", refused)
    assert wrong() == [
        (
            "store: the store cannot be written: attempt to write a readonly database; "
            "look at the file's owner and permissions, or the database's"
        )
    ]


def test_a_disk_that_is_nearly_full(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300 << 20))
    (line,) = wrong()
    size = filled.stat().st_size >> 20
    assert line == f"disk: 300 MiB are free, and the store takes {size}; make room, or move the store elsewhere"


def test_a_refresh_that_fails_since_when_and_why(filled: Path) -> None:
    recorded("failed", "no connection")
    checked(filled, NOW - timedelta(days=1))
    assert wrong() == [
        (
            "mim.stops: its refresh failed at 2026-03-02 04:10 and last went well at 2026-03-01 04:10 (UTC): no connection; "
            "look at the source, then run broker refresh mim.stops"
        )
    ]


def test_one_that_has_never_gone_well(file: Path) -> None:
    del file
    recorded("failed", "no connection")
    assert wrong() == [
        "mim.districts: it has never been read; run broker refresh mim.districts",
        "mim.places: it has never been read; run broker refresh mim.places",
        (
            "mim.stops: its refresh failed at 2026-03-02 04:10 and has never gone well (UTC): no connection; "
            "look at the source, then run broker refresh mim.stops"
        ),
    ]


def test_what_is_older_than_it_should_be(filled: Path) -> None:
    checked(filled, datetime.now(UTC) - timedelta(days=9, minutes=5))
    (line,) = wrong()
    assert line.startswith("mim.stops: it is 9 days old and is to be read every ")
    assert line.endswith("; see that broker serve or broker refresh --loop runs, and that refresh.schedule is true")


@pytest.mark.parametrize(("rejected", "said"), [(10, []), (11, ["mim.stops: 11 of 1011 rows could not be read"])])
def test_rows_that_cannot_be_read(filled: Path, rejected: int, said: list[str]) -> None:
    del filled
    recorded("published", records=1000, rejected=rejected)
    assert [line.partition(";")[0] for line in wrong()] == said


def test_a_layer_whose_server_is_away(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del filled
    about = {"url": "http://127.0.0.1:9/wfs", "type_name": "a:b", "title": "Trees", "licence": "CC0-1.0"}
    for name, value in about.items():
        monkeypatch.setenv(f"BROKER_LAYERS__TREES__{name.upper()}", value)
    (line,) = wrong()
    assert line.startswith("layers.trees: its server does not describe it (GET http://127.0.0.1:9/wfs?")
    assert line.endswith("; look at layers.trees.url; what was read before goes on being served")


def test_a_connector_that_cannot_be_read(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del filled
    broken = (Broken("others.trams", "ImportError: no module"),)
    monkeypatch.setattr(Catalog, "load", lambda *_: Catalog.of(DECLARED, broken))
    assert wrong() == [
        "others.trams: the connector cannot be read (ImportError: no module); its data sets are left out; mend it"
    ]
