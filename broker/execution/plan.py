"""What a selection is: its fields in the order of the answer, fragments and directives worked out as graphql-core does.

Plans are kept with their document. One is the same for every request in which the variables used below it have the same values.
"""

from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from graphql import (
    Executor,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    Node,
    VariableNode,
    get_argument_values,
    get_named_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

from broker.execution.shape import NotShaped

__all__ = ["STRAWBERRY", "Plans", "Selected", "selections", "variables_of"]

T = TypeVar("T")

Plans = MutableMapping[Hashable, Any]
"""What was worked out for the selections of one document."""

ABSENT = "absent"
STRAWBERRY = "strawberry-definition"
"""Under which Strawberry keeps its own field in the extensions of graphql-core's."""


@dataclass(frozen=True)
class Selected:
    """A field of a selection, with everything that is selected below it."""

    executor: "Executor[Any]" = field(repr=False)
    parent: GraphQLObjectType
    key: str
    details: list[FieldDetails]
    path: Path

    def on(self, executor: "Executor[Any]") -> "Selected":
        """The same field in the execution of another request."""
        return replace(self, executor=executor)

    def off(self) -> "Selected":
        """The same field, to be kept: it holds nothing of the request it was met in, and is good for `on` alone."""
        return replace(self, executor=None)  # type: ignore[arg-type]  # not asked before it is on another one

    @property
    def node(self) -> FieldNode:
        """The first of its nodes; the others have the same name and arguments."""
        return self.details[0].node

    @property
    def name(self) -> str:
        """The field's name."""
        return self.node.name.value

    @cached_property
    def definition(self) -> GraphQLField:
        """The field's definition."""
        found = self.executor.schema.get_field(self.parent, self.name)
        if found is None:
            raise NotShaped(self.name)
        return found

    @property
    def type(self) -> GraphQLOutputType:
        """What it gives."""
        return self.definition.type

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """Its arguments by name, defaults included. Raises `NotShaped` when they are wrong, which is told otherwise."""
        if not (self.definition.args or self.node.arguments):
            return {}
        try:
            return get_argument_values(self.definition, self.node, self.executor.variable_values)
        except GraphQLError as error:
            raise NotShaped(str(error)) from error

    def below(self) -> list["Selected"]:
        """What is selected below it. Raises `NotShaped` unless it gives objects of one type."""
        kind = get_named_type(self.type)
        if not isinstance(kind, GraphQLObjectType):
            raise NotShaped(f"{kind} has several types")
        return selections(self.executor, kind, self.details, self.path)

    def info(self) -> GraphQLResolveInfo[Any]:
        """What graphql-core would hand to its resolver."""
        nodes = [one.node for one in self.details]
        return self.executor.build_resolve_info(self.definition, nodes, self.parent, self.path)

    async def resolved(self, root: object) -> Any:  # noqa: ANN401 - what the resolver gives
        """What its resolver makes of a value, with its arguments."""
        assert self.definition.resolve is not None  # noqa: S101 - every field of the graph has one
        found = self.definition.resolve(root, self.info(), **self.arguments)
        return await found if self.executor.is_awaitable(found) else found

    def planned(self, plans: Plans, make: Callable[[], T], *of: Hashable) -> T:
        """What ``make`` gives for this selection ``of`` something, made once for each set of values of the variables used below it."""
        key = (*of, *(id(one.node) for one in self.details))
        names = plans.get(key)
        if names is None:
            below = [one.node.selection_set for one in self.details if one.node.selection_set]
            names = plans[key] = tuple(sorted(set(variables_of(below, self.executor))))
        values = self.executor.variable_values.coerced
        wanted = (key, *(repr(values.get(name, ABSENT)) for name in names))
        found = plans.get(wanted)
        if found is None:
            found = plans[wanted] = _tried(make)
        if isinstance(found, NotShaped):
            raise found
        result: T = found
        return result


def _tried(make: Callable[[], T]) -> T | NotShaped:
    """What was made, or why it cannot be made: not to be tried again."""
    try:
        return make()
    except NotShaped as error:
        return error.with_traceback(None)


def selections(
    executor: "Executor[Any]", kind: GraphQLObjectType, details: list[FieldDetails], path: Path
) -> list[Selected]:
    """The fields selected of an object of this type, in the order of the answer."""
    collected = executor.collect_subfields(kind, details)
    if collected.new_defer_usages or any(one.fragment_variable_values for one in details):
        raise NotShaped("parts of it are deferred or depend on a fragment's variables")
    return [
        Selected(executor, kind, key, some, Path(path, key, kind.name))
        for key, some in collected.grouped_field_set.items()
        if executor.schema.get_field(kind, some[0].node.name.value) is not None
    ]


def variables_of(nodes: Sequence[Node], executor: "Executor[Any] | None" = None) -> Iterator[str]:
    """The names of the variables used in these nodes, and in the fragments that they spread in an execution."""
    waiting, seen = list(nodes), set[str]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, VariableNode):
            yield one.name.value
        if executor is not None and isinstance(one, FragmentSpreadNode) and one.name.value not in seen:
            seen.add(one.name.value)
            waiting.append(executor.fragments[one.name.value].definition)
        for name in one.keys:
            value = getattr(one, name, None)
            waiting += (
                [value]
                if isinstance(value, Node)
                else [each for each in value if isinstance(each, Node)]
                if isinstance(value, list | tuple)
                else []
            )
