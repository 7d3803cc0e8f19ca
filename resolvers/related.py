"""`related`: what any collection has at a record's place, worked out once for all records of a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import strawberry
from strawberry.types.field import StrawberryField

from broker.errors import BadArgument
from broker.model import Dataset
from broker.query import AREA, Aggregation, Condition, Group, Link, Related, Version
from broker.store import Joined, Published
from resolvers.aggregates import aggregate, feature_aggregate
from resolvers.connections import page_size
from resolvers.context import Beside, Context, Info, RecordValue
from resolvers.derive import Member, add_field, argument, enum_type, many, maybe, object_type, resolved
from resolvers.properties import PropertyFilter, layer_dataset
from resolvers.records import RecordType, Types
from resolvers.selection import below
from resolvers.shapes.fields import Makers
from resolvers.shapes.related import Asking
from resolvers.shapes.related import related as related_shape
from resolvers.spatial import Intersection, share
from resolvers.where import DISTANCE, PREDICATE, PredicateName, read_link

__all__ = ["Relation", "add_related", "related_makers"]

RelatedOrder = enum_type(
    "RelatedOrder",
    "What related records are ordered by.",
    {"DISTANCE": ("distance", "The nearest first; equally near ones by their key."), "KEY": ("key", "By their key.")},
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client asks of related records; the same for every parent of a page."""

    dataset: Dataset
    link: Link
    where: Condition | None
    size: int
    nearest: bool
    fields: frozenset[str]
    nodes: frozenset[str]


@dataclass(frozen=True)
class _Linked:
    """One join: its children's data set and version, and the positions of its parents."""

    dataset: Dataset
    published: Published
    joined: Joined
    positions: Mapping[Any, int]


@dataclass(frozen=True)
class Relation:
    """The records related to one parent."""

    linked: _Linked
    parent: Any
    area: float | None
    total_count: int | None
    nodes: Sequence[RecordValue]
    shared: float | None

    @property
    def dataset(self) -> Dataset:
        """The data set of the related records."""
        return self.linked.dataset

    @property
    def intersection(self) -> Intersection | None:
        """What the parent shares with all of them together."""
        return share(self.shared, self.area)

    async def groups(self, context: Context, query: Aggregation) -> Sequence[Group]:
        """Figures over the related records: one statement for all parents."""
        loader = context.loading(
            (id(self.linked), query), lambda parents: _groups(context, self.linked, query, parents)
        )
        found: Sequence[Group] = await loader.load(self.parent)
        return found

    @cached_property
    def version(self) -> Version:
        """The version of the data set they are read at."""
        return self.linked.published.version


async def _groups(context: Context, linked: _Linked, query: Aggregation, parents: list[Any]) -> list[Sequence[Group]]:
    found = await context.run(context.store.aggregate_related, linked.joined, query)
    none = () if query.group_by else (Group(query.dataset, (), 0, dict.fromkeys(query.measures)),)
    return [found.get(linked.positions[one], none) for one in parents]


def add_related(types: Types, feature: Any, of: Callable[[Dataset], RecordType]) -> None:  # noqa: ANN401 - a derived type
    """Give every record with a place, features too, the field ``related``."""
    kinds = [one for one in types.records.values() if one.dataset.located]
    about = "What other collections have at a record's place."
    fields = {one.dataset.name: _collection(one) for one in kinds}
    related = object_type("RelatedRecords", about, {**fields, "layer": _layer(types, feature, of)})

    def itself(root: strawberry.Parent[Any]) -> Any:  # noqa: ANN401 - a record
        return root

    for cls in (types.located, feature, *(one.type for one in kinds)):
        add_field(cls, "related", resolved(itself, related, f"{about} One join answers for all records of a page."))

    for one in kinds:
        one.shapes["related"] = related_shape(one.dataset, related_makers(types, of))


def related_makers(types: Types, of: Callable[[Dataset], RecordType]) -> Callable[[str, Dataset], Makers]:
    """How the records of a data set are shaped below a field of ``related``."""
    return lambda field, dataset: (of(dataset) if field == "layer" else types.records[dataset.id]).shapes


LINK = {
    "predicate": argument(maybe(PredicateName), PREDICATE),
    "distance": argument(maybe(float), DISTANCE),
    "first": argument(maybe(int), "How many of each record's related ones to give."),
    "order_by": argument(maybe(RelatedOrder), "The nearest first, or by key."),
}


def _collection(record: RecordType) -> StrawberryField:
    async def ask(root: strawberry.Parent[Any], info: Info, **given: Any) -> Any:  # noqa: ANN401 - typed below
        return await _ask(root, info, record, given)

    arguments = {
        "filter": argument(maybe(record.filter), "Conditions on the fields."),
        "where": argument(maybe(record.where), "A further condition on the place."),
        **LINK,
    }
    kind = _relation(record.dataset.type_name, record.type, record.dataset.root, {"aggregate": aggregate(record)})
    return resolved(ask, maybe(kind), f"Records of `{record.dataset.root}`.", arguments=arguments)


