"""Documents: parsed, measured and validated once, then kept by their text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError

from broker.errors import BadRequest, TooMuch
from broker.execution.plan import Plans
from broker.limits import check_document, count_records, too_many_tokens
from broker.settings import Limits, Pages

__all__ = ["Document", "Documents"]

KEPT_CHARACTERS = 2_000_000
KEPT_PLANS = 64
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000  # comparisons: some ten milliseconds
TOO_MANY = re.compile(r"more than \d+ (lexical tokens|tokens|comments)")


@dataclass(frozen=True)
class Document:
    """A document's tree, or the errors that keep it from being executed."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()

    @cached_property
    def plans(self) -> Plans:
        """What was worked out for its selections, the most recently used."""
        return LRUCache(KEPT_PLANS)

    @cached_property
    def operations(self) -> Mapping[str, OperationDefinitionNode]:
        """Its operations by name; one without a name under the empty text."""
        definitions = self.node.definitions if self.node else ()
        found = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        return {one.name.value if one.name else "": one for one in found}

    @cached_property
    def fragments(self) -> Mapping[str, FragmentDefinitionNode]:
        """Its fragments by name."""
        definitions = self.node.definitions if self.node else ()
        return {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}

    def records(self, operation: OperationDefinitionNode, variables: Mapping[str, Any], pages: Pages) -> int:
        """How many records an operation may give; counted once unless that hangs on its variables."""
        key = ("records", id(operation))
        known: int | None = self.plans.get(key)
        if known is None:
            known, varies = count_records(operation, self.fragments, variables, pages)
            if not varies:
                self.plans[key] = known
        return known

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to execute. Raises `BadRequest` when the name does not tell which one."""
        if not name and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        names = ", ".join(self.operations) or "none"
        if not name:
            raise BadRequest(
                f"the document has {len(self.operations)} operations; operationName must be one of: {names}"
            )
        if name not in self.operations:
            raise BadRequest(f"no operation {name!r} in the document; operationName can be: {names}")
        return self.operations[name]


class Documents:
    """The documents of one schema, the most recently used ones kept, up to two million characters in all."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool = True) -> None:
        self.schema = schema
        self.limits = limits
        self.rules = (*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,)))
        self.kept: LRUCache[str, Document] = LRUCache(KEPT_CHARACTERS, getsizeof=_characters)

    def read(self, text: str) -> Document:
        """The document of this text. Raises `TooMuch` when it is over a limit; other errors are in the document."""
        document = self.kept.get(text)
        if document is None:
            document = self._read(text)
            if len(text) < KEPT_CHARACTERS:
                self.kept[text] = document
        return document

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_lexical_tokens=self.limits.tokens, max_comments=self.limits.tokens)
        except GraphQLSyntaxError as error:
            if TOO_MANY.search(error.message):
                raise too_many_tokens(self.limits) from error
            return Document(None, (error,))
        except GraphQLError as error:  # nested deeper than the parser goes
            return Document(None, (error,))
        check_document(node, self.limits)
        errors = tuple(validate(self.schema, node, self.rules))
        if any(isinstance(one, ValidationAbortedError) for one in errors):
            raise TooMuch("the document has too many fields of the same names to be compared; ask for less at a time")
        return Document(node, errors)


def _characters(document: Document) -> int:
    """The length of a document's text; an unreadable one keeps its text within its error."""
    location = document.node.loc if document.node else None
    source = location.source if location else next((one.source for one in document.errors if one.source), None)
    return len(source.body) if source else 1
