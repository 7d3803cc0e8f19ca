"""Shapes: what a selection of records' fields becomes, as whole columns of an answer instead of value by value.

A `Plan` is made once for a selection. For each page of records it is asked once: every field gives its values for all records,
and the records are put together from these columns, keys in the order of the selection. What is not known before a request (the
versions that it reads, conditions with districts in them) is worked out between the two, by `Later.make`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from graphql import Executor

from broker.model import Dataset
from broker.query import Columns
from broker.store import Published, SqlStore
from broker.store.columns import Reading

__all__ = ["Batch", "Later", "NotShaped", "Plan", "Run", "Shape", "Values"]


class NotShaped(Exception):
    """There is no shape for this selection, or its values have errors: it is answered field by field instead."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the shapes of one answer read from, and how."""

    store: SqlStore
    how: Reading


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one version to be shaped; ``beside`` says how each lies to the record it is related to."""

    dataset: Dataset
    published: Published
    columns: Columns
    run: Run
    beside: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Sequence[Any]:
        """The values of a column."""
        return self.columns.values[name]

    @property
    def size(self) -> int:
        """How many records there are."""
        return self.columns.size


Values = Callable[[Batch], Sequence[Any]]
"""Gives the values of one field for all records of a batch."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A field: the columns it is made of, and how."""

    columns: frozenset[str]
    values: Values
    beside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Later:
    """A field whose way to be made is known only within a request: ``make`` gets its executor.

    ``quick`` says that it takes no longer than reading some records by their keys.
    """

    columns: frozenset[str]
    make: Callable[["Executor[Any]"], Awaitable[Values]]
    beside: frozenset[str] = frozenset()
    quick: bool = False


@dataclass(frozen=True)
class Plan:
    """A selection of records: its keys in order, and what each is made of."""

    keys: tuple[str, ...]
    shapes: tuple[Shape | Later, ...]

    @cached_property
    def columns(self) -> frozenset[str]:
        """All that has to be read."""
        return frozenset[str]().union(*(one.columns for one in self.shapes))

    @cached_property
    def beside(self) -> frozenset[str]:
        """What has to be known of how the records lie to those they are related to."""
        return frozenset[str]().union(*(one.beside for one in self.shapes))

    @cached_property
    def waits(self) -> bool:
        """Whether it has to be made ready for each request."""
        return any(isinstance(one, Later) for one in self.shapes)

    @cached_property
    def quick(self) -> bool:
        """Whether it takes no longer than reading records, and some others by their keys."""
        return all(one.quick for one in self.shapes if isinstance(one, Later))

    async def ready(self, executor: "Executor[Any]") -> "Plan":
        """The same for one request, nothing left for later. Raises as the arguments do."""
        if not self.waits:
            return self
        made = [
            Shape(one.columns, await one.make(executor), one.beside) if isinstance(one, Later) else one
            for one in self.shapes
        ]
        return replace(self, shapes=tuple(made))

    def records(self, batch: Batch) -> list[dict[str, Any]]:
        """The batch's records as the answer has them."""
        if not self.shapes:
            return [{} for _ in range(batch.size)]
        columns = [one.values(batch) for one in self.shapes if isinstance(one, Shape)]
        return _assembling(self.keys)(zip(*columns, strict=True))


@lru_cache(maxsize=1000)
def _assembling(keys: tuple[str, ...]) -> Callable[[Iterable[tuple[Any, ...]]], list[dict[str, Any]]]:
    """Makes records of rows by a function written for these keys, which takes less than half the time of `dict(zip(…))`.

    The keys are names as GraphQL has them, letters and digits, and stand in it as Python writes texts.
    """
    values = [f"v{place}" for place in range(len(keys))]
    record = ", ".join(f"{key!r}: {value}" for key, value in zip(keys, values, strict=True))
    made: Callable[[Iterable[tuple[Any, ...]]], list[dict[str, Any]]] = eval(  # noqa: S307 - of nothing but names
        f"lambda rows: [{{{record}}} for {', '.join(values)}, in rows]"
    )
    return made
