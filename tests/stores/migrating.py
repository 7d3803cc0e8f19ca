"""A process that migrates a store, to be killed meanwhile: `python -m tests.stores.migrating URL`."""

import random
import sys
from dataclasses import replace

from broker.catalog import Catalog
from broker.store import MigrationMode, open_store
from broker.telemetry import configure
from tests.stores.declarations import Column, Library, value

BEFORE = [Column("name", "text", 1, search="title"), Column("pages", "number", 2), Column("note", "text", 3)]
AFTER = [
    Column("name", "localized", 1, search="title"),
    Column("sheets", "decimal", 2, was="pages"),
    Column("note", "text", 3, search="text"),
    Column("place", "place", 4),
    Column("fax", "text", 5),
]
ROWS = 3000


def content(seed: int) -> dict[str, dict[int, object]]:
    """Many records."""
    dice = random.Random(seed)
    return {f"k{n}": {one.content: value(replace(one, optional=True), dice) for one in BEFORE} for n in range(ROWS)}


if __name__ == "__main__":
    configure("error", "console")
    catalog = Catalog.of([Library(AFTER).declared()])
    print("begun", flush=True)  # noqa: T201
    open_store(sys.argv[1], catalog, mode=MigrationMode.ALL).close()
    print("done", flush=True)  # noqa: T201
