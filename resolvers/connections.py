"""Collections: Relay connections by key, counted and aggregated in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.types.field import StrawberryField

from broker.errors import BadArgument, TooMuch
from broker.execution.arguments import TEMPLATE, Holes, Template
from broker.execution.executor import Position, Shapeable
from broker.flights import LONGEST_WAIT, PATIENCE
from broker.model import Dataset
from broker.query import Aggregation, Condition, Group, Order, Query, Row, Selection, Version, Window
from broker.store import Published
from resolvers import cursors
from resolvers.aggregates import aggregate
from resolvers.context import Context, Info, RecordValue
from resolvers.derive import Member, argument, many, maybe, object_type, resolved
from resolvers.filters import read_order
from resolvers.records import RecordType
from resolvers.selection import below
from resolvers.shapes.pages import answer

__all__ = [
    "PAGING",
    "Edge",
    "Page",
    "PageInfo",
    "collection",
    "connection_type",
    "page_size",
    "read_page",
    "read_wait",
    "taken",
    "wait_argument",
]


@strawberry.type(description="Where a page lies among all records.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there are records after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are records before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first record; give it as `before`.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last record; give it as `after`.")


@dataclass(slots=True)
class Page(Shapeable):
    """A connection on its way through the graph: what was asked, and the records of the page when they are wanted."""

    record: RecordType
    published: Published
    where: Condition | None
    order: tuple[Order, ...]
    window: Window
    selection: Selection = field(default_factory=lambda: Selection([], more=False))

    async def answer(self, position: Position) -> Any:  # noqa: ANN401 - JSON
        """The whole answer, shaped from columns."""
        return await answer(self, position, self.record.shapes)

    async def loaded(self, position: Position) -> "Page":
        """The page with its records, for resolvers."""
        return await self.load(position.executor.context_value, position.info())

    async def load(self, context: Context, info: GraphQLResolveInfo[Any]) -> "Page":
        """Read the records, when something of them is selected."""
        if below(info, (), ("edges",)) & {"nodes", "edges", "node", "cursor", "pageInfo"}:
            columns = self.record.needed(below(info, ("nodes",), ("edges", "node")))
            self.selection = await context.run(context.store.select, replace(self.query, columns=columns))
            context.budget.spend(sum(map(taken, self.selection.rows)))
        return self

    @property
    def dataset(self) -> Dataset:
        """The data set that is read."""
        return self.record.dataset

    @property
    def query(self) -> Query:
        """What is read, whatever the columns."""
        return Query(self.dataset, self.published.version, frozenset(), self.window, self.where, self.order)

    async def groups(self, context: Context, query: Aggregation) -> Sequence[Group]:
        """Figures over all records that match."""
        return await context.run(context.store.aggregate, replace(query, where=self.where))

    @property
    def version(self) -> Version:
        """The version of the data set that is read."""
        return self.published.version

    @property
    def nodes(self) -> list[RecordValue]:
        """The page's records."""
        return [RecordValue(self.dataset, self.published, row) for row in self.selection.rows]

    @property
    def cursors(self) -> list[str]:
        """The page's cursors."""
        return [cursors.encode(self.dataset, self.order, one) for one in self.selection.positions]

    @property
    def edges(self) -> list["Edge"]:
        """Records with their cursors."""
        return [Edge(cursor, node) for cursor, node in zip(self.cursors, self.nodes, strict=True)]

    @property
    def page_info(self) -> PageInfo:
        """Where the page lies; beyond the side it was entered from there is at least the record of the cursor."""
        entered = self.window.position is not None
        ahead, behind = self.selection.more, entered
        if self.window.backward:
            ahead, behind = behind, ahead
        known = self.cursors
        return PageInfo(
            has_next_page=ahead,
            has_previous_page=behind,
            start_cursor=known[0] if known else None,
            end_cursor=known[-1] if known else None,
        )


@dataclass(slots=True)
class Edge:
    """A record with its cursor."""

    cursor: str
    node: RecordValue


PAGING = {
    "first": argument(int | None, "How many records to give, from the first on."),
    "after": argument(str | None, "Give the records after this cursor."),
    "last": argument(int | None, "How many records to give, from the last back."),
    "before": argument(str | None, "Give the records before this cursor."),
    "as_of": argument(
        datetime | None,
        "A past moment, or a day at its beginning: the records as the broker had them then. What they are related to is of now.",
    ),
}


WAIT = (
    f"How many seconds to wait for the source when what is there is not young enough any more, 0 to {LONGEST_WAIT:.0f}; then "
    "what is there is given, marked as stale. 0 gives what is there now. When left out, a source has "
    f"{PATIENCE:.0f} seconds, counted from the first query that asked for it. In one request the first field that reads the data set decides."
)


