"""`sources` and `datasets`: what there is, how fresh it is, and what went wrong."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from broker.errors import BadArgument
from broker.health import Condition
from broker.lookup import Lookup
from broker.model import Dataset, Field, Geometry, Licence, Localized, Source
from broker.query import Version
from broker.store import Held, Published, RefreshRecord
from resolvers.context import Context, Info
from resolvers.declaration_changes import DeclarationChange, declaration_changes
from resolvers.derive import camel

__all__ = [
    "Circuit",
    "DatasetInfo",
    "DoubtInfo",
    "DoubtName",
    "FieldInfo",
    "LicenceInfo",
    "LookupInfo",
    "Quarantine",
    "RejectedRow",
    "Repair",
    "SourceInfo",
    "Status",
    "dataset",
    "datasets",
    "known_dataset",
    "sources",
]

MAX_REJECTED = 100


@strawberry.enum(description="How a source or a data set is doing.")
class Status(Enum):
    """How it is doing, the worst last."""

    OK = strawberry.enum_value("ok", description="Fresh, and the last refresh went well.")
    STALE = strawberry.enum_value("stale", description="Not confirmed for twice its refresh interval.")
    HELD = strawberry.enum_value(
        "held",
        description="What the source gave last is doubted and held in quarantine; what was there before is served.",
    )
    FAILING = strawberry.enum_value("failing", description="The last refresh failed; what was there before is served.")
    EMPTY = strawberry.enum_value("empty", description="Has never been read.")


@strawberry.enum(
    description="Whether requests to a source are sent; a source that fails again and again is left alone for a while."
)
class Circuit(Enum):
    """Whether requests to a source are sent."""

    CLOSED = strawberry.enum_value("closed", description="Requests are sent.")
    HALF_OPEN = strawberry.enum_value("half open", description="One request tries whether the source answers again.")
    OPEN = strawberry.enum_value("open", description="No request is sent for now.")


@strawberry.type(name="Licence", description="Terms of use.")
class LicenceInfo:
    """Terms of use."""

    id: str = strawberry.field(description="Short name, as an SPDX id where there is one.")
    title: str = strawberry.field(description="Full name.")
    url: str = strawberry.field(description="Full text.")


@strawberry.type(name="FieldInfo", description="A field of a data set, as declared.")
class FieldInfo:
    """A field as declared."""

    name: str = strawberry.field(description="Its name in the graph.")
    description: str = strawberry.field(description="What it holds.")
    type: str = strawberry.field(description="What kind of value.")
    unit: str | None = strawberry.field(description="The unit of a number.")
    optional: bool = strawberry.field(description="Whether a record may lack it.")


@strawberry.type(name="RejectedRow", description="A row of the source that could not be read.")
class RejectedRow:
    """A row that could not be read."""

    reason: str = strawberry.field(description="Why not.")
    row: str = strawberry.field(description="The row as the source gave it, as JSON text, cut after 4 000 characters.")


def _rejected(
    root: strawberry.Parent["DatasetInfo"],
    info: Info,
    first: Annotated[int, strawberry.argument(description=f"How many, at most {MAX_REJECTED}.")] = 20,
) -> list[RejectedRow]:
    if not 0 <= first <= MAX_REJECTED:
        raise BadArgument(f"first: {first} is not between 0 and {MAX_REJECTED}")
    context = info.context
    rows = context.store.rejected(context.catalog.datasets[root.id], first)
    return [RejectedRow(reason=reason, row=row) for reason, row in rows]


@strawberry.type(description="Something that had to be put right in the places of a data set's records.")
class Repair:
    """A repair and how often it was made."""

    what: str = strawberry.field(description="What was done.")
    count: int = strawberry.field(description="In how many records.")


async def _repairs(root: strawberry.Parent["DatasetInfo"], info: Info) -> list[Repair]:
    context = info.context
    version = Version(root.version, root.version_id or "")
    found = await context.run(context.store.repairs, context.catalog.datasets[root.id], version)
    return [Repair(what=what, count=count) for what, count in found]


@strawberry.enum(name="DoubtKind", description="What a version in quarantine is doubted for.")
class DoubtName(Enum):
    """What a version is doubted for, as the graph has it."""

    LOSS = strawberry.enum_value("loss", description="Too many records would be gone.")
    REJECTED = strawberry.enum_value("rejected", description="Many more rows than before could not be read.")
    DUPLICATES = strawberry.enum_value("duplicates", description="Many more rows than before share a key.")
    VANISHED_FIELD = strawberry.enum_value("vanished_field", description="The source no longer gives a field.")
    NEW_FIELD = strawberry.enum_value("new_field", description="The source gives a field that it never gave.")


@strawberry.type(name="Doubt", description="Why a version is held in quarantine.")
class DoubtInfo:
    """Why a version is held."""

    kind: DoubtName = strawberry.field(description="What it is doubted for.")
    reason: str = strawberry.field(description="Why, in words and figures.")


@strawberry.type(
    description="A version that is not served because it is doubted, until it is accepted or often enough confirmed."
)
class Quarantine:
    """A version that is held."""

    doubts: list[DoubtInfo] = strawberry.field(description="Why it is held.")
    held_at: datetime = strawberry.field(description="Since when.")
    seen_at: datetime = strawberry.field(description="When the source last gave the same.")
    agreed: int = strawberry.field(description="How often in a row the source has given the same.")
    needed: int = strawberry.field(
        description="How often it must, to be believed by itself; 0 when somebody has to accept it (`broker accept`)."
    )
    record_count: int = strawberry.field(description="How many records it has.")
    added: int = strawberry.field(description="Records that are not served now.")
    changed: int = strawberry.field(description="Records that are served with other content now.")
    removed: int = strawberry.field(description="Records that are served now and would be gone.")
    rejected_count: int = strawberry.field(description="Rows that could not be read.")


def _changes(root: strawberry.Parent["DatasetInfo"], info: Info) -> list[DeclarationChange]:
    return declaration_changes(info.context.store, root.id, root.version)


@strawberry.type(name="Dataset", description="One collection of a source.")
class DatasetInfo:
    """A data set and how it is doing."""

    id: str = strawberry.field(description="Its name everywhere: `bip.contracts`.")
    title: str = strawberry.field(description="What people call it.")
    description: str = strawberry.field(description="What one record of it is.")
    source: str = strawberry.field(description="The source it belongs to, by id.")
    root: str = strawberry.field(description="The root field that queries it.")
    record_type: str = strawberry.field(description="The GraphQL type of its records.")
    licence: LicenceInfo = strawberry.field(description="Terms of use.")
    located: bool = strawberry.field(description="Whether its records have a place.")
    live: bool = strawberry.field(description="Whether it is fetched when a query asks for it.")
    refresh_seconds: int = strawberry.field(description="How often it is refreshed, in seconds.")
    status: Status = strawberry.field(description="How it is doing.")
    stale: bool = strawberry.field(description="Whether it has not been confirmed for twice its refresh interval.")
    sample: bool = strawberry.field(description="Whether it holds invented sample data.")
    version: int = strawberry.field(description="The version that answers now; 0 before the first.")
    version_id: strawberry.ID | None = strawberry.field(
        description="Names that version for good, for `changes(sinceVersion:)`; null before the first."
    )
    record_count: int = strawberry.field(description="How many records that version holds.")
    published_at: datetime | None = strawberry.field(description="When that version was published.")
    fetched_at: datetime | None = strawberry.field(description="When the source was last asked and answered well.")
    last_error: str | None = strawberry.field(description="Why the last refresh failed; null when it went well.")
    last_error_at: datetime | None = strawberry.field(description="When it failed.")
    rejected_count: int = strawberry.field(description="How many rows could not be read at the last refresh.")
    quarantine: Quarantine | None = strawberry.field(
        description="What the source gave last, when it is doubted and therefore not served; null when it is not."
    )
    fields: list[FieldInfo] = strawberry.field(description="Its fields, as declared.")
    repairs: list[Repair] = strawberry.field(
        resolver=_repairs,
        description="What had to be put right in its records' places, such as swapped axes; only what is certain is done.",
    )
    declaration_changes: list[DeclarationChange] = strawberry.field(
        resolver=_changes,
        description="How its declaration has changed since the store was made, the latest change first.",
    )
    rejected: list[RejectedRow] = strawberry.field(
        resolver=_rejected, description="Rows that could not be read, each with its reason."
    )


@strawberry.type(name="Lookup", description="What a source is asked about one record at a time, when a query asks.")
class LookupInfo:
    """A lookup and how it is doing, as the process that answers sees it."""

    id: str = strawberry.field(description="Its name everywhere: `ztm.departures`.")
    title: str = strawberry.field(description="What people call it.")
    description: str = strawberry.field(description="What one of the things it gives is.")
    dataset: str = strawberry.field(description="The data set about whose records it is asked, by id.")
    field: str = strawberry.field(description="The field of these records that asks.")
    licence: LicenceInfo = strawberry.field(description="Terms of use.")
    refresh_seconds: int = strawberry.field(description="For how many seconds an answer is given again.")
    status: Status = strawberry.field(description="How it is doing: failing when the last request for it failed.")
    asked_at: datetime | None = strawberry.field(description="When the source was last asked; null when it never was.")
    last_error: str | None = strawberry.field(description="Why that failed; null when it went well.")
    fields: list[FieldInfo] = strawberry.field(description="The fields of what it gives, as declared.")


@strawberry.type(name="Source", description="A city system.")
class SourceInfo:
    """A source and how it is doing."""

    id: str = strawberry.field(description="Its short name.")
    title: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="What it holds.")
    status: Status = strawberry.field(description="How it is doing: as its worst data set or lookup.")
    circuit: Circuit = strawberry.field(
        description=(
            "Whether requests to it are sent, as the process that answers sees it: where several run, one refreshes, "
            "and the others ask only for live data."
        )
    )
    datasets: list[DatasetInfo] = strawberry.field(description="Its data sets.")
    lookups: list[LookupInfo] = strawberry.field(description="What it is asked about single records.")


async def sources(info: Info) -> list[SourceInfo] | None:
    """The city's systems and how each is doing."""
    context = info.context
    known = await _known(context)
    return [
        _source(context, one, [each for each in known.values() if each.source == one.id]) for one in _ordered(context)
    ]


