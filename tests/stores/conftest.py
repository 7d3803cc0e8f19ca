"""Every kind of store, empty and with the small town in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.catalog import Catalog
from broker.store import SqlStore, open_store
from tests.city.postgres import Cluster
from tests.stores.town import QUARTERS, SHOPS, Quarter, Shop, put


@pytest.fixture
def catalog() -> Catalog:
    return Catalog.of([Quarter.__dataset__, Shop.__dataset__])


@pytest.fixture(params=["sqlite", "postgis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: every test of this suite runs over each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.database()


@pytest.fixture
def opened(address: str) -> Iterator[Callable[[Catalog], SqlStore]]:
    """Opens the store with a catalogue, as often as a test likes; a new one each time, as after a restart."""
    made: list[SqlStore] = []

    def opening(catalog: Catalog) -> SqlStore:
        made.append(open_store(address, catalog))
        return made[-1]

    yield opening
    for one in made:
        one.close()


@pytest.fixture
def store(opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> SqlStore:
    return opened(catalog)


@pytest.fixture
def town(store: SqlStore) -> SqlStore:
    """The store with the town in it."""
    put(store, Quarter.__dataset__, *QUARTERS)
    put(store, Shop.__dataset__, *SHOPS)
    return store
