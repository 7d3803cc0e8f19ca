"""The executor: graphql-core's own, but a value that knows how to shape itself is asked for its whole answer at once."""

from abc import ABC, abstractmethod
from typing import Any

from graphql import Executor, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

from broker.execution.plan import Plans, Selected, selections
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


async def _completed(value: Shapeable, position: Position) -> Any:  # noqa: ANN401 - JSON
    try:
        return await value.answer(position)
    except NotShaped:
        return await position.ordinary(await value.loaded(position))
