"""A store that another version of the broker made: what a refresh writes anew is made anew, the rest is refused with the remedy."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from broker.catalog import Catalog
from broker.errors import StoreError
from broker.store import SqlStore
from tests.stores.town import SHOPS, Shop, put, shop

SHOP = Shop.__dataset__
Opened = Callable[[Catalog], SqlStore]


def without(store: SqlStore, table: str, column: str) -> None:
    """As if the table had been declared before the column was."""
    with store.writing() as connection:
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))


@pytest.mark.parametrize(
    ("table", "column"), [("broker_quarantine", "facts"), ("broker_facts", "facts"), ("broker_rejected", "reason")]
)
def test_what_a_refresh_writes_anew_is_made_anew(
    town: SqlStore, opened: Opened, catalog: Catalog, table: str, column: str
) -> None:
    without(town, table, column)
    again = opened(catalog)
    assert (again.version(SHOP).number, again.version(SHOP).records) == (1, len(SHOPS))
    assert again.held() == {}
    put(again, SHOP, *SHOPS, shop("n", name="Nowy"))
    assert again.version(SHOP).number == 2
    assert again.rejected(SHOP, 10) == []


@pytest.mark.parametrize(("table", "column"), [("broker_versions", "sample"), ("broker_refreshes", "rejected")])
def test_what_cannot_be_read_is_refused_with_the_remedy(
    town: SqlStore, opened: Opened, catalog: Catalog, table: str, column: str
) -> None:
    without(town, table, column)
    said = f"made by another version of the broker: {table} has no {column}; move it away, and a new one is made"
    with pytest.raises(StoreError, match=said):
        opened(catalog)
