"""Lookups in the graph: the field that a record has for what its source is asked when a query asks."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from broker.catalog import Catalog
from broker.errors import SourceError, TooMuch
from broker.lookup import Lookup
from broker.on_demand import Found
from resolvers.connections import page_size, read_wait, wait_argument
from resolvers.context import Context, Info, RecordValue
from resolvers.derive import Member, add_field, argument, camel, many, maybe, object_type, resolved
from resolvers.provenance import Provenance
from resolvers.records import Types, members_of
from resolvers.sources import RejectedRow

__all__ = ["add_lookups"]

MOST_REJECTED = 20
PASSED_ON = 0
"""The version of what is passed on and never stored."""


def add_lookups(catalog: Catalog, types: Types) -> None:
    """Give every type of records the fields of the lookups about them."""
    for one in catalog.lookups.values():
        record = types.records[one.on]
        add_field(record.type, one.name, _lookup(one))
        record.columns[camel(one.name)] = frozenset({one.by})


def _lookup(lookup: Lookup) -> StrawberryField:
    async def ask(root: strawberry.Parent[RecordValue], info: Info, **given: Any) -> Any:  # noqa: ANN401 - typed below
        context: Context = info.context
        first, wait = given.get("first"), read_wait(given)
        size = None if first is None else page_size(context, "first", first)
        context.volatile = True  # it hangs on no version, by which kept answers are judged
        loader = context.loading((lookup.id, wait), partial(_find, context, lookup, wait))
        found: Found = await loader.load(root.row[lookup.by])
        context.budget.spend(sum(len(repr(one)) for one in found.items))
        rejected = [RejectedRow(reason=one.reason, row=one.shown) for one in found.rejected[:MOST_REJECTED]]
        return {
            "nodes": found.items[:size],
            "provenance": _provenance(found),
            "rejected_count": len(found.rejected),
            "rejected": rejected,
        }

    item = object_type(
        lookup.type_name,
        lookup.description,
        {name: member for one in lookup.fields for name, member in members_of(one)},
    )
    about = f"{lookup.title} ({lookup.source.title}): {lookup.description}"
    answer = object_type(
        f"{lookup.type_name}Lookup",
        about,
        {
            "nodes": Member(many(item), f"What the source told, in the order of `{camel(lookup.ordered_by)}`."),
            "provenance": Member(Provenance, "Where it came from, when, under which terms, and how fresh it is."),
            "rejected_count": Member(int, "How much of the answer could not be read."),
            "rejected": Member(many(RejectedRow), f"The first {MOST_REJECTED} of these, each with its reason."),
        },
    )
    arguments = {
        "first": argument(maybe(int), "How many to give, from the first on; all that the source tells when left out."),
        "wait": wait_argument(),
    }
    return resolved(ask, maybe(answer), f"{about} Asked when a query asks.", camel(lookup.name), arguments)


async def _find(
    context: Context, lookup: Lookup, wait: float | None, keys: list[str]
) -> Sequence[Found | BaseException]:
    context.looked_up += len(keys)
    most = context.settings.limits.lookups
    if context.looked_up > most:
        raise TooMuch(
            f"{camel(lookup.name)} of {context.looked_up} records; the limit limits.lookups is {most} in one request: "
            "ask for smaller pages"
        )
    asking = (context.on_demand.find(lookup, key, wait) for key in keys)
    found = await asyncio.gather(*asking, return_exceptions=True)
    for one in found:
        if isinstance(one, SourceError):
            context.tell(lookup, "missing", None)
        elif isinstance(one, Found) and one.stale:
            context.tell(lookup, "stale", one.fetched_at)
    return found


def _provenance(found: Found) -> Provenance:
    lookup = found.lookup
    return Provenance(
        source=lookup.source.id,
        dataset=lookup.id,
        record_url=None,
        fetched_at=found.fetched_at,
        version=PASSED_ON,
        version_id=None,
        licence=lookup.licence.id,
        licence_url=lookup.licence.url,
        stale=found.stale,
        sample=found.sample,
        repaired=None,
    )