def _layer(types: Types, feature: Any, of: Callable[[Dataset], RecordType]) -> StrawberryField:  # noqa: ANN401 - a derived type
    async def ask(
        root: strawberry.Parent[Any],
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The layer's id, as `layers` shows it.")],
        **given: Any,  # noqa: ANN401 - typed below
    ) -> Any:  # noqa: ANN401 - a derived type
        return await _ask(root, info, of(layer_dataset(info.context.catalog, id)), given)

    arguments = {
        "filter": argument(maybe(many(PropertyFilter)), "Conditions on the properties; all must hold."),
        "where": argument(maybe(types.where), "A further condition on the place."),
        **LINK,
    }
    kind = _relation("Feature", feature, "features", {"aggregate": feature_aggregate()})
    return resolved(ask, maybe(kind), "Features of any layer.", arguments=arguments)


async def _ask(parent: RecordValue | Asking, info: Info, record: RecordType, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a relation, or what is asked
    """The relation of one parent, loaded together with those of the other parents of the page."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry keeps graphql-core's own there
    context = info.context
    if isinstance(parent, Asking):
        return await _read(context, record, info, given)
    # The same field nodes have the same arguments for every parent, so these parents are answered together.
    same = (*map(id, raw.field_nodes), parent.dataset.id, parent.published.number)

    async def load(parents: list[tuple[Any, float | None]]) -> list[Relation]:
        return await _load(context, parent, record, await _read(context, record, info, given), parents)

    found: Relation = await context.loading(same, load).load((parent.key, parent.row[AREA]))
    return found


async def _read(context: Context, record: RecordType, info: Info, given: Mapping[str, Any]) -> _Asked:
    where = f"related.{record.dataset.root}"
    link = read_link(where, given.get("predicate"), given.get("distance"))
    nearest = given.get("order_by") is RelatedOrder.DISTANCE
    if link == Link() and not nearest:
        raise BadArgument(f"{where}: give `predicate`, `distance`, or `orderBy: DISTANCE` for the nearest of all")
    raw = info._raw_info  # noqa: SLF001 - as above
    return _Asked(
        record.dataset,
        link,
        await record.condition(context, given),
        page_size(context, "first", given.get("first")),
        nearest,
        frozenset(below(raw, ())),
        frozenset(below(raw, ("nodes",))),
    )


async def _load(
    context: Context, parent: RecordValue, record: RecordType, asked: _Asked, parents: list[tuple[Any, float | None]]
) -> list[Relation]:
    dataset = record.dataset
    published = await context.published(dataset)
    keys = tuple(key for key, _ in parents)
    related = Related(
        dataset, published.version, parent.dataset, parent.published.version, keys, asked.link, asked.where
    )
    joined = await context.run(context.store.join, related)
    linked = _Linked(dataset, published, joined, {key: n for n, key in enumerate(keys)})
    counts = await context.run(joined.counts) if "totalCount" in asked.fields else None
    shared = await context.run(joined.shared) if "intersection" in asked.fields else {}
    nodes = await _nodes(context, linked, record, asked, dict(parents)) if asked.nodes else {}
    return [
        Relation(linked, key, area, None if counts is None else counts.get(key, 0), nodes.get(key, ()), shared.get(key))
        for key, area in parents
    ]


async def _nodes(
    context: Context, linked: _Linked, record: RecordType, asked: _Asked, areas: Mapping[Any, float | None]
) -> dict[Any, list[RecordValue]]:
    pairs = await context.run(
        linked.joined.pairs,
        asked.size,
        nearest=asked.nearest,
        distance="distance" in asked.nodes,
        shared="intersection" in asked.nodes,
    )
    columns = record.needed(set(asked.nodes))
    rows = await context.run(
        context.store.by_row, linked.dataset, linked.published.version, (one.row for one in pairs), columns
    )
    found: dict[Any, list[RecordValue]] = {}
    for one in pairs:
        beside = Beside(one.distance, one.shared, areas[one.parent])
        value = RecordValue(linked.dataset, linked.published, rows[one.row], beside)
        found.setdefault(one.parent, []).append(value)
    return found


def _relation(name: str, node: Any, root: str, more: Mapping[str, StrawberryField]) -> Any:  # noqa: ANN401 - derived types
    return object_type(
        f"{name}Relation",
        f"Records of `{root}` that are related to a record by their places.",
        {
            "nodes": Member(many(node), "The first of them; their `distance` is that to the record."),
            "total_count": Member(int, "How many there are."),
            **more,
            "intersection": Member(
                maybe(Intersection), "What the record's area shares with all of them together, overlaps counted once."
            ),
        },
    )