def wait_argument() -> Any:  # noqa: ANN401 - an annotation
    """The argument by which a query says how long it waits for what is live."""
    return argument(float | None, WAIT)


def collection(record: RecordType) -> StrawberryField:
    """The root field of a data set: its connection, with arguments to filter, order and page."""
    dataset = record.dataset

    async def answered(context: Context, info: GraphQLResolveInfo[Any], given: dict[str, Any]) -> Page:
        return await read_page(context, info, record, given, read_order(dataset, given.get("order_by")))

    async def ask(root: strawberry.Parent[Any], info: Info, **given: Any) -> Any:  # noqa: ANN401 - arguments; typed below
        if isinstance(root, Holes):
            return Template(answered, given)
        return await answered(info.context, info._raw_info, given)  # noqa: SLF001 - Strawberry keeps graphql-core's own there

    about = f"{dataset.title} ({dataset.source.title}): {dataset.description}"
    arguments = {
        "filter": argument(maybe(record.filter), "Conditions on the fields."),
        **({"where": argument(maybe(record.where), "A condition on the place.")} if dataset.located else {}),
        "order_by": argument(
            maybe(many(record.order)), "What to order by; records equal in all of it are ordered by their key."
        ),
        **PAGING,
        **({"wait": wait_argument()} if dataset.refresh.live else {}),
    }
    kind = connection_type(dataset.type_name, record.type, dataset.root, {"aggregate": aggregate(record)})
    return resolved(ask, maybe(kind), about, dataset.root, arguments, {TEMPLATE: True})


async def read_page(
    context: Context, info: GraphQLResolveInfo[Any], record: RecordType, given: dict[str, Any], order: tuple[Order, ...]
) -> Page:
    """The page that was asked for; its records are read by whoever answers it. Raises as the arguments do."""
    dataset = record.dataset
    moment, wait = given.get("as_of"), read_wait(given)
    published = await (context.published(dataset, wait) if moment is None else context.published_at(dataset, moment))
    window = _window(context, dataset, order, given)
    page = Page(record, published, await record.condition(context, given), order, window)
    return page if context.shaping else await page.load(context, info)


def read_wait(given: Mapping[str, Any]) -> float | None:
    """How long the query waits for what is live, in seconds. Raises `BadArgument`."""
    wait: float | None = given.get("wait")
    if wait is not None and not 0 <= wait <= LONGEST_WAIT:
        raise BadArgument(f"wait: {wait} is not between 0 and {LONGEST_WAIT:.0f} seconds")
    return wait


def taken(row: Row) -> int:
    """Bytes, roughly, that a row takes of what a request may read."""
    return 100 + sum(len(one) for one in row.values() if isinstance(one, str | bytes))


def page_size(context: Context, argument: str, value: int | None) -> int:
    """How many records to give. Raises `BadArgument` or `TooMuch`."""
    pages = context.settings.pages
    if value is None:
        return pages.default_size
    if value < 0:
        raise BadArgument(f"{argument}: {value} is below 0")
    if value > pages.max_size:
        raise TooMuch(f"{argument}: {value} records; at most {pages.max_size} a page, then go on with `after`")
    return value


def _window(context: Context, dataset: Dataset, order: Sequence[Order], given: dict[str, Any]) -> Window:
    backward = given.get("last") is not None or (given.get("before") is not None and given.get("first") is None)
    if backward and (given.get("first") is not None or given.get("after") is not None):
        raise BadArgument("give `first` and `after`, or `last` and `before`, not a mixture")
    if not backward and given.get("before") is not None:
        raise BadArgument("`before` goes with `last`; give `after` with `first`")
    size, cursor = ("last", "before") if backward else ("first", "after")
    position = None if given.get(cursor) is None else cursors.decode(dataset, order, given[cursor], cursor)
    return Window(page_size(context, size, given.get(size)), position, backward)


def connection_type(name: str, node: Any, root: str, more: Mapping[str, StrawberryField]) -> Any:  # noqa: ANN401 - derived types
    """The connection of a type of records, with what it has beside the page."""
    edge = object_type(
        f"{name}Edge",
        f"A record of `{root}` with its cursor.",
        {
            "cursor": Member(str, "Where the record stands, for `after` and `before`."),
            "node": Member(node, "The record."),
        },
    )

    async def total(page: strawberry.Parent[Page], info: Info) -> Any:  # noqa: ANN401 - a number
        return await info.context.run(info.context.store.count, page.query)

    return object_type(
        f"{name}Connection",
        f"Records of `{root}`: a page of them, and figures over all that match.",
        {
            "edges": Member(many(edge), "The page's records with their cursors."),
            "nodes": Member(many(node), "The page's records."),
            "page_info": Member(PageInfo, "Where the page lies."),
            "total_count": resolved(total, int, "How many records match, on all pages together."),
            **more,
        },
    )
