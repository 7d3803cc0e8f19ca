"""Which fields a client asks for below a field: so that only their columns are read."""

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

__all__ = ["below"]


def below(info: GraphQLResolveInfo[Any], *paths: tuple[str, ...]) -> set[str]:
    """The names of the fields selected below this field along any of the paths, fragments included.

    ``@skip`` and ``@include`` are not looked at: at worst a column too many is read.
    """
    found: set[str] = set()
    for path in paths:
        nodes: Iterable[FieldNode] = info.field_nodes
        for name in path:
            nodes = [child for child in _children(info, nodes) if child.name.value == name]
        found.update(child.name.value for child in _children(info, nodes))
    return found


def _children(info: GraphQLResolveInfo[Any], nodes: Iterable[FieldNode]) -> Iterator[FieldNode]:
    for node in nodes:
        if node.selection_set is not None:
            yield from _fields(info, node.selection_set, frozenset())


def _fields(info: GraphQLResolveInfo[Any], selections: SelectionSetNode, seen: frozenset[str]) -> Iterator[FieldNode]:
    for one in selections.selections:
        if isinstance(one, FieldNode):
            yield one
        elif isinstance(one, InlineFragmentNode):
            yield from _fields(info, one.selection_set, seen)
        elif isinstance(one, FragmentSpreadNode) and (name := one.name.value) not in seen:
            yield from _fields(info, info.fragments[name].selection_set, seen | {name})
