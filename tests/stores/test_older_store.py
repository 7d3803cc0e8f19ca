"""The store's own tables follow too: what may be null is added, what cannot be filled is refused with the remedy."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from broker.catalog import Catalog
from broker.errors import StoreError
from broker.store import Doubt, DoubtKind, MigrationMode, SqlStore, hold, open_store
from tests.stores.town import SHOPS, Shop, put, shop

SHOP = Shop.__dataset__
Opened = Callable[[Catalog], SqlStore]


def altered(store: SqlStore, table: str, what: str) -> None:
    with store.writing() as connection:
        connection.execute(text(f"ALTER TABLE {table} {what}"))


def test_a_held_version_from_before_its_facts_were_kept_can_be_accepted(
    town: SqlStore, address: str, catalog: Catalog
) -> None:
    draft = town.draft(SHOP, sample=False)
    draft.add([*SHOPS, shop("n", name="Nowy")])
    hold(draft, [Doubt(DoubtKind.LOSS, "a reason")], 1)
    draft.close()
    altered(town, "broker_quarantine", "DROP COLUMN facts")
    town.close()
    waiting = open_store(address, catalog)
    assert waiting.held()[SHOP.id].changes.added == 1  # on PostgreSQL the column is added by the command alone
    waiting.close()
    again = open_store(address, catalog, mode=MigrationMode.ALL)
    assert (again.accept(SHOP).number, again.version(SHOP).records) == (2, 6)
    put(again, SHOP, *SHOPS)
    again.close()


@pytest.mark.parametrize(
    ("table", "column"),
    [("broker_versions", "sample"), ("broker_refreshes", "rejected"), ("broker_rejected", "reason")],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(
    town: SqlStore, opened: Opened, catalog: Catalog, table: str, column: str
) -> None:
    altered(town, table, f"DROP COLUMN {column}")
    with pytest.raises(StoreError, match=f"a layout that is not known here: {table} has no {column}; move it away"):
        opened(catalog)


def test_the_store_of_a_newer_broker_is_refused(town: SqlStore, opened: Opened, catalog: Catalog) -> None:
    altered(town, "broker_versions", "ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0")
    with pytest.raises(StoreError, match="was made by a newer broker: broker_versions has epoch; start that broker"):
        opened(catalog)
