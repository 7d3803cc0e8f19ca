"""Shapes of plain values: figures, groups, where a page lies. Read by attribute or name, leaves written as their types say."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLObjectType, GraphQLOutputType, is_leaf_type, is_list_type, is_non_null_type
from strawberry.types.field import StrawberryField

from broker.execution.plan import STRAWBERRY, Selected
from broker.execution.shape import NotShaped

__all__ = ["Write", "writer"]

Write = Callable[[Any], Any]
"""Turns a value into what the answer has."""


def writer(selected: Selected) -> Write:
    """What writes the value of a field and everything selected below it. Raises `NotShaped` for a field that needs arguments."""
    return _write(selected.type, selected)


def _write(kind: GraphQLOutputType, selected: Selected) -> Write:
    if is_non_null_type(kind):
        inner = _write(kind.of_type, selected)
        return lambda value: inner(_present(value))
    if is_list_type(kind):
        each = _write(kind.of_type, selected)
        return lambda values: None if values is None else [each(one) for one in values]
    if is_leaf_type(kind):
        serialize = kind.serialize
        return lambda value: None if value is None else serialize(value)
    if isinstance(kind, GraphQLObjectType):
        fields = [(one.key, _read(one)) for one in selected.below()]
        return lambda value: None if value is None else {key: read(value) for key, read in fields}
    raise NotShaped(str(kind))


def _present(value: Any) -> Any:  # noqa: ANN401 - a value of any kind
    if value is None:
        raise NotShaped("null where none may be")
    return value


def _read(one: Selected) -> Write:
    """What reads a field of an object and writes it."""
    if one.name == "__typename":
        name = one.parent.name
        return lambda _: name
    own: StrawberryField = one.definition.extensions[STRAWBERRY]
    write = _write(one.type, one)
    if own.base_resolver is not None:
        if one.definition.args:
            raise NotShaped(one.name)
        resolve: Any = own.base_resolver.wrapped_func
        return lambda value: write(resolve(value))
    name = own.python_name
    return lambda value: write(value.get(name) if isinstance(value, dict) else getattr(value, name))
