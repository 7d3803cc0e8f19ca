"""Shapes of collections: a page's records, their cursors, where it lies, how many match, and figures over them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphql import Executor, GraphQLObjectType, get_named_type

from broker.errors import BrokerError, TooMuch
from broker.execution.executor import Position
from broker.execution.plan import Selected
from broker.execution.shape import Batch, NotShaped, Plan, Run
from broker.model import Dataset
from broker.query import DISTRICT, Aggregation, Condition, Group, Query, Read, Selection, Version
from broker.store import Published
from broker.store.columns import Reading
from broker.store.dialect import Slow
from resolvers.context import Context
from resolvers.shapes.fields import Makers, plan
from resolvers.shapes.values import writer

__all__ = ["Figures", "Shaped", "answer", "figures"]


class Shaped(Protocol):
    """A page that was asked for and has not been read."""

    published: Published
    where: Condition | None
    selection: Selection

    @property
    def dataset(self) -> Dataset:
        """What it reads."""
        ...

    @property
    def query(self) -> Query:
        """What it reads; the columns do not matter."""
        ...

    @property
    def cursors(self) -> list[str]:
        """The cursors of the records read."""
        ...

    @property
    def page_info(self) -> Any:  # noqa: ANN401 - a value of the graph
        """Where it lies."""
        ...


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an answer is made from: the page, its records, the run that reads."""

    page: Shaped
    batch: Batch | None
    run: Run


Part = Callable[[_Answer], Any]
"""Gives one field of a connection."""

Ready = Callable[["Executor[Context]", Dataset, Plan | None], Awaitable[Part]]
"""Makes it ready for a request about a data set; the plan is that of its records, ready too."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a connection: what of the records it needs, and how it is made ready for a request."""

    key: str
    plan: Plan | None
    positions: bool
    ready: Ready
    slow: bool = False

    @property
    def quick(self) -> bool:
        """Whether it takes no longer than reading some records."""
        return not self.slow and (self.plan is None or self.plan.quick)


