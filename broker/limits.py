"""What one request may be: each limit is checked before anything is executed, and a refusal names the limit and the value.

Aliases and fields are counted as if every fragment were written out where it is spread, since that is what executing it
costs. Each fragment is measured once, so that a document whose fragments double at every step is refused in no time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from broker.errors import TooMuch
from broker.settings import Limits

__all__ = ["Budget", "Measure", "check_body", "check_document", "measure", "too_many_tokens"]


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
