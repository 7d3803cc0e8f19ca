"""Where a record came from, when, under which terms, and how fresh it is."""

import string
from datetime import datetime

import strawberry

from broker.model import Dataset
from broker.query import MENDED
from resolvers.context import Info, RecordValue, stale
from resolvers.node import Node

__all__ = ["Provenance", "Record", "page_fields", "provenance_columns"]


@strawberry.type(description="Where a record came from, when, under which terms, and how fresh it is.")
class Provenance:
    """A record's origin."""

    source: str = strawberry.field(description="The city system it was read from: an id in `sources`.")
    dataset: str = strawberry.field(description="The data set it belongs to: an id in `datasets`.")
    record_url: str | None = strawberry.field(description="The record's own page at the source, when it has one.")
    fetched_at: datetime = strawberry.field(description="When the source was last asked and still said the same.")
    version: int = strawberry.field(description="The version of the data set that answered.")
    version_id: strawberry.ID | None = strawberry.field(
        description="Names that version for good: after a failover its number may be given again, its id never. "
        "Null for what is looked up and not kept."
    )
    licence: str = strawberry.field(description="The terms of use, as an SPDX id where there is one.")
    licence_url: str = strawberry.field(description="The full text of the terms.")
    stale: bool = strawberry.field(
        description="Whether it is older than twice the data set's refresh interval; live data, than the interval."
    )
    sample: bool = strawberry.field(description="Whether this is invented sample data and not the city's.")
    repaired: str | None = strawberry.field(
        description="What had to be put right in its shape, such as an outline that crossed itself; null when nothing had to."
    )


def _page(record: RecordValue) -> str | None:
    """The record's own page; none when a value that its address is made of is missing."""
    template = record.dataset.page
    if template is None or any(record.row[name] is None for name in page_fields(record.dataset)):
        return None
    return template.format_map(record.row)


def provenance_columns(dataset: Dataset) -> frozenset[str]:
    """The columns that a record's provenance is made of, beside its version."""
    return page_fields(dataset) | (frozenset({MENDED}) if dataset.located else frozenset())


def page_fields(dataset: Dataset) -> frozenset[str]:
    """The fields that the address of a record's own page is made of."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(dataset.page or "") if name)


def _provenance(root: strawberry.Parent[RecordValue], info: Info) -> Provenance:
    dataset, published, now = root.dataset, root.published, info.context.now
    return Provenance(
        source=dataset.source.id,
        dataset=dataset.id,
        record_url=_page(root),
        fetched_at=published.checked_at or now,
        version=published.number,
        version_id=strawberry.ID(published.id),
        licence=dataset.licence.id,
        licence_url=dataset.licence.url,
        stale=stale(dataset, published, now),
        sample=published.sample,
        repaired=root.row.get(MENDED),
    )


@strawberry.interface(description="A record of one of the city's systems.")
class Record(Node):
    """Every record."""

    provenance: Provenance = strawberry.field(
        resolver=_provenance, description="Where it came from, when, under which terms, and how fresh it is."
    )