async def datasets(info: Info) -> list[DatasetInfo] | None:
    """Every data set: freshness, licence, counts, last error."""
    return list((await _known(info.context)).values())


async def dataset(
    info: Info, id: Annotated[str, strawberry.argument(description="The data set's id, such as `bip.contracts`.")]
) -> DatasetInfo | None:
    """One data set by its id."""
    known = await _known(info.context)
    return known[info.context.catalog.dataset(id).id]


def _ordered(context: Context) -> list[Source]:
    return sorted(context.catalog.sources.values(), key=lambda one: one.id)


async def _known(context: Context) -> dict[str, DatasetInfo]:
    context.volatile = True  # how a refresh went is told, though it made no version
    published = await context.snapshot()
    last = await context.run(context.store.last_refreshes)
    held = await context.run(context.store.held)
    needed = context.settings.refresh.agreements
    return {
        one.id: _dataset(one, published[one.id], last.get(one.id), _quarantine(held.get(one.id), needed), context.now)
        for one in context.catalog.datasets.values()
    }


async def known_dataset(context: Context, dataset: Dataset) -> DatasetInfo:
    """What is known of one data set."""
    return (await _known(context))[dataset.id]


def _source(context: Context, source: Source, its: list[DatasetInfo]) -> SourceInfo:
    order = list(Status)
    lookups = [_lookup(context, one) for one in context.catalog.lookups.values() if one.source == source]
    worst = max([*(one.status for one in its), *(one.status for one in lookups)], key=order.index)
    return SourceInfo(
        id=source.id,
        title=source.title,
        description=source.description,
        status=worst,
        circuit=Circuit[context.live.circuit(source.id).name],
        datasets=its,
        lookups=lookups,
    )


