"""`changes`: what was added, changed or removed in a data set between two moments, with the records before and after."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from broker.errors import BadArgument
from broker.model import Dataset
from broker.query import Version
from broker.store import Difference, DifferenceKind, Published
from resolvers import cursors
from resolvers.connections import PageInfo, page_size, taken
from resolvers.context import Context, Info, RecordValue, every_column
from resolvers.node import encode_id
from resolvers.provenance import Record

__all__ = ["Change", "ChangeConnection", "ChangeCounts", "ChangeEdge", "ChangeKind", "changes"]


@strawberry.enum(description="What happened to a record.")
class ChangeKind(Enum):
    """What happened to a record, as the graph has it."""

    ADDED = strawberry.enum_value("added", description="It was not there before.")
    CHANGED = strawberry.enum_value("changed", description="The source gives other values for it.")
    REMOVED = strawberry.enum_value("removed", description="The source no longer gives it.")


@strawberry.type(description="A record that is not what it was.")
class Change:
    """A record that differs between two versions."""

    id: strawberry.ID = strawberry.field(description="The record's global id.")
    kind: ChangeKind = strawberry.field(description="What happened to it.")
    before: Record | None = strawberry.field(description="The record as it was; null for an added one.")
    after: Record | None = strawberry.field(description="The record as it is then; null for a removed one.")


@strawberry.type(description="A change with its cursor.")
class ChangeEdge:
    """A change with its cursor."""

    cursor: str = strawberry.field(description="Where the change stands, for `after`.")
    node: Change = strawberry.field(description="The change.")


@strawberry.type(description="How many records were added, changed and removed.")
class ChangeCounts:
    """Counts by kind."""

    added: int = strawberry.field(description="Records that were not there before.")
    changed: int = strawberry.field(description="Records with other values.")
    removed: int = strawberry.field(description="Records that are there no more.")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Two versions of a data set."""

    dataset: Dataset
    before: Published
    after: Published

    @property
    def versions(self) -> tuple[Version, Version]:
        return self.before.version, self.after.version


async def _counted(root: "ChangeConnection", info: Info) -> dict[DifferenceKind, int]:
    asked: Any = root.asked
    found: dict[DifferenceKind, int] = await info.context.run(
        info.context.store.count_differences, asked.dataset, asked.versions
    )
    return found


async def _counts(root: strawberry.Parent["ChangeConnection"], info: Info) -> ChangeCounts:
    return ChangeCounts(**{str(kind): many for kind, many in (await _counted(root, info)).items()})


async def _total(root: strawberry.Parent["ChangeConnection"], info: Info) -> int:
    return sum((await _counted(root, info)).values())


@strawberry.type(description="Records of a data set that differ between two moments, in the order of their keys.")
class ChangeConnection:
    """A page of changes."""

    asked: strawberry.Private[object]
    edges: list[ChangeEdge] = strawberry.field(description="The page's changes with their cursors.")
    nodes: list[Change] = strawberry.field(description="The page's changes.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")
    total_count: int = strawberry.field(resolver=_total, description="How many records differ, on all pages together.")
    since_version: int = strawberry.field(description="The version that stood at `since`.")
    until_version: int = strawberry.field(description="The version that stood at `until`.")
    since_version_id: strawberry.ID = strawberry.field(description="That version's id.")
    until_version_id: strawberry.ID = strawberry.field(
        description="That version's id, for `sinceVersion` when the next changes are asked for."
    )
    counts: ChangeCounts = strawberry.field(
        resolver=_counts, description="How many there are on all pages together, by what happened."
    )


Since = Annotated[datetime | None, strawberry.argument(description="The moment to compare with.")]
SinceVersion = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The version to compare with, by its `versionId`, in place of `since`; one that does not exist any more is "
        "`VERSION_GONE`: then read everything once."
    ),
]
Until = Annotated[datetime | None, strawberry.argument(description="The moment to compare; now when left out.")]


async def changes(
    info: Info,
    dataset: Annotated[str, strawberry.argument(description="The data set's id, such as `bip.contracts`.")],
    since: Since = None,
    since_version: SinceVersion = None,
    until: Until = None,
    first: Annotated[int | None, strawberry.argument(description="How many to give.")] = None,
    after: Annotated[str | None, strawberry.argument(description="Give those after this cursor.")] = None,
) -> ChangeConnection | None:
    """What was added, changed or removed in a data set since a moment, with the records before and after.

    Compared is what the source gave; that a district or an address was found anew is no change of a record.
    """
    context = info.context
    declared = context.catalog.dataset(dataset)
    if until is not None and since is not None and until < since:
        raise BadArgument(f"until: {until.isoformat()} is before `since`")
    then = await _begin(context, declared, since, since_version)
    asked = _Asked(declared, then, await context.published_at(declared, until or context.now))
    if asked.after.number < then.number:
        raise BadArgument(f"until: what stood then is before `sinceVersion`, which is version {then.number}")
    size = page_size(context, "first", first)
    start = None if after is None else cursors.decode(declared, (), after, "after")[0]
    found, more = await context.run(context.store.differences, declared, asked.versions, size, start)
    made, marks = await _records(context, asked, found), [cursors.encode(declared, (), (one.key,)) for one in found]
    return ChangeConnection(
        asked=asked,
        edges=[ChangeEdge(cursor=cursor, node=node) for cursor, node in zip(marks, made, strict=True)],
        nodes=made,
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=start is not None,
            start_cursor=marks[0] if marks else None,
            end_cursor=marks[-1] if marks else None,
        ),
        since_version=asked.before.number,
        until_version=asked.after.number,
        since_version_id=strawberry.ID(asked.before.id),
        until_version_id=strawberry.ID(asked.after.id),
    )


async def _begin(
    context: Context, dataset: Dataset, since: datetime | None, since_version: strawberry.ID | None
) -> Published:
    """The version to compare with. Raises `BadArgument` unless exactly one of both is given, `VersionGone`."""
    if (since is None) == (since_version is None):
        raise BadArgument("changes: give `since`, a moment, or `sinceVersion`, a version's id; one of them")
    if since is not None:
        return await context.published_at(dataset, since)
    context.volatile = True
    return await context.run(context.store.named, dataset, str(since_version))


async def _records(context: Context, asked: _Asked, found: list[Difference]) -> list[Change]:
    dataset = asked.dataset
    was = await _read(context, dataset, asked.before, [one for one in found if one.kind is not DifferenceKind.ADDED])
    now = await _read(context, dataset, asked.after, [one for one in found if one.kind is not DifferenceKind.REMOVED])
    return [
        Change(
            id=strawberry.ID(encode_id(dataset, one.key)),
            kind=ChangeKind(str(one.kind)),
            before=was.get(one.key),
            after=now.get(one.key),
        )
        for one in found
    ]


async def _read(context: Context, dataset: Dataset, published: Published, some: list[Difference]) -> dict[Any, Any]:
    keys = [one.key for one in some]
    rows = await context.run(context.store.by_key, dataset, published.version, keys, every_column(dataset))
    context.budget.spend(sum(map(taken, rows.values())))
    return {key: RecordValue(dataset, published, row) for key, row in rows.items()}
