"""A migration that is killed, at any moment, is finished or undone by whoever comes next, and no version suffers."""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.catalog import Catalog
from broker.query import Query, Version, Window
from broker.store import MigrationMode, SqlStore, open_store
from tests.city.postgres import Cluster
from tests.faults.extent import WHOLE
from tests.stores.declarations import Library, same
from tests.stores.migrating import AFTER, BEFORE, content

ROOT = Path(__file__).parents[2]
MOMENTS = 15 if WHOLE else 3
"""On each store."""


@pytest.fixture(params=["sqlite", "postgis"])
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the address of a fresh copy of a store with two versions."""
    cluster: Cluster | None = request.getfixturevalue("cluster") if request.param == "postgis" else None
    url = cluster.database() if cluster else f"sqlite:///{tmp_path}/store.sqlite"
    library = Library(list(BEFORE))
    store = open_store(url, Catalog.of([library.declared()]))
    for seed in (1, 2):
        library.put(store, content(seed))
    store.close()
    number = iter(range(1000))

    def copy() -> str:
        if cluster:
            return cluster.copied(url)
        path = tmp_path / f"copy{next(number)}.sqlite"
        shutil.copy(tmp_path / "store.sqlite", path)
        return f"sqlite:///{path}"

    return copy


def whole(store: SqlStore, library: Library) -> None:
    """Each version holds what was put, as far as it is declared."""
    for version in (1, 2):
        names = frozenset(one.name for one in library.columns)
        rows = {
            row["code"]: row
            for row in store.select(Query(library.declared(), Version(version), names, Window(10_000))).rows
        }
        expected = content(version)
        assert rows.keys() == expected.keys()
        for key, values in expected.items():
            assert all(same(rows[key][one.name], values.get(one.content), one.kind) for one in library.columns), key


def begun(url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.stores.migrating", url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_killed_migration_costs_no_version(copied: Callable[[], str]) -> None:
    process, since = begun(copied()), time.monotonic()
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
    took, dice = time.monotonic() - since, random.Random(1)
    for _ in range(MOMENTS):
        url = copied()
        with begun(url) as process:
            time.sleep(dice.random() * took)
            process.kill()
        library = Library(list(BEFORE))
        try:  # an older broker reads on, whatever came of it
            older = open_store(url, Catalog.of([library.declared()]), mode=MigrationMode.NOTHING)
            whole(older, library)
            older.close()
        finally:
            library.columns = list(AFTER)
        store = open_store(url, Catalog.of([library.declared()]), mode=MigrationMode.ALL)
        whole(store, library)
        changes = library.put(store, content(2))
        assert (changes.changed, changes.added, changes.removed, changes.unchanged) == (0, 0, 0, 3000)
        assert all(not one.plan.steps for one in store.table_states.values())
        store.close()