async def answer(page: Shaped, position: Position, makers: Makers) -> dict[str, Any]:
    """The connection's answer: one statement for the records, one for each figure. Raises `NotShaped`."""
    kind = get_named_type(position.type)
    assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - every collection gives a connection
    executor = position.executor
    context: Context = executor.context_value
    fields = position.planned(
        executor.plans, lambda: [_field(one, makers) for one in position.selections(kind)], page.dataset.id
    )
    try:
        plans = [None if one.plan is None else await one.plan.ready(executor) for one in fields]
        parts = [
            (one.key, await one.ready(executor, page.dataset, its)) for one, its in zip(fields, plans, strict=True)
        ]
        work = _Work(page, [one for one in plans if one], parts, any(one.positions for one in fields))
        if all(one.quick for one in fields):
            before = context.budget.taken
            read = _read(page, context)
            with suppress(Slow), context.store.quick_driver(*read) as connection:
                return _made(work, Run(context.store, Reading(connection, context.budget.spend, quick=True)))
            context.budget.taken = before  # it is read once more, in a thread, where it may take its time
        return await context.run(_made_in_a_thread, work, context)
    except BrokerError as error:  # told by the field it belongs to, in the ordinary way; unless it would be read again
        if context.budget.spent and isinstance(error, TooMuch):
            raise
        raise NotShaped(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Work:
    """What is left to do when everything that may wait has been waited for."""

    page: Shaped
    plans: Sequence[Plan]
    parts: Sequence[tuple[str, Part]]
    positions: bool


def _read(page: Shaped, context: Context) -> set[Read]:
    """The versions that may be read for a page: its own, and those that the request has looked up so far."""
    return {page.published.read, *(one.read for one in context.reads.values())}


def _made_in_a_thread(work: _Work, context: Context) -> dict[str, Any]:
    with context.store.driver(*_read(work.page, context)) as connection:
        return _made(work, Run(context.store, Reading(connection, context.budget.spend)))


def _made(work: _Work, run: Run) -> dict[str, Any]:
    page, batch = work.page, None
    if work.plans or work.positions:
        columns = frozenset[str]().union(*(one.columns for one in work.plans)) | {page.dataset.key}
        found = run.store.columns.page(replace(page.query, columns=columns), run.how, positions=work.positions)
        page.selection = Selection([], found.more, list(found.positions))
        batch = Batch(page.dataset, page.published, found, run)
    made = _Answer(page, batch, run)
    return {key: part(made) for key, part in work.parts}


def _field(one: Selected, makers: Makers) -> _Field:
    match one.name:
        case "__typename":
            name = one.parent.name
            return _Field(one.key, None, positions=False, ready=_always(lambda _: name))
        case "nodes":
            return _Field(one.key, plan(one.below(), makers), positions=False, ready=_records)
        case "edges":
            return _edges(one, makers)
        case "pageInfo":
            write = writer(one)
            return _Field(one.key, None, positions=True, ready=_always(lambda made: write(made.page.page_info)))
        case "totalCount":
            return _Field(one.key, None, positions=False, ready=_always(_total), slow=True)
        case "aggregate":
            return _Field(one.key, None, positions=False, ready=_aggregate(one), slow=True)
    raise NotShaped(one.name)


def _always(part: Part) -> Ready:
    async def ready(_executor: "Executor[Context]", _dataset: Dataset, _plan: Plan | None) -> Part:
        return part

    return ready


async def _records(_executor: "Executor[Context]", _dataset: Dataset, made: Plan | None) -> Part:
    assert made is not None  # noqa: S101 - as `_field` says
    return lambda answer: made.records(_batch(answer))


def _batch(answer: _Answer) -> Batch:
    assert answer.batch is not None  # noqa: S101 - read whenever a plan is there
    return answer.batch


def _total(answer: _Answer) -> int:
    return answer.run.store.count(answer.page.query)


def _edges(one: Selected, makers: Makers) -> _Field:
    """Edges are put together like records: from cursors, records and type names as columns."""
    inner = [each.off() for each in one.below()]
    nodes = [plan(each.below(), makers) if each.name == "node" else None for each in one.below()]
    together = Plan(
        tuple(str(n) for n, _ in enumerate(nodes)), tuple(shape for each in nodes if each for shape in each.shapes)
    )

    async def ready(_executor: "Executor[Context]", _dataset: Dataset, made: Plan | None) -> Part:
        assert made is not None  # noqa: S101 - the plan below
        left = list(made.shapes)
        split = []
        for each in nodes:
            split.append(None if each is None else Plan(each.keys, tuple(left[: len(each.keys)])))
            del left[: len(each.keys) if each else 0]

        def part(answer: _Answer) -> list[dict[str, Any]]:
            batch = _batch(answer)
            columns = [_of_edges(each, answer, its) for each, its in zip(inner, split, strict=True)]
            keys = [each.key for each in inner]
            if not keys:
                return [{} for _ in range(batch.size)]
            return [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]

        return part

    return _Field(one.key, together, positions=True, ready=ready)


def _of_edges(one: Selected, answer: _Answer, made: Plan | None) -> Sequence[Any]:
    if made is not None:
        return made.records(_batch(answer))
    return answer.page.cursors if one.name == "cursor" else [one.parent.name] * _batch(answer).size


# figures

NOT_READ = Version(0)


@dataclass(slots=True)
class _Question:
    """Stands for what is aggregated, so that the field's own resolver says what is asked."""

    dataset: Dataset
    version: Version = NOT_READ
    query: Aggregation | None = None

    async def groups(self, _context: Context, query: Aggregation) -> Sequence[Group]:
        """Keep the question."""
        self.query = query
        return ()


@dataclass(frozen=True, slots=True)
class Figures:
    """A selected ``aggregate``: what it asks of a version, and what writes its groups."""

    query: Aggregation
    write: Callable[[Sequence[Group]], Any]


def figures(selected: Selected) -> Callable[["Executor[Context]", Dataset], Awaitable[Figures]]:
    """What makes an ``aggregate`` ready for a request. Raises `NotShaped`."""
    write, kept = writer(selected), selected.off()

    async def ready(executor: "Executor[Context]", dataset: Dataset) -> Figures:
        question = _Question(dataset)
        await kept.on(executor).resolved(question)
        query = question.query
        assert query is not None  # noqa: S101 - the resolver asks once
        by = query.group_by
        if all(one.field != DISTRICT for one in by):
            return Figures(query, write)
        names = await executor.context_value.districts()
        return Figures(query, lambda groups: write([one.named(by, names) for one in groups]))

    return ready


def _aggregate(selected: Selected) -> "Ready":
    made_ready = figures(selected)

    async def ready(executor: "Executor[Context]", dataset: Dataset, _plan: Plan | None) -> Part:
        figured = await made_ready(executor, dataset)

        def part(answer: _Answer) -> Any:  # noqa: ANN401 - JSON
            page = answer.page
            asked = replace(figured.query, version=page.published.version, where=page.where)
            return figured.write(answer.run.store.aggregate(asked))

        return part

    return ready
