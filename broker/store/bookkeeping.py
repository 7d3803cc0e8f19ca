"""The store's own tables: schemas of the data sets' tables, versions, refreshes, rejected rows, what sources gave, quarantine, leases, search."""

from dataclasses import dataclass, fields

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from broker.store.column_types import Instant

__all__ = ["EARLIER_VALUE", "Bookkeeping", "bookkeeping", "without_added"]

ADDED = "added"
EARLIER_VALUE = "earlier value"
"""Of a required column that an earlier layout lacks: what its rows have in it, as SQL."""


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """The store's own tables."""

    declarations: Table
    schemas: Table
    versions: Table
    refreshes: Table
    rejected: Table
    facts: Table
    quarantine: Table
    leases: Table
    entries: Table

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of them."""
        return tuple(getattr(self, one.name) for one in fields(self))


def bookkeeping(metadata: MetaData) -> Bookkeeping:
    """Declare them all.

    Brokers up to version 0.1 dropped every table whose declaration was not theirs. They look for their notes in
    ``broker_declarations``: as it is here, empty and without their columns, they refuse the store.
    """
    declarations = Table("broker_declarations", metadata, Column("dataset", String(200), primary_key=True))
    schemas = Table(
        "broker_schemas",
        metadata,
        Column("dataset", String(200), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("at", Instant, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("schema", Text, nullable=False),
        Column("changes", Text, nullable=False),
    )
    facts = Table(
        "broker_facts",
        metadata,
        Column("dataset", String(200), primary_key=True),
        Column("facts", Text, nullable=False),
    )
    return Bookkeeping(
        declarations,
        schemas,
        _versions(metadata),
        _refreshes(metadata),
        _rejected(metadata),
        facts,
        _quarantine(metadata),
        _leases(metadata),
        _entries(metadata),
    )


def without_added(versions: Table) -> Table:
    """The table of versions as a store has it that was made before versions had ids."""
    there = [Column(one.name, one.type) for one in versions.c if not one.info.get(ADDED)]
    return Table(versions.name, MetaData(), *there)


def _versions(metadata: MetaData) -> Table:
    return Table(
        "broker_versions",
        metadata,
        Column("dataset", String(200), primary_key=True),
        Column("number", BigInteger, primary_key=True),
        Column("published_at", Instant, nullable=False),
        Column("checked_at", Instant, nullable=False),
        Column("records", BigInteger, nullable=False),
        Column("sample", Boolean, nullable=False),
        Column(
            "id", String(40), nullable=False, info={ADDED: True, EARLIER_VALUE: "'v' || CAST(number AS VARCHAR(20))"}
        ),
        Column("placed_by", String(40), info={ADDED: True}),
    )


def _refreshes(metadata: MetaData) -> Table:
    return Table(
        "broker_refreshes",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("dataset", String(200), nullable=False, index=True),
        Column("started_at", Instant, nullable=False),
        Column("finished_at", Instant, nullable=False),
        Column("outcome", String(20), nullable=False),
        Column("error", Text),
        *(Column(name, BigInteger, nullable=False) for name in ("records", "added", "changed", "removed", "rejected")),
    )


def _rejected(metadata: MetaData) -> Table:
    return Table(
        "broker_rejected",
        metadata,
        Column("dataset", String(200), primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("reason", Text, nullable=False),
        Column("row", Text, nullable=False),
    )


def _quarantine(metadata: MetaData) -> Table:
    return Table(
        "broker_quarantine",
        metadata,
        Column("dataset", String(200), primary_key=True),
        Column("held_at", Instant, nullable=False),
        Column("seen_at", Instant, nullable=False),
        Column("agreed", BigInteger, nullable=False),
        Column("doubts", Text, nullable=False),
        Column("gone", Text, nullable=False),
        Column("changes", Text, nullable=False),
        Column("facts", Text),  # null in what was held before it was kept
        Column("sample", Boolean, nullable=False),
    )


def _leases(metadata: MetaData) -> Table:
    """``draft`` is the number of the version whose rows are being written under the lease; 0 for none, null for not known."""
    return Table(
        "broker_leases",
        metadata,
        Column("name", String(200), primary_key=True),
        Column("token", BigInteger, nullable=False),
        Column("holder", String(400)),
        Column("expires_at", Instant, nullable=False),
        Column("draft", BigInteger),
    )


def _entries(metadata: MetaData) -> Table:
    entries = Table(
        "broker_search_entries",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("dataset", String(200), nullable=False),
        Column("row", BigInteger, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
    )
    Index("ix_broker_search_entries", entries.c.dataset, entries.c.row)
    return entries
