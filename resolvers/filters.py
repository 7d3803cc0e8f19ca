"""`filter` and `orderBy`: input types derived from a declaration, and what a client gave turned into the store's words."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Self

import strawberry

from broker.errors import BadArgument, TooMuch
from broker.model import Dataset, Field, Geometry, Localized
from broker.query import And, Compare, Condition, Not, Operator, Or, Order
from resolvers.derive import Member, camel, input_type

__all__ = [
    "MAX_NESTING",
    "MAX_VALUES",
    "Direction",
    "check_text",
    "filter_input",
    "order_input",
    "read_filter",
    "read_order",
]

MAX_VALUES = 1000
MAX_TEXT = 1000
MAX_NESTING = 12


@strawberry.enum(description="Which way to order; an absent value counts as the smallest.")
class Direction(Enum):
    """Which way to order."""

    ASC = strawberry.enum_value("asc", description="Smallest, earliest or first in the alphabet first.")
    DESC = strawberry.enum_value("desc", description="Largest, latest or last in the alphabet first.")


WORDS = {
    Operator.EQ: "Equal to this.",
    Operator.NE: "Not equal to this; a record without a value is not equal.",
    Operator.IN: f"Equal to one of these (at most {MAX_VALUES}).",
    Operator.GT: "Greater, later or further in the alphabet than this.",
    Operator.GTE: "Equal to this, or greater, later or further in the alphabet.",
    Operator.LT: "Smaller, earlier or nearer in the alphabet than this.",
    Operator.LTE: "Equal to this, or smaller, earlier or nearer in the alphabet.",
    Operator.CONTAINS: "Contains this text; case and Polish marks are ignored.",
    Operator.STARTS_WITH: "Begins with this text; case and Polish marks are ignored.",
    Operator.IS_NULL: "True: has no value. False: has one.",
    Operator.HAS: "The list holds exactly this text.",
}
EQUAL = (Operator.EQ, Operator.NE, Operator.IN)
RANGE = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
TEXT = (Operator.CONTAINS, Operator.STARTS_WITH)


def _operators(name: str, what: str, kind: Any, *operators: Operator) -> Any:  # noqa: ANN401 - a type, a class
    kinds = {Operator.IN: list[kind], Operator.IS_NULL: bool}
    members = {
        f"{one.name.lower()}_": Member(kinds.get(one, kind), WORDS[one], one.value)
        for one in (*operators, Operator.IS_NULL)
    }
    return input_type(name, f"Conditions on {what}; all that are given must hold.", members)


FILTERS: dict[type, Any] = {
    str: _operators("StringFilter", "a text", str, *EQUAL, *RANGE, *TEXT),
    int: _operators("IntFilter", "a whole number", int, *EQUAL, *RANGE),
    float: _operators("FloatFilter", "a number", float, *EQUAL, *RANGE),
    Decimal: _operators("DecimalFilter", "an exact decimal number", Decimal, *EQUAL, *RANGE),
    date: _operators("DateFilter", "a day", date, *EQUAL, *RANGE),
    datetime: _operators("DateTimeFilter", "a moment", datetime, *EQUAL, *RANGE),
    bool: _operators("BooleanFilter", "a yes or no", bool, Operator.EQ, Operator.NE),
    tuple: _operators("ListFilter", "a list of texts", str, Operator.HAS),
}
FILTERS[Localized] = FILTERS[str]


def filter_input(dataset: Dataset) -> Any:  # noqa: ANN401 - a class, used as an annotation
    """The filter of a data set: a condition per field, and ``and``, ``or``, ``not`` of such filters."""
    members = {
        **{one.name: Member(FILTERS[one.kind], one.description) for one in dataset.fields if one.kind is not Geometry},
        "and_": Member(list[Self], "All of these hold.", "and"),  # type: ignore[misc]  # stands for the type to be made
        "or_": Member(list[Self], "At least one of these holds.", "or"),  # type: ignore[misc]
        "not_": Member(Self, "This does not hold.", "not"),
    }
    name = f"{dataset.type_name}Filter"
    return input_type(name, f"Which records of `{dataset.root}`; all that is given must hold.", members)


ATTRIBUTES = tuple((one, f"{one.name.lower()}_") for one in Operator)
"""Each operator, and the attribute of the input that holds its value."""


def read_filter(dataset: Dataset, given: Any, nesting: int = 0) -> Condition:  # noqa: ANN401 - a filter input
    """A filter as a condition. Raises `BadArgument` or `TooMuch`, naming the field."""
    if nesting > MAX_NESTING:
        raise TooMuch(f"filter: nested more than {MAX_NESTING} deep")
    parts: list[Condition] = []
    for field in dataset.fields:
        if field.kind is not Geometry and (operators := getattr(given, field.name)) is not strawberry.UNSET:
            parts.extend(_comparisons(field, operators))
    for key, made in (("and_", And), ("or_", Or)):
        several = getattr(given, key)
        if several is not strawberry.UNSET and several is not None:
            parts.append(made(tuple(read_filter(dataset, one, nesting + 1) for one in several)))
    if given.not_ is not strawberry.UNSET and given.not_ is not None:
        parts.append(Not(read_filter(dataset, given.not_, nesting + 1)))
    return And(tuple(parts))


def _comparisons(field: Field, operators: Any) -> Iterator[Compare]:  # noqa: ANN401 - an operators input
    name = camel(field.name)
    if operators is None:
        raise BadArgument(f"filter.{name}: null is no condition; use {{isNull: true}} for records without a value")
    for operator, attribute in ATTRIBUTES:
        value = getattr(operators, attribute, strawberry.UNSET)
        if value is strawberry.UNSET:
            continue
        if value is None:
            raise BadArgument(f"filter.{name}.{operator}: null is no value; use {{isNull: true}}")
        if operator is Operator.IN and len(value) > MAX_VALUES:
            raise TooMuch(f"filter.{name}.in: {len(value)} values; at most {MAX_VALUES}")
        for one in value if operator is Operator.IN else [value]:
            if isinstance(one, str):
                check_text(f"filter.{name}.{operator}", one)
        yield Compare(field.name, operator, value)


def check_text(where: str, text: str) -> None:
    """Refuse a text that is too long or that no record can hold. Raises `TooMuch` or `BadArgument`."""
    if len(text) > MAX_TEXT:
        raise TooMuch(f"{where}: {len(text)} characters; at most {MAX_TEXT}")
    if "\0" in text:
        raise BadArgument(f"{where}: a NUL character is part of no text here")


def order_input(dataset: Dataset) -> Any:  # noqa: ANN401 - a class, used as an annotation
    """The order of a data set: one field and its direction."""
    members = {one.name: Member(Direction, one.description) for one in dataset.fields if _orderable(one)}
    about = f"What to order `{dataset.root}` by: exactly one field; give several in a list to order by several."
    return input_type(f"{dataset.type_name}Order", about, members, one_of=True)


def _orderable(field: Field) -> bool:
    return field.kind not in (Geometry, tuple)


def read_order(dataset: Dataset, given: Sequence[Any] | None) -> tuple[Order, ...]:
    """What to order by. Raises `BadArgument` for a field named twice."""
    order: list[Order] = []
    for one in given or ():
        for field in dataset.fields:
            direction = getattr(one, field.name, strawberry.UNSET)
            if direction is not strawberry.UNSET:
                order.append(Order(field.name, direction is Direction.DESC))
    names = [one.field for one in order]
    if len(set(names)) < len(names):
        raise BadArgument("orderBy: a field is named twice")
    return tuple(order)
