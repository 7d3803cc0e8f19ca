"""Data set → GraphQL types: the one place where a record's type, filter, order and groups are derived."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple

import strawberry
from strawberry.types.field import StrawberryField

from broker.catalog import Catalog
from broker.model import Dataset, Field, Geometry, Localized
from broker.query import AREA, DISTRICT, GEOCODING, And, Condition, GroupBy
from broker.text import plain_text
from resolvers.context import Context, Info, RecordValue
from resolvers.derive import Member, add_field, camel, enum_type, object_type, resolved
from resolvers.filters import filter_input, order_input, read_filter
from resolvers.provenance import Record, provenance_columns
from resolvers.shapes.fields import Maker, field_makers, reference
from resolvers.shapes.places import geocoding, place_makers
from resolvers.spatial import PLACE_COLUMNS, district_member, geocoding_member, place_members
from resolvers.where import read_where, where_input

__all__ = ["RecordType", "Types", "add_district", "members_of", "place_columns", "record_types"]

Lang = Annotated[
    str,
    strawberry.argument(description="Language as ISO 639-1 writes it (`pl`, `en`, `de` …); Polish when it is missing."),
]


@dataclass(frozen=True, slots=True)
class RecordType:
    """What the graph derives from one data set."""

    dataset: Dataset
    type: Any
    filter: Any
    where: Any
    order: Any
    group: Any | None
    columns: dict[str, frozenset[str]]
    shapes: dict[str, Maker]

    def needed(self, fields: set[str]) -> frozenset[str]:
        """The columns that these fields of the graph are made of."""
        return frozenset().union(*(self.columns.get(name, frozenset()) for name in fields))

    async def condition(self, context: Context, given: Mapping[str, Any]) -> Condition | None:
        """The arguments ``filter`` and ``where`` as one condition."""
        parts: list[Condition] = []
        if given.get("filter") is not None:
            parts.append(read_filter(self.dataset, given["filter"]))
        if given.get("where") is not None:
            parts.append(await read_where(context, given["where"]))
        return And(tuple(parts)) if parts else None


class Types(NamedTuple):
    """What the graph derives from a catalogue: a type a data set by its id, the interface of places, the input `Where`."""

    records: Mapping[str, RecordType]
    located: Any
    where: Any


def record_types(catalog: Catalog) -> Types:
    """The types of every data set that has one of its own."""
    located = object_type("Located", "A record with a place.", place_members(), interfaces=(Record,), interface=True)
    filters = {one: filter_input(one) for one in catalog.datasets.values() if not one.generic}
    where = where_input({one: filter for one, filter in filters.items() if one.located})
    made = {one.id: _record_type(one, filter, where, located) for one, filter in filters.items()}
    for one in made.values():
        for field in one.dataset.fields:
            if field.to is not None:
                other = made[field.to]
                add_field(one.type, field.name, _reference(field, other))
                one.shapes[camel(field.name)] = reference(field.name, other.dataset, other.shapes)
    return Types(made, located, where)


def add_district(catalog: Catalog, types: Types, *others: Any) -> None:  # noqa: ANN401 - derived types
    """Give every type of records with a place the field ``district``, when a data set divides the city."""
    if catalog.partition is None:
        return
    district = types.records[catalog.partition.id]
    located = [one for one in types.records.values() if one.dataset.located]
    for cls in (types.located, *others, *(one.type for one in located)):
        add_field(cls, "district", district_member(district.type))
    for one in located:
        one.shapes["district"] = reference(DISTRICT, catalog.partition, district.shapes)


def place_columns(dataset: Dataset) -> dict[str, frozenset[str]]:
    """Which columns the fields of a place are made of."""
    shape = frozenset({str(dataset.geometry)})
    return {**PLACE_COLUMNS, "geometry": shape, "distance": shape, "related": frozenset({AREA})}


def _record_type(dataset: Dataset, filter: Any, where: Any, located: Any) -> RecordType:  # noqa: ANN401 - derived types
    members: dict[str, Member | StrawberryField] = {}
    columns: dict[str, frozenset[str]] = {"provenance": provenance_columns(dataset)}
    for field in dataset.fields:
        for name, member in members_of(field):
            members[name] = member
            columns[camel(name)] = frozenset({field.name})
        if field.to is not None:
            columns[camel(field.name)] = frozenset({field.name})
    shapes = field_makers(dataset)
    if dataset.located:
        columns |= place_columns(dataset)
        shapes |= place_makers(dataset)
    if dataset.geocode:
        shapes["geocoding"] = geocoding
        members["geocoding"] = geocoding_member()
        columns["geocoding"] = frozenset({GEOCODING})
    cls = object_type(
        dataset.type_name,
        dataset.description,
        members,
        interfaces=(located if dataset.located else Record,),
        is_type_of=lambda value, _info: isinstance(value, RecordValue) and value.dataset is dataset,
    )
    return RecordType(dataset, cls, filter, where, order_input(dataset), _group(dataset), columns, shapes)


def members_of(field: Field) -> Iterator[tuple[str, Member | StrawberryField]]:
    """The graph's fields for a declared one: itself, and a markup's plain text; places and references come by other ways."""
    if field.kind is Geometry or field.to is not None:
        return
    about = f"{field.description} ({field.unit})." if field.unit not in (None, "1") else f"{field.description}."
    kinds: dict[Any, Any] = {Localized: str, tuple: list[str]}
    kind = kinds.get(field.kind, field.kind)
    kind = kind | None if field.optional else kind
    if field.localized:
        yield field.name, resolved(_localized(field.name), kind, about)
    else:
        yield field.name, Member(kind, about)
    if field.html:
        read = _localized_plain(field.name) if field.localized else _plain(field.name)
        yield f"{field.name}_text", resolved(read, kind, f"{field.description}, as plain text without markup.")


def _localized(name: str) -> Any:  # noqa: ANN401 - a resolver
    def read(root: strawberry.Parent[RecordValue], lang: Lang = "pl") -> Any:  # noqa: ANN401 - a text
        value: Localized | None = root.value(name)
        return None if value is None else value.best(lang)

    return read


def _localized_plain(name: str) -> Any:  # noqa: ANN401 - a resolver
    def read(root: strawberry.Parent[RecordValue], lang: Lang = "pl") -> Any:  # noqa: ANN401 - a text
        value: Localized | None = root.value(name)
        return None if value is None else plain_text(value.best(lang))

    return read


def _plain(name: str) -> Any:  # noqa: ANN401 - a resolver
    def read(root: strawberry.Parent[RecordValue]) -> Any:  # noqa: ANN401 - a text
        return None if root.value(name) is None else root.row[f"{name}__text"]

    return read


def _reference(field: Field, other: RecordType) -> StrawberryField:
    async def read(root: strawberry.Parent[RecordValue], info: Info) -> Any:  # noqa: ANN401 - a record
        key = root.row[field.name]
        return None if key is None else await info.context.loader(other.dataset).load(key)

    return resolved(read, other.type | None, f"{field.description}.")


def _group(dataset: Dataset) -> Any | None:  # noqa: ANN401 - an enum
    values: dict[str, tuple[GroupBy, str]] = {}
    for field in dataset.fields:
        name = field.name.upper()
        if field.kind in (date, datetime):
            values[f"{name}_YEAR"] = (GroupBy(field.name, "year"), f"By the year of: {field.description}.")
            values[f"{name}_MONTH"] = (GroupBy(field.name, "month"), f"By the month of: {field.description}.")
        if field.kind in (str, int, bool, date) and not field.html and field.name != dataset.key:
            values[name] = (GroupBy(field.name), f"By: {field.description}.")
    if dataset.located:
        values["DISTRICT"] = (
            GroupBy(DISTRICT),
            "By the district (osiedle) they lie in, by its name; null outside the city.",
        )
    if not values:
        return None
    about = f"What to group `{dataset.root}` by."
    return enum_type(f"{dataset.type_name}GroupBy", about, values)
