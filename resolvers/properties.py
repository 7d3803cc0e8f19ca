"""Layers asked by the names of their properties: for whoever does not know a layer before he has seen its schema.

Every collection with places is a layer, those declared by connectors and those added by configuration. What a property may be
compared with is known only when the layer is: it is checked here, and an error says what there is.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry

from broker.catalog import Catalog
from broker.errors import BadArgument, NotFound, TooMuch
from broker.model import CITY_TIME, Dataset, Field, Geometry, Localized
from broker.query import And, Compare, Condition, Not, Operator, Or, Order
from broker.text import nearest
from resolvers.context import RecordValue
from resolvers.derive import Member, camel, input_type
from resolvers.filters import MAX_NESTING, MAX_VALUES, Direction, check_text
from resolvers.scalars import JSON

__all__ = [
    "WORDS",
    "PropertyFilter",
    "PropertyOrder",
    "layer_dataset",
    "properties",
    "properties_as_json",
    "property_field",
    "property_name",
    "read_properties",
    "read_property_order",
]

MAX_WHOLE = 2**63 - 1  # what a database holds
CONFIGURED = "layers."
"""What the ids of layers added by configuration begin with."""
WORDS: Mapping[type, str] = {
    str: "text",
    Localized: "text",
    int: "whole number",
    float: "number",
    Decimal: "decimal",
    bool: "yes or no",
    date: "day",
    datetime: "moment",
    tuple: "list of texts",
}
"""Each type as a layer's `schema` calls it."""
EXAMPLES: Mapping[type, str] = {
    str: '"lipa"',
    int: "12",
    float: "12.5",
    Decimal: '"12.50"',
    bool: "true",
    date: '"2017-09-01"',
    datetime: '"2017-09-01T18:30:00+02:00"',
}
"""How a value is written, of those types that can be compared with one."""
COMPARED = {
    Operator.EQ: "Equal to this.",
    Operator.NE: "Not equal to this; a feature without a value is not equal.",
    Operator.IN: f"Equal to one of these (at most {MAX_VALUES}).",
    Operator.GT: "Greater, later or further in the alphabet than this.",
    Operator.GTE: "Equal to this, or greater, later or further in the alphabet.",
    Operator.LT: "Smaller, earlier or nearer in the alphabet than this.",
    Operator.LTE: "Equal to this, or smaller, earlier or nearer in the alphabet.",
}
TEXT = {
    Operator.CONTAINS: "Contains this text; case and Polish marks are ignored.",
    Operator.STARTS_WITH: "Begins with this text; case and Polish marks are ignored.",
}

OPERATORS = [one.value for one in (*COMPARED, *TEXT, Operator.IS_NULL)]

PropertyFilter = input_type(
    "PropertyFilter",
    "Conditions on one property of a layer, or conditions joined; all that are given must hold. Values are of the property's type.",
    {
        "property": Member(str, "The property's name, as `schema` shows it."),
        **{
            f"{one.name.lower()}_": Member(list[JSON] if one is Operator.IN else JSON, about, one.value)
            for one, about in COMPARED.items()
        },
        **{f"{one.name.lower()}_": Member(str, about, one.value) for one, about in TEXT.items()},
        "is_null_": Member(bool, "True: has no value. False: has one.", Operator.IS_NULL.value),
        "and_": Member(list[Self], "All of these hold.", "and"),  # type: ignore[misc]  # stands for the type to be made
        "or_": Member(list[Self], "At least one of these holds.", "or"),  # type: ignore[misc]
        "not_": Member(Self, "This does not hold.", "not"),
    },
)
"""The input type ``PropertyFilter``."""


@strawberry.input(description="What to order features by.")
class PropertyOrder:
    """A property and a direction."""

    property: str = strawberry.field(description="The property's name, as `schema` shows it.")
    direction: Direction = strawberry.field(description="Which way.", default=Direction.ASC)


def layer_dataset(catalog: Catalog, id: str) -> Dataset:
    """The data set behind a layer. Raises `NotFound` that names the nearest ones, or says why a configured one is missing."""
    found = catalog.datasets.get(id)
    if found is not None and found.located:
        return found
    layers = [one.id for one in catalog.datasets.values() if one.located]
    if found is not None:
        raise NotFound(f"{id!r} has no places, so it is no layer; there are {', '.join(layers)}")
    for one in catalog.broken:
        if one.module == id and id.startswith(CONFIGURED):
            raise NotFound(
                f"{id} is configured but cannot be used: {one.reason}; its server is asked again at the next start"
            )
    near = nearest(id, layers)
    told = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(layers)}"
    raise NotFound(f"no layer {id[:60]!r}; {told}")


def property_name(dataset: Dataset, field: Field) -> str:
    """A field as a layer calls it: by its server's name when the layer was added without code, else as in the graph."""
    return field.of[0] if dataset.generic and field.name != dataset.key else camel(field.name)


def _named(dataset: Dataset) -> dict[str, Field]:
    return {property_name(dataset, one): one for one in dataset.fields if one.kind is not Geometry}


def properties(record: RecordValue) -> dict[str, Any]:
    """A record's values by property, as JSON has them."""
    return properties_as_json(record.dataset, record.row)


