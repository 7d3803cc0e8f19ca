"""`aggregate`: counts, sums, averages, smallest and largest values by group, computed in the database."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, Protocol

import strawberry
from strawberry.types.field import StrawberryField

from broker.errors import BadArgument
from broker.model import Dataset, Field
from broker.query import DISTRICT, Aggregation, Group, GroupBy, Measure, Version
from resolvers.context import Context, Info
from resolvers.derive import Member, argument, camel, many, maybe, object_type, resolved
from resolvers.properties import properties_as_json, property_field
from resolvers.records import RecordType
from resolvers.scalars import JSON
from resolvers.selection import below

__all__ = ["Counted", "aggregate", "feature_aggregate"]

Function = Literal["sum", "avg", "min", "max"]
FUNCTIONS: dict[Function, str] = {
    "sum": "Sums over the group",
    "avg": "Averages over the group's records that have a value",
    "min": "Smallest values of the group",
    "max": "Largest values of the group",
}
NUMBERS = (int, float, Decimal)
RANGED = (*NUMBERS, date, datetime)
GROUP = {
    "key": Member(many(str | None), "The group's values, one for each thing grouped by; null: it has none."),
    "count": Member(int, "How many records."),
}
BY_DISTRICT = "DISTRICT"


class Counted(Protocol):
    """What is aggregated: some records of a version of a data set."""

    @property
    def dataset(self) -> Dataset:
        """The data set."""
        ...

    @property
    def version(self) -> Version:
        """The version they are read at."""
        ...

    async def groups(self, context: Context, query: Aggregation) -> Sequence[Group]:
        """Figures over them."""
        ...


def aggregate(record: RecordType) -> StrawberryField:
    """The field `aggregate` of a data set's connection."""
    kind = maybe(many(_group_type(record.dataset)))

    async def figures(root: strawberry.Parent[Any], info: Info, **given: Any) -> Any:  # noqa: ANN401 - typed below
        by = tuple(one.value for one in given.get("group_by") or ())
        return await _grouped(root, info.context, by, tuple(_measures(record.dataset, info)))

    if record.group is None:
        return resolved(figures, kind, "Figures over all records that match, as one group.")
    group_by = argument(maybe(many(record.group)), "What to group by; one group of all when nothing is given.")
    about = "Figures over all records that match, by group, the largest group first."
    return resolved(figures, kind, about, arguments={"group_by": group_by})


def feature_aggregate() -> StrawberryField:
    """The field `aggregate` of a layer's features: by the names of their properties, figures as JSON."""

    async def figures(root: strawberry.Parent[Any], info: Info, **given: Any) -> Any:  # noqa: ANN401 - typed below
        page: Counted = root
        asked = below(info._raw_info, ())  # noqa: SLF001 - as below
        by = tuple(_group_by(page.dataset, one) for one in given.get("group_by") or ())
        measures = [
            Measure(function, one.name)
            for function in FUNCTIONS
            for one in page.dataset.fields
            if function in asked and one.kind in (NUMBERS if function in ("sum", "avg") else RANGED)
        ]
        return await _grouped(page, info.context, by, tuple(measures))

    about = f"What to group by: names of properties that `schema` shows, or {BY_DISTRICT} for the district they lie in."
    members: dict[str, Any] = {**GROUP}
    for function, what in FUNCTIONS.items():
        members[function] = resolved(_figures_by_property(function), JSON, f"{what}, by property.")
    kind = object_type("FeatureGroup", "A group of features and figures over it.", members)
    described = "Figures over all features that match, by group, the largest group first."
    arguments = {"group_by": argument(maybe(many(str)), about)}
    return resolved(figures, maybe(many(kind)), described, arguments=arguments)


def _group_by(dataset: Dataset, name: str) -> GroupBy:
    if name == BY_DISTRICT:
        return GroupBy(DISTRICT)
    found = property_field(dataset, name, "groupBy")
    if found.kind not in (str, int, bool, date) or found.html:
        raise BadArgument(f"groupBy: {name} is no text, whole number, day, or yes or no")
    return GroupBy(found.name)


def _figures_by_property(function: Function) -> Any:  # noqa: ANN401 - a resolver
    def read(root: strawberry.Parent[Any]) -> Any:  # noqa: ANN401 - JSON
        figures = {one.field: value for one, value in root.measures.items() if one.function == function}
        return properties_as_json(root.dataset, figures)

    return read


async def _grouped(
    page: Counted, context: Context, by: tuple[GroupBy, ...], measures: tuple[Measure, ...]
) -> Sequence[Group]:
    query = Aggregation(page.dataset, page.version, None, by, measures)
    return await _with_names(context, by, await page.groups(context, query))


async def _with_names(context: Context, by: Sequence[GroupBy], groups: Sequence[Group]) -> Sequence[Group]:
    """Groups by district have the district's name as their key."""
    if all(one.field != DISTRICT for one in by):
        return groups
    names = await context.districts()
    return [one.named(by, names) for one in groups]


def _measures(dataset: Dataset, info: Info) -> Iterator[Measure]:
    """What the client asks for below the groups."""
    names = {camel(one.name): one.name for one in dataset.fields}
    for function in FUNCTIONS:
        asked = below(info._raw_info, (function,))  # noqa: SLF001 - Strawberry keeps graphql-core's own there
        for name in sorted(asked & names.keys()):
            yield Measure(function, names[name])


@lru_cache(maxsize=256)
def _group_type(dataset: Dataset) -> Any:  # noqa: ANN401 - a derived type, the same for a collection and for related records
    members: dict[str, Any] = {**GROUP}
    for function, about in FUNCTIONS.items():
        fields = [one for one in dataset.fields if one.kind in (NUMBERS if function in ("sum", "avg") else RANGED)]
        if fields:
            name = f"{dataset.type_name}{function.capitalize()}"
            kind = object_type(
                name, f"{about} of `{dataset.root}`.", {one.name: _figure(function, one) for one in fields}
            )
            members[function] = resolved(_figures(function), kind, f"{about}.")
    return object_type(f"{dataset.type_name}Group", f"A group of `{dataset.root}` and figures over it.", members)


def _figure(function: Function, field: Field) -> Member:
    kind = float if function == "avg" and field.kind is not Decimal else field.kind
    about = f"{field.description} ({field.unit})." if field.unit not in (None, "1") else f"{field.description}."
    return Member(maybe(kind), about)


def _figures(function: Function) -> Any:  # noqa: ANN401 - a resolver
    def read(root: strawberry.Parent[Any]) -> Any:  # noqa: ANN401 - values by field name
        return {one.field: value for one, value in root.measures.items() if one.function == function}

    return read
