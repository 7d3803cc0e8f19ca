"""The executor: graphql-core's own, but a value that knows how to shape itself is asked for its whole answer at once."""

from abc import ABC, abstractmethod
from typing import Any

from graphql import Executor, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo, get_argument_values
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from broker.execution.arguments import TEMPLATE, Hole, Holes, Template
from broker.execution.plan import STRAWBERRY, Plans, Selected, selections, variables_of
from broker.execution.shape import NotShaped

__all__ = ["Position", "Shapeable", "ShapedExecutor"]


class Position(Selected):
    """A field whose value shapes itself: what is selected below it, and the ordinary way for what has no shape."""

    executor: "ShapedExecutor"

    async def ordinary(self, value: object) -> Any:  # noqa: ANN401 - as graphql-core completes it
        """The answer for a value of the field, completed field by field."""
        done = Executor.complete_value(self.executor, self.type, self.details, self.info(), self.path, value, None)
        return await done if self.executor.is_awaitable(done) else done

    async def field(self, one: Selected, value: object) -> Any:  # noqa: ANN401 - as graphql-core completes it
        """The answer for one field of a value, in the ordinary way."""
        done = self.executor.execute_field(one.parent, value, one.details, one.path, None)
        return await done if self.executor.is_awaitable(done) else done

    def selections(self, kind: GraphQLObjectType) -> list[Selected]:
        """The fields selected of an object of this type."""
        return selections(self.executor, kind, self.details, self.path)


class Shapeable(ABC):
    """A value on its way through the graph that gives the answer for everything selected below it."""

    @abstractmethod
    async def answer(self, position: Position) -> Any:  # noqa: ANN401 - JSON
        """The answer. Raises `NotShaped` when there is none but in the ordinary way."""

    @abstractmethod
    async def loaded(self, position: Position) -> object:
        """The same value with everything that resolvers below it expect."""


class ShapedExecutor(Executor[Any]):
    """Executes one operation; ``plans`` is what is kept for its document."""

    def __init__(self, *args: Any, plans: Plans, **kwargs: Any) -> None:  # noqa: ANN401 - graphql-core's own
        super().__init__(*args, **kwargs)
        self.plans = plans

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,  # noqa: ANN401 - the root value, or what a resolver gave
        field_details_list: list[FieldDetails],
        path: Path,
        position_context: Any,  # noqa: ANN401 - graphql-core's own
    ) -> Any:  # noqa: ANN401 - JSON, or what will give it
        """Execute a field, as graphql-core does unless it is a root field whose arguments have been read before."""
        if path.prev is None and self.context_value.shaping:
            position = Position(self, parent_type, str(path.key), field_details_list, path)
            template = self._template(position)
            if template is not None:
                info = position.info()
                value = template.resolve(self.context_value, info, self.variable_values.coerced)
                return self.complete_awaitable_value(
                    position.type, field_details_list, info, path, value, position_context
                )
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def _template(self, position: Position) -> Template | None:
        """The field's template, when it has one and every hole in it can be filled."""
        key = ("arguments", *(id(one.node) for one in position.details))
        if key not in self.plans:
            self.plans[key] = self._read_template(position)
        found: tuple[Template, frozenset[str]] | None = self.plans[key]
        if found is None:
            return None
        values = self.variable_values.coerced
        return found[0] if all(values.get(name) is not None for name in found[1]) else None

    def _read_template(self, position: Position) -> tuple[Template, frozenset[str]] | None:
        """Read the arguments with holes for variables; what cannot be read so is read anew for each request."""
        used = frozenset(variables_of([argument.value for argument in position.node.arguments or ()]))
        holes = VariableValues(self.variable_values.sources, {name: Hole(name) for name in used})
        definition = self.schema.get_field(position.parent, position.name)
        own = definition.extensions.get(STRAWBERRY) if definition else None
        if definition is None or definition.resolve is None or own is None or not own.metadata.get(TEMPLATE):
            return None
        try:
            given = get_argument_values(definition, position.node, holes)
            value = definition.resolve(Holes(), position.info(), **given)
            if self.is_awaitable(value):
                value = _at_once(value)
        except Exception:  # noqa: BLE001 - whatever is wrong is told where it belongs, in the ordinary way
            return None
        return (value, used) if isinstance(value, Template) else None

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,  # noqa: ANN401 - what a resolver gave
        position_context: Any,  # noqa: ANN401 - graphql-core's own
    ) -> Any:  # noqa: ANN401 - JSON, or what will give it
        """Complete a value, as graphql-core does unless it shapes itself."""
        if isinstance(result, Shapeable) and self.context_value.shaping:
            kind = info.parent_type
            return _completed(result, Position(self, kind, str(path.key), field_details_list, path))
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


def _at_once(value: Any) -> Any:  # noqa: ANN401 - what a resolver gives
    """What a coroutine gives that never waits; it is left when it does."""
    coroutine = value.__await__()
    try:
        next(coroutine)
    except StopIteration as ended:
        return ended.value
    coroutine.close()
    return None


async def _completed(value: Shapeable, position: Position) -> Any:  # noqa: ANN401 - JSON
    try:
        return await value.answer(position)
    except NotShaped:
        return await position.ordinary(await value.loaded(position))
