"""What one request may be: each limit is checked before anything is executed, and a refusal names the limit and the value.

Aliases and fields are counted as if every fragment were written out where it is spread, since that is what executing it
costs. Each fragment is measured once, so that a document whose fragments double at every step is refused in no time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from broker.errors import TooMuch
from broker.settings import Limits, Pages

__all__ = [
    "Budget",
    "Measure",
    "check_body",
    "check_document",
    "check_records",
    "count_records",
    "measure",
    "too_many_tokens",
]


@dataclass(frozen=True, slots=True)
class Measure:
    """How large a selection is, with its fragments written out."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    root_fields: int = 0

    def beside(self, other: "Measure") -> "Measure":
        """Both of them in one selection set."""
        return Measure(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.fields + other.fields,
            self.root_fields + other.root_fields,
        )

    def under(self, field: FieldNode) -> "Measure":
        """A field with this below it."""
        return Measure(self.depth + 1, self.aliases + (field.alias is not None), self.fields + 1, 1)


@dataclass(slots=True)
class Budget:
    """How many bytes one answer may read from the store; a bound on the memory that it takes."""

    bytes: int
    taken: int = 0
    spent: bool = False
    """Whether more was asked for than there is."""

    def spend(self, bytes: int) -> None:
        """Take some of it. Raises `TooMuch` when there is not as much; what is left is there for other fields."""
        if self.taken + bytes > self.bytes:
            self.spent = True
            raise TooMuch(
                f"the answer reads more than {self.bytes >> 20} MiB, the limit limits.answer_mib; ask for smaller pages or fewer fields"
            )
        self.taken += bytes


NOTHING = Measure()
PAGED, SIZES = frozenset({"nodes", "edges"}), frozenset({"first", "last"})
DEEPEST = 100
"""Levels of fields and fragments together that are followed at all; a depth of 50 with fragments in between fits."""


def check_body(size: int, limits: Limits) -> None:
    """Refuse a request body of more bytes than the limit. Raises `TooMuch`."""
    if size > limits.body_bytes:
        raise TooMuch(f"the request has more than {limits.body_bytes} bytes, the limit limits.body_bytes")


def too_many_tokens(limits: Limits) -> TooMuch:
    """The refusal of a document with more tokens than the limit."""
    return TooMuch(f"the document has more than {limits.tokens} tokens, the limit limits.tokens")


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document one of whose operations is over a limit. Raises `TooMuch` that names the limit and the value."""
    for size in measure(document):
        for name, what in (
            ("depth", "levels of nesting"),
            ("root_fields", "fields at its root"),
            ("aliases", "aliases"),
            ("fields", "fields"),
        ):
            value, limit = getattr(size, name), getattr(limits, name)
            if value > limit:
                shown = str(value) if value < 10**9 else "more than a thousand million"
                raise TooMuch(f"the operation has {shown} {what}, the limit limits.{name} is {limit}")
    fragments = sum(isinstance(one, FragmentDefinitionNode) for one in document.definitions)
    if fragments > limits.fragments:
        raise TooMuch(f"the document has {fragments} fragments, the limit limits.fragments is {limits.fragments}")


def count_records(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    pages: Pages,
) -> tuple[int, bool]:
    """How many records an operation may give, pages within pages multiplied, and whether that hangs on its variables."""
    defaults = {one.variable.name.value: one.default_value for one in operation.variable_definitions or ()}
    given = {name: value.value for name, value in defaults.items() if isinstance(value, IntValueNode)} | dict(variables)
    counter = _Counter(fragments, given, pages)
    return counter.selections(operation.selection_set), counter.varies


def check_records(count: int, limits: Limits) -> None:
    """Refuse an operation that may give more records than the limit. Raises `TooMuch`."""
    if count > limits.records:
        raise TooMuch(
            f"the operation may give {count} records, the limit limits.records is {limits.records}; ask for smaller pages"
        )


class _Counter:
    """Counts the records that selections may give for one of what they are selected of; each fragment once."""

    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any], pages: Pages
    ) -> None:
        self.fragments = fragments
        self.variables = variables
        self.pages = pages
        self.known: dict[str, int] = {}
        self.varies = False

    def selections(self, selection_set: SelectionSetNode | None) -> int:
        return sum(self.selection(one) for one in (selection_set.selections if selection_set else ()))

    def selection(self, node: SelectionNode) -> int:
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in self.known:
                self.known[name] = 0
                fragment = self.fragments.get(name)
                self.known[name] = self.selections(fragment.selection_set) if fragment else 0
            return self.known[name]
        below = self.selections(getattr(node, "selection_set", None))
        if not isinstance(node, FieldNode):
            return below
        if node.name.value in PAGED:
            return 1 + below
        return below * self.size(node)

    def size(self, node: FieldNode) -> int:
        """How many records a page has: as asked, or by default; 1 where none is asked for."""
        for argument in node.arguments or ():
            if argument.name.value in SIZES:
                value: Any = argument.value
                self.varies = self.varies or isinstance(value, VariableNode)
                number = self.variables.get(value.name.value) if isinstance(value, VariableNode) else value
                asked = number.value if isinstance(number, IntValueNode) else number
                digits = str(asked)
                return min(int(digits), self.pages.max_size) if digits.isdecimal() and len(digits) < 10 else 1  # noqa: PLR2004 - an Int
        paged = any(
            isinstance(one, FieldNode) and one.name.value in PAGED
            for one in (node.selection_set.selections if node.selection_set else ())
        )
        return self.pages.default_size if paged else 1


def measure(document: DocumentNode) -> Iterable[Measure]:
    """The size of each operation of a document, which need not be valid. Raises `TooMuch` on fragments without end."""
    ruler = _Ruler({one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)})
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            yield ruler.selections(one.selection_set, 0)


class _Ruler:
    """Measures selections, each fragment once; a fragment within itself counts nothing, and validation refuses it."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, Measure] = {}

    def selections(self, selection_set: SelectionSetNode | None, level: int) -> Measure:
        if level > DEEPEST:
            raise TooMuch(
                f"the fields and fragments are nested more than {DEEPEST} levels deep, which is never followed"
            )
        total = NOTHING
        for one in selection_set.selections if selection_set else ():
            total = total.beside(self.selection(one, level + 1))
        return total

    def selection(self, node: SelectionNode, level: int) -> Measure:
        if isinstance(node, FieldNode):
            return self.selections(node.selection_set, level).under(node)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value, level)
        return self.selections(getattr(node, "selection_set", None), level)

    def fragment(self, name: str, level: int) -> Measure:
        if name not in self.known:
            self.known[name] = NOTHING
            fragment = self.fragments.get(name)
            self.known[name] = self.selections(fragment.selection_set, level) if fragment else NOTHING
        return self.known[name]