def properties_as_json(dataset: Dataset, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the names of fields as JSON by the names of properties; those that there are."""
    return {name: _plain(values[one.name]) for name, one in _named(dataset).items() if one.name in values}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of any kind
    if isinstance(value, Localized):
        return value.best()
    if isinstance(value, datetime):
        return value.astimezone(CITY_TIME).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return list(value) if isinstance(value, tuple) else value


def read_properties(dataset: Dataset, given: Sequence[Any], nesting: int = 0) -> Condition:
    """Property filters, all of which must hold, as a condition. Raises `BadArgument` or `TooMuch`, naming the property."""
    if nesting > MAX_NESTING:
        raise TooMuch(f"filter: nested more than {MAX_NESTING} deep")
    return And(tuple(_read(dataset, one, nesting) for one in given))


def _read(dataset: Dataset, one: Any, nesting: int) -> Condition:  # noqa: ANN401 - a `PropertyFilter`
    parts: list[Condition] = []
    operators = [
        (op, value)
        for op in Operator
        if (value := getattr(one, f"{op.name.lower()}_", strawberry.UNSET)) is not strawberry.UNSET
    ]
    if operators and not isinstance(one.property, str):
        raise BadArgument("filter: name the `property` to compare")
    if isinstance(one.property, str):
        field = property_field(dataset, one.property, "filter")
        if not operators:
            raise BadArgument(f"filter.{one.property}: say how to compare it: give one of {', '.join(OPERATORS)}")
        parts += [_compare(field, one.property, operator, value) for operator, value in operators]
    for key, made in (("and_", And), ("or_", Or)):
        if several := getattr(one, key):
            parts.append(made(tuple(read_properties(dataset, [each], nesting + 1) for each in several)))
    if one.not_:
        parts.append(Not(read_properties(dataset, [one.not_], nesting + 1)))
    return And(tuple(parts))


def property_field(dataset: Dataset, name: str, argument: str) -> Field:
    """The field behind a property that an argument names. Raises `BadArgument` that says which there are."""
    named = _named(dataset)
    if name not in named:
        raise BadArgument(f"{argument}: {dataset.id} has no property {name[:60]!r}; it has {', '.join(named)}")
    return named[name]


def _compare(field: Field, name: str, operator: Operator, value: Any) -> Compare:  # noqa: ANN401 - as JSON has it
    where = f"filter.{name}.{operator}"
    if operator is Operator.IS_NULL:
        if not isinstance(value, bool):
            raise BadArgument(f"{where}: give true or false")
        return Compare(field.name, operator, value)
    if value is None:
        raise BadArgument(f"{where}: null is no value; use {{isNull: true}}")
    if field.kind is tuple:
        raise BadArgument(f"{where}: a list of texts is compared by none of these; use its own collection")
    if operator in TEXT:
        if field.kind not in (str, Localized):
            raise BadArgument(f"{where}: {name} is no text")
        check_text(where, str(value))
        return Compare(field.name, operator, value)
    if operator is Operator.IN:
        if not isinstance(value, list) or len(value) > MAX_VALUES:
            raise TooMuch(f"{where}: at most {MAX_VALUES} values")
        return Compare(field.name, operator, [_value(where, field, one) for one in value])
    return Compare(field.name, operator, _value(where, field, value))


def _value(where: str, field: Field, value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    """A value of the property's own kind."""
    kind = str if field.kind is Localized else field.kind
    try:
        made = READ[kind](value)
    except (ValueError, TypeError, ArithmeticError):
        raise BadArgument(
            f"{where}: {str(value)[:60]!r} is not of type {WORDS[kind]}; give a value such as {EXAMPLES[kind]}"
        ) from None
    if isinstance(made, str):
        check_text(where, made)
    return made


def _text(value: Any) -> str:  # noqa: ANN401 - as JSON has it
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:  # noqa: ANN401 - as JSON has it
    made = _decimal(value)
    if abs(made) > MAX_WHOLE or made != int(made):
        raise ValueError(value)
    return int(made)


def _decimal(value: Any) -> Decimal:  # noqa: ANN401 - as JSON has it
    made = Decimal(str(value))
    if not made.is_finite():
        raise ValueError(value)
    return made


def _boolean(value: Any) -> bool:  # noqa: ANN401 - as JSON has it
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _moment(value: Any) -> datetime:  # noqa: ANN401 - as JSON has it
    moment = datetime.fromisoformat(_text(value))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=CITY_TIME)
    return moment.astimezone(UTC)  # raises where the calendar ends in UTC


READ: Mapping[type, Any] = {
    str: _text,
    int: _whole,
    float: lambda value: float(_decimal(value)),
    Decimal: _decimal,
    bool: _boolean,
    date: lambda value: date.fromisoformat(_text(value)),
    datetime: _moment,
}


def read_property_order(dataset: Dataset, given: Sequence[Any] | None) -> tuple[Order, ...]:
    """What to order by. Raises `BadArgument` for a property there is not, that has no order, or that is named twice."""
    order = []
    for one in given or ():
        field = property_field(dataset, one.property, "orderBy")
        if field.kind is tuple:
            raise BadArgument(f"orderBy: {one.property} is a list, which has no order")
        order.append(Order(field.name, one.direction is Direction.DESC))
    if len({one.field for one in order}) < len(order):
        raise BadArgument("orderBy: a property is named twice")
    return tuple(order)
