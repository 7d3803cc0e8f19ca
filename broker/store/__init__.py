"""Where versions of data sets live: `open_store` gives the store for a database's address."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from broker.catalog import Catalog
from broker.errors import StoreError
from broker.store.applied_migrations import AppliedMigration
from broker.store.descriptions import Descriptions
from broker.store.dialect import Dialect, Joined
from broker.store.history import Difference, DifferenceKind
from broker.store.leases import Lease
from broker.store.migration import MigrationMode, TableState
from broker.store.published import Published
from broker.store.quarantine import Doubt, DoubtKind, Held, agreement, hold
from broker.store.schemas import ChangeKind, SchemaChange
from broker.store.sql import SqlStore
from broker.store.sqlite import Sqlite
from broker.store.versions import Changes, Draft, Facts, RefreshRecord

__all__ = [
    "AppliedMigration",
    "ChangeKind",
    "Changes",
    "Difference",
    "DifferenceKind",
    "Doubt",
    "DoubtKind",
    "Draft",
    "Facts",
    "Held",
    "Joined",
    "Lease",
    "MigrationMode",
    "Published",
    "RefreshRecord",
    "SchemaChange",
    "SqlStore",
    "TableState",
    "agreement",
    "hold",
    "open_descriptions",
    "open_store",
]


def _postgis() -> Dialect:
    from broker.store.postgis import Postgis  # noqa: PLC0415 - its driver takes a tenth of the start, where it is not used too

    return Postgis()


YEAR = timedelta(days=365)
DIALECTS: dict[str, Callable[[], Dialect]] = {"sqlite": Sqlite, "postgresql": _postgis}


def open_store(
    url: str, catalog: Catalog, keep: timedelta = YEAR, mode: MigrationMode = MigrationMode.AUTOMATIC
) -> SqlStore:
    """Open the store at a SQLAlchemy URL, and make its tables when they are not there. Raises `StoreError`.

    ``keep`` is how long a version is kept after another one has taken its place; ``mode`` how far tables that do not follow
    their declarations are changed now.
    """
    return SqlStore(url, catalog, _dialect(url), keep, mode)


def open_descriptions(url: str) -> Descriptions:
    """What the database at this URL keeps of configured layers. Raises `StoreError`."""
    return Descriptions(url, _dialect(url))


def _dialect(url: str) -> Dialect:
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError as error:
        raise StoreError(f"{url!r} is not a SQLAlchemy URL, e.g. sqlite:////var/lib/broker/store.sqlite") from error
    if kind not in DIALECTS:
        raise StoreError(f"no store for {kind!r}; there is one for {', '.join(DIALECTS)}")
    return DIALECTS[kind]()
