"""A changed declaration through the graph, the commands and the probes: what versions from before it give, and where it is said."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
import structlog

from broker.app import Engine
from broker.catalog import Catalog
from broker.cli import main
from broker.doctor import examine
from broker.probes import Probes
from broker.schedule import due_at
from broker.settings import Settings, every_setting
from broker.store import MigrationMode
from tests.city.postgres import Cluster
from tests.stores.declarations import Column, Library

HERE = shapely.Point(16.9, 52.4)
BASE = [Column("name", "text", 1, search="title"), Column("pages", "number", 2), Column("place", "place", 3)]
FIRST = {"a": {1: "Las", 2: 100, 3: HERE}, "b": {1: "Morze", 2: 200, 3: HERE}}
FAX = Column("fax", "text", 4, optional=False)
SECOND = {"a": {1: "Las", 2: 100, 3: HERE, 4: "61 1"}, "b": {1: "Morze", 2: 200, 3: HERE, 4: "61 2"}}


@pytest.fixture(params=["sqlite", "postgis"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Library, MigrationMode], Engine]:
    """Opens a broker whose only data set is a library's."""
    for one in every_setting():
        monkeypatch.delenv(one.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    cluster: Cluster | None = request.getfixturevalue("cluster") if request.param == "postgis" else None
    monkeypatch.setenv("BROKER_STORE", cluster.database() if cluster else f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("BROKER_SAMPLE", "false")

    def opening(library: Library, mode: MigrationMode = MigrationMode.AUTOMATIC) -> Engine:
        monkeypatch.setattr(Catalog, "load", lambda *_: Catalog.of([library.declared()]))
        return Engine.open(Settings.load(), mode)

    return opening


def asked(engine: Engine, query: str, **variables: Any) -> Any:
    return asyncio.run(engine.endpoint.run(query, variables))


def filled(opened: Callable[..., Engine]) -> tuple[Library, datetime]:
    """A store with one version, and a moment at which it stood."""
    library = Library(list(BASE))
    engine = opened(library)
    library.put(engine.store, FIRST)
    moment = datetime.now(UTC)
    engine.store.close()
    return library, moment


def test_a_new_required_field_is_an_error_of_its_own_in_earlier_versions(opened: Callable[..., Engine]) -> None:
    library, then = filled(opened)
    library.columns = [*BASE, FAX]
    engine = opened(library, MigrationMode.ALL)
    whole = "nodes { name pages related { books(distance: 10) { totalCount } } } totalCount aggregate { sum { pages } }"
    expected = {
        "nodes": [{"name": n, "pages": p, "related": {"books": {"totalCount": 2}}} for n, p in (("Las", 100), ("Morze", 200))],
        "totalCount": 2, "aggregate": [{"sum": {"pages": 300}}],
    }  # fmt: skip
    assert asked(engine, f"{{ books {{ {whole} }} }}") == {"data": {"books": expected}}
    body = asked(engine, "{ books { nodes { name fax } } all: books { totalCount } }")
    assert body["data"] == {"books": None, "all": {"totalCount": 2}}
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "FIELD_NOT_IN_VERSION"
    assert error["message"].startswith(
        "fax: version 1 of town.books was read before every record had this field; ask without"
    )
    declared, published = library.declared(), engine.store.version(library.declared())
    assert due_at(declared, published, None, engine.store.changed[declared.id]) is None  # at once
    library.put(engine.store, SECOND)
    query = "query($then: DateTime!) { books { nodes { fax } } then: books(asOf: $then) { nodes { name } } past: books(asOf: $then) { nodes { fax } } }"
    body = asked(engine, query, then=then.isoformat())
    assert body["data"] == {
        "books": {"nodes": [{"fax": "61 1"}, {"fax": "61 2"}]}, "then": {"nodes": [{"name": "Las"}, {"name": "Morze"}]}, "past": None,
    }  # fmt: skip
    assert [one["extensions"]["code"] for one in body["errors"]] == ["FIELD_NOT_IN_VERSION"]
    query = """query($then: DateTime!) { changes(dataset: "town.books", since: $then) {
        counts { changed } nodes { before { ... on Book { name } } after { ... on Book { fax } } } } }"""
    assert asked(engine, query, then=then.isoformat())["data"]["changes"] == {
        "counts": {"changed": 2},
        "nodes": [{"before": {"name": n}, "after": {"fax": f}} for n, f in (("Las", "61 1"), ("Morze", "61 2"))],
    }
    assert asked(engine, '{ search(text: "morze") { totalCount } }')["data"]["search"]["totalCount"] == 1
    said = asked(engine, "{ datasets { declarationChanges { kind field version description } } }")["data"]["datasets"]
    assert said[0]["declarationChanges"] == [
        {"kind": "FIELD_ADDED", "field": "fax", "version": 1,
         "description": "the field fax (text) was added, which every record has from now on; versions up to 1 have no value of it"},
    ]  # fmt: skip
    engine.store.close()


def test_what_waits_is_said_in_health_doctor_and_datasets_until_it_is_done(
    opened: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> str:
        capsys.readouterr()  # what opening the store has logged
        with monkeypatch.context() as during:
            during.setattr(sys, "argv", ["broker", *words])
            with pytest.raises(SystemExit) as ended:
                main()
        structlog.reset_defaults()
        assert ended.value.code == 0
        return capsys.readouterr().out

    library, _ = filled(opened)
    library.columns = [*BASE, Column("fax", "text", 4)]
    text = "the field fax (text) was added; versions up to 1 have no value of it"
    opened(library, MigrationMode.NOTHING).store.close()
    assert run("migrate", "--check") == f"town.books: {text}\n"
    engine = opened(library)
    waits = engine.store.dialect.shared
    ready: Any = asyncio.run(Probes(engine.store, engine.endpoint, engine.refresher).ready(None))  # type: ignore[arg-type]
    assert (f'"migration":{{"town.books":"{text}"}}'.encode() in ready.body) is waits
    (said,) = asked(engine, "{ datasets { declarationChanges { at description } } }")["data"]["datasets"]
    assert [(one["at"] is None, one["description"]) for one in said["declarationChanges"]] == [(waits, text)]
    engine.store.close()
    found = [str(one) for one in examine()]
    assert (
        any(
            f"town.books: its table does not follow its declaration yet ({text}); run broker migrate" in one
            for one in found
        )
        is waits
    )
    assert run("migrate") == (f"town.books: {text}\n" if waits else "every table followed its declaration already\n")
    assert run("migrate", "--check") == "every table follows its declaration\n"
    assert any(one.startswith("town.books: its table followed its declaration at") for one in map(str, examine()))