def _lookup(context: Context, lookup: Lookup) -> LookupInfo:
    last = context.on_demand.last.get(lookup.id)
    error = last.error if last is not None else None
    return LookupInfo(
        id=lookup.id,
        title=lookup.title,
        description=lookup.description,
        dataset=lookup.on,
        field=camel(lookup.name),
        licence=_licence(lookup.licence),
        refresh_seconds=int(lookup.refresh.interval.total_seconds()),
        status=Status.OK if error is None else Status.FAILING,
        asked_at=last.at if last is not None else None,
        last_error=error,
        fields=_fields(lookup.fields),
    )


def _licence(licence: Licence) -> LicenceInfo:
    return LicenceInfo(id=licence.id, title=licence.title, url=licence.url)


def _quarantine(held: Held | None, needed: int) -> Quarantine | None:
    if held is None:
        return None
    changes = held.changes
    return Quarantine(
        doubts=[DoubtInfo(kind=DoubtName(str(one.kind)), reason=one.reason) for one in held.doubts],
        held_at=held.held_at,
        seen_at=held.seen_at,
        agreed=held.agreed,
        needed=needed,
        record_count=changes.records,
        added=changes.added,
        changed=changes.changed,
        removed=changes.removed,
        rejected_count=changes.rejected,
    )


def _status(condition: Condition) -> Status:
    if condition.empty and not (condition.dataset.refresh.live and condition.last is None):
        return Status.EMPTY
    if condition.failing:
        return Status.FAILING
    if condition.held:
        return Status.HELD
    return Status.STALE if condition.stale else Status.OK


def _dataset(
    dataset: Dataset, published: Published, last: RefreshRecord | None, quarantine: Quarantine | None, now: datetime
) -> DatasetInfo:
    condition = Condition(dataset, published, last, now)
    unwell = condition.failing or condition.held
    return DatasetInfo(
        id=dataset.id,
        title=dataset.title,
        description=dataset.description,
        source=dataset.source.id,
        root=dataset.root,
        record_type=dataset.type_name,
        licence=_licence(dataset.licence),
        located=dataset.located,
        live=dataset.refresh.live,
        refresh_seconds=int(dataset.refresh.interval.total_seconds()),
        status=_status(condition),
        stale=condition.stale,
        sample=published.sample,
        version=published.number,
        version_id=strawberry.ID(published.id) if published.id else None,
        record_count=published.records,
        published_at=published.published_at,
        fetched_at=published.checked_at,
        last_error=last.error if last is not None else None,
        last_error_at=unwell.finished_at if unwell else None,
        rejected_count=last.changes.rejected if last is not None else 0,
        quarantine=quarantine,
        fields=_fields(dataset.fields),
    )


def _fields(declared: Sequence[Field]) -> list[FieldInfo]:
    names = {Localized: "text in several languages", Geometry: "geometry", tuple: "list of texts", str: "text"}
    return [
        FieldInfo(
            name="geometry" if one.kind is Geometry else camel(one.name),
            description=one.description,
            type=names.get(one.kind, one.kind.__name__),
            unit=one.unit,
            optional=one.optional,
        )
        for one in declared
    ]
