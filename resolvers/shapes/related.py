"""Shapes of `related`: a join for all records of a batch at once, its counts, figures, shared areas and nearest records."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import Executor

from broker.execution.plan import Selected
from broker.execution.shape import Batch, Later, NotShaped, Plan, Values
from broker.model import Dataset
from broker.query import AREA, Columns, Condition, Group, Link, Pair, Related
from broker.store import Joined, Published
from resolvers.context import Context
from resolvers.shapes.fields import Maker, Makers, plan
from resolvers.shapes.pages import figures
from resolvers.shapes.values import writer
from resolvers.spatial import share

__all__ = ["Asked", "Asking", "related"]


@dataclass(frozen=True, slots=True)
class Asking:
    """Stands for a record, so that the field's own resolver says what is asked of its related ones."""

    root: str = ""


@dataclass(frozen=True, slots=True)
class _Joined:
    """A join for a batch: the parents' keys, each once, and what was found for them."""

    batch: Batch
    dataset: Dataset
    published: Published
    joined: Joined
    keys: tuple[Any, ...]
    areas: Mapping[Any, float | None]


Part = Callable[[_Joined], Mapping[Any, Any]]
"""Gives one field of a relation by the parent's key."""


class Asked(Protocol):
    """What is asked of related records."""

    dataset: Dataset
    link: Link
    where: Condition | None
    size: int
    nearest: bool


Ready = Callable[["Executor[Context]", Asked], Awaitable[tuple[Part, Any]]]
"""Makes a field ready for a request that asks this of the relation: what gives it, and what it is where nothing was found."""


def related(parent: Dataset, makers_of: Callable[[str, Dataset], Makers]) -> Maker:
    """The field ``related`` of records of a data set."""

    def make(selected: Selected) -> Later:
        fields = [(one.key, _collection(one, makers_of)) for one in selected.below()]
        return Later(frozenset({parent.key, AREA}), _together(fields))

    return make


def _together(fields: Sequence[tuple[str, Callable[["Executor[Context]"], Awaitable[Values]]]]) -> Any:  # noqa: ANN401 - as Later has it
    keys = [key for key, _ in fields]

    async def ready(executor: "Executor[Context]") -> Values:
        made = [await one(executor) for _, one in fields]

        def values(batch: Batch) -> list[dict[str, Any]]:
            columns = [one(batch) for one in made]
            return (
                [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)] if keys else [{}] * batch.size
            )

        return values

    return ready


def _collection(
    selected: Selected, makers_of: Callable[[str, Dataset], Makers]
) -> Callable[["Executor[Context]"], Awaitable[Values]]:
    if selected.name == "__typename":
        name = selected.parent.name

        async def typed(_executor: "Executor[Context]") -> Values:
            return lambda batch: [name] * batch.size

        return typed
    kept = selected.off()
    parts: dict[str, list[tuple[str, Ready]]] = {}

    async def ready(executor: "Executor[Context]") -> Values:
        asked: Asked = await kept.on(executor).resolved(Asking())
        dataset: Dataset = asked.dataset
        if dataset.id not in parts:
            parts[dataset.id] = [
                (one.key, _field(one, makers_of(kept.name, dataset))) for one in kept.on(executor).below()
            ]
        published = await executor.context_value.published(dataset)
        made = [(key, *await one(executor, asked)) for key, one in parts[dataset.id]]

        def values(batch: Batch) -> list[dict[str, Any]]:
            found = _join(batch, dataset, published, asked)
            columns = [(key, part(found), nothing) for key, part, nothing in made]
            relations = {
                parent: {key: column.get(parent, nothing) for key, column, nothing in columns} for parent in found.keys
            }
            return [relations[parent] for parent in batch[batch.dataset.key]]

        return values

    return ready


def _join(batch: Batch, dataset: Dataset, published: Published, asked: Asked) -> _Joined:
    areas = dict(zip(batch[batch.dataset.key], batch[AREA], strict=True))
    keys = tuple(areas)
    parents = batch.dataset, batch.published.version
    question = Related(dataset, published.version, *parents, keys, asked.link, asked.where)
    return _Joined(batch, dataset, published, batch.run.store.join(question), keys, areas)


def _field(one: Selected, makers: Makers) -> Ready:
    match one.name:
        case "__typename":
            name = one.parent.name
            return _always(lambda _: {}, name)
        case "totalCount":
            return _always(lambda found: found.joined.counts(), 0)
        case "intersection":
            return _always(_shared(one), None)
        case "aggregate":
            return _aggregate(one)
        case "nodes":
            return _nodes(plan(one.below(), makers))
    raise NotShaped(one.name)


def _always(part: Part, nothing: Any) -> Ready:  # noqa: ANN401 - JSON
    async def ready(_executor: "Executor[Context]", _asked: Asked) -> tuple[Part, Any]:
        return part, nothing

    return ready


def _shared(one: Selected) -> Part:
    write = writer(one)
    return lambda found: {
        parent: write(share(shared, found.areas[parent])) for parent, shared in found.joined.shared().items()
    }


def _aggregate(one: Selected) -> Ready:
    made_ready = figures(one)

    async def ready(executor: "Executor[Context]", asked: Asked) -> tuple[Part, Any]:
        figured = await made_ready(executor, asked.dataset)
        query = figured.query
        empty = () if query.group_by else (Group(query.dataset, (), 0, dict.fromkeys(query.measures)),)

        def part(found: _Joined) -> Mapping[Any, Any]:
            groups = found.batch.run.store.aggregate_related(found.joined, query)
            return {found.keys[position]: figured.write(some) for position, some in groups.items()}

        return part, figured.write(empty)

    return ready


def _nodes(inner: Plan) -> Ready:
    async def ready(executor: "Executor[Context]", asked: Asked) -> tuple[Part, Any]:
        made = await inner.ready(executor)
        apart, common = "distance" in made.beside, "shared" in made.beside

        def part(found: _Joined) -> Mapping[Any, Any]:
            pairs = found.joined.pairs(asked.size, nearest=asked.nearest, distance=apart, shared=common)
            return _by_parent(pairs, _records(found, made, pairs))

        return part, []

    return ready


def _records(found: _Joined, made: Plan, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """The record of each pair; one that several pairs share is shaped once, unless it says how it lies to its parent."""
    run = found.batch.run
    read = run.store.columns.by_row(found.dataset, {one.row for one in pairs}, made.columns, run.how)
    places = {row: place for place, row in enumerate(read.values["_row"])}
    chosen = [places[one.row] for one in pairs]
    if not made.beside:
        once = made.records(Batch(found.dataset, found.published, read, run))
        return [once[place] for place in chosen]
    columns = Columns({name: [values[n] for n in chosen] for name, values in read.values.items()}, len(pairs))
    beside = {
        "distance": [one.distance for one in pairs],
        "shared": [one.shared for one in pairs],
        "area": [found.areas[one.parent] for one in pairs],
    }
    return made.records(Batch(found.dataset, found.published, columns, run, beside))


def _by_parent(pairs: Sequence[Pair], records: Sequence[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for pair, record in zip(pairs, records, strict=True):
        found.setdefault(pair.parent, []).append(record)
    return found
