"""Arguments of a root field read once for a document, its variables left as holes that a request fills.

Reading them anew, coerced by graphql-core and then turned into input objects, takes a third of a small request. What a variable
stands for is known to be of its type by then; a hole is only filled with a value, never with null or nothing, which count as
arguments that are not given.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo

__all__ = ["TEMPLATE", "Asked", "Hole", "Holes", "Template"]

TEMPLATE = "template"
"""In the metadata of fields whose resolvers know `Holes`."""

Asked = Callable[[Any, GraphQLResolveInfo[Any], dict[str, Any]], Awaitable[Any]]
"""Answers a root field for a request's context, with these arguments by name."""

Fill = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Hole:
    """Stands for a variable's value."""

    name: str


@dataclass(frozen=True, slots=True)
class Holes:
    """Stands for the root value: a resolver that meets it gives a `Template` in place of an answer."""


class Template:
    """A root field's arguments as its resolver gets them, and what answers with them."""

    def __init__(self, answer: Asked, given: Mapping[str, Any]) -> None:
        self._answer = answer
        self._given = dict(given)
        self._holes = {name: fill for name, value in given.items() if (fill := _fill(value)) is not None}

    def resolve(self, context: Any, info: GraphQLResolveInfo[Any], values: Mapping[str, Any]) -> Awaitable[Any]:  # noqa: ANN401 - the resolvers' own
        """The field's value in a request whose variables have these values."""
        given = self._given | {name: fill(values) for name, fill in self._holes.items()}
        return self._answer(context, info, given)


def _fill(value: Any) -> Fill | None:  # noqa: ANN401 - a value of any kind
    """What makes the value when the holes in it are filled; None when there are none."""
    if isinstance(value, Hole):
        name = value.name
        return lambda values: values[name]
    if isinstance(value, list):
        parts = [(_fill(one), one) for one in value]
        if all(fill is None for fill, _ in parts):
            return None
        return lambda values: [one if fill is None else fill(values) for fill, one in parts]
    if isinstance(value, dict):
        inside = {name: fill for name, one in value.items() if (fill := _fill(one)) is not None}
        return None if not inside else lambda values: value | {name: fill(values) for name, fill in inside.items()}
    if hasattr(type(value), "__strawberry_definition__") and hasattr(value, "__dict__"):
        return _fill_input(value)
    return None


def _fill_input(value: Any) -> Fill | None:  # noqa: ANN401 - an input object
    inside = {name: fill for name, one in vars(value).items() if (fill := _fill(one)) is not None}
    if not inside:
        return None

    def filled(values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
        made = object.__new__(type(value))
        made.__dict__.update(vars(value))
        for name, fill in inside.items():
            setattr(made, name, fill(values))
        return made

    return filled
