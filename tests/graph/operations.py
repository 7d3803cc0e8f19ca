"""Random operations over a schema: fragments, aliases, directives, variables, deep nesting, and mistakes on purpose.

What is written is a valid document nearly always; its arguments are of the right types, but not all of the right values.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)
from hypothesis import strategies as st

__all__ = ["Operation", "operations"]

TEXTS = (
    "Rataje",
    "park",
    "ż",
    "Głogowska 1",
    "",
    "mim.stops",
    "sip.noise_zones",
    "name",
    "level",
    "U3RvcDox",
    "x" * 40,
)
BY_NAME: Mapping[str, Callable[[Random], Any]] = {
    "first": lambda pick: pick.choice((0, 1, 2, 3, 5, 7, -1)),
    "last": lambda pick: pick.choice((1, 2, 3)),
    "after": lambda pick: pick.choice(("nonsense", None)),
    "before": lambda pick: pick.choice(("nonsense", None)),
    "crs": lambda pick: pick.choice(("EPSG:4326", "EPSG:2177", "EPSG:2180", "EPSG:3857", "EPSG:99999")),
    "simplify": lambda pick: pick.choice((0, 10, 500.5, -1)),
    "distance": lambda pick: pick.choice((50, 300.5, 2000, -3)),
    "lang": lambda pick: pick.choice(("pl", "en", "de", "klingon")),
    "id": lambda pick: pick.choice(("mim.stops", "sip.noise_zones", "mim.places", "nothing", "U3RvcDox")),
    "property": lambda pick: pick.choice(("name", "level", "cause", "kind", "nothing")),
    "groupBy": lambda pick: [pick.choice(("DISTRICT", "name", "cause"))],
    "inDistrict": lambda pick: pick.choice(("Rataje", "Jeżyce", "Nowhere")),
    "wait": lambda pick: pick.choice((0, 0.5, 5, 60, -1)),
    "lon": lambda pick: pick.choice((16.93, 16.9, 17.0)),
    "lat": lambda pick: pick.choice((52.41, 52.4, 52.38)),
    "west": lambda pick: pick.choice((16.8, 16.9)),
    "east": lambda pick: pick.choice((16.95, 17.0, 16.7)),
    "south": lambda pick: pick.choice((52.3, 52.39)),
    "north": lambda pick: pick.choice((52.45, 52.5)),
    "wkt": lambda pick: pick.choice(("POLYGON((16.9 52.38,16.95 52.38,16.95 52.42,16.9 52.38))", "LINESTRING(16.8 52.3,17 52.5)", "POINT(")),
}  # fmt: skip
SCALARS: Mapping[str, Callable[[Random], Any]] = {
    "Int": lambda pick: pick.choice((0, 1, 2, 60, 2017)),
    "Float": lambda pick: pick.choice((0.0, 1.5, 65, 100.25)),
    "Boolean": lambda pick: pick.choice((True, False)),
    "String": lambda pick: pick.choice(TEXTS),
    "ID": lambda pick: pick.choice(TEXTS),
    "Decimal": lambda pick: pick.choice(("0", "1234.56", "99.999", 1000)),
    "Date": lambda pick: pick.choice(("2017-01-01", "2016-06-30")),
    "DateTime": lambda pick: pick.choice(("2017-09-01", "2017-09-01T18:30:00+02:00")),
    "GeoJSON": lambda pick: {"type": "Point", "coordinates": [pick.choice((16.9, 16.95)), 52.4]},
    "JSON": lambda pick: pick.choice(("bus", 60, True)),
}
LIKELY = {"first": 0.5, "predicate": 0.85, "to": 0.7}
"""How often an argument is given."""
FEW = ("sources", "datasets", "dataset", "layers")
"""Roots of which a small share is enough: nothing of them is shaped."""


class Name(str):
    """A value of an enum, which a document writes without quotes."""

    __slots__ = ()


@dataclass
class Operation:
    """A document and the values of its variables."""

    document: str
    variables: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.document}\n{json.dumps(self.variables, ensure_ascii=False)}"


@dataclass
class Writer:
    """Writes one operation."""

    schema: GraphQLSchema
    pick: Random
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    left: int = 45

    def operation(self) -> Operation:
        query = self.schema.query_type
        assert query is not None
        roots = [name for name in query.fields if name not in FEW or self.chance(0.1)]
        chosen = self.pick.sample(roots, self.pick.choice((1, 1, 1, 2, 3)))
        body = " ".join(self.field(name, query.fields[name], query, 0) for name in chosen)
        given = {name: value for name, (_, value) in self.variables.items()}
        head = ", ".join(f"${name}: {kind}" for name, (kind, _) in self.variables.items())
        document = f"query Random{f'({head})' if head else ''} {{ {body} }} {' '.join(self.fragments)}"
        return Operation(document, given)

    def chance(self, share: float) -> bool:
        return self.pick.random() < share

    def field(self, name: str, definition: GraphQLField, parent: GraphQLNamedType, depth: int) -> str:
        self.left -= 1
        kind = get_named_type(definition.type)
        below = self.selection(kind, depth + 1) if is_composite_type(kind) else ""
        alias = f"a{self.left if self.left > 0 else -self.left + 100}: " if self.chance(0.25) else ""
        del parent
        return f"{alias}{name}{self.arguments(definition)}{self.directives()}{below}"

    def directives(self) -> str:
        if not self.chance(0.08):
            return ""
        value = self.pick.choice((True, False))
        shown = self.variable("Boolean!", value) if self.chance(0.5) else json.dumps(value)
        return f" @{self.pick.choice(('skip', 'include'))}(if: {shown})"

    def selection(self, kind: GraphQLNamedType, depth: int) -> str:
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return " { __typename }"
        leaves = [name for name, one in kind.fields.items() if not is_composite_type(get_named_type(one.type))]
        deeper = [name for name in kind.fields if name not in leaves]
        few = self.left < 0 or depth > 7
        names = self.pick.sample(leaves, min(len(leaves), self.pick.randint(1, 4)))
        names += [] if few and names else self.pick.sample(deeper, min(len(deeper), self.pick.choice((1, 1, 2, 3))))
        self.pick.shuffle(names)
        parts = [self.field(name, kind.fields[name], kind, depth) for name in names]
        if self.chance(0.2):
            parts.insert(self.pick.randrange(len(parts) + 1), "__typename")
        if self.chance(0.12):
            parts.append(self.fragment(kind, depth))
        return f" {{ {' '.join(parts)} }}"

    def fragment(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        on: GraphQLNamedType = kind
        if isinstance(kind, GraphQLInterfaceType) and self.chance(0.7):
            on = self.pick.choice(self.schema.get_possible_types(kind))
        if self.chance(0.4):
            return f"... on {on.name}{self.directives()}{self.selection(on, depth)}"
        name = f"F{len(self.fragments)}"
        self.fragments.append("")
        self.fragments[int(name[1:])] = f"fragment {name} on {on.name}{self.selection(on, depth)}"
        return f"...{name}{self.directives()}"

    def arguments(self, definition: GraphQLField) -> str:
        given = []
        for name, argument in definition.args.items():
            wanted = is_required_argument(argument) or self.chance(LIKELY.get(name, 0.15))
            if wanted:
                value = self.value(argument.type, name, 0)
                shown = self.variable(str(argument.type), value) if self.chance(0.25) else self.literal(value)
                given.append(f"{name}: {shown}")
        return f"({', '.join(given)})" if given else ""

    def variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = (kind, value)
        return f"${name}"

    def value(self, kind: GraphQLInputType, name: str, depth: int) -> Any:
        if is_non_null_type(kind):
            found = self.value(kind.of_type, name, depth)
            return self.value(kind.of_type, "", depth) if found is None else found
        if name in BY_NAME and not isinstance(get_named_type(kind), GraphQLInputObjectType | GraphQLEnumType):
            return BY_NAME[name](self.pick)
        if is_list_type(kind):
            return [self.value(kind.of_type, name, depth + 1) for _ in range(self.pick.choice((1, 1, 2)))]
        if isinstance(kind, GraphQLEnumType):
            return Name(self.pick.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return self.input(kind, depth)
        return SCALARS[kind.name](self.pick) if kind.name in SCALARS else None

    def input(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        names = [one for one in kind.fields if depth < 4 or one not in ("and", "or", "not", "relatedTo")]
        required = [one for one in names if is_non_null_type(kind.fields[one].type) or one in ("predicate", "property")]
        free = [one for one in names if one not in required]
        count = 1 if kind.is_one_of else self.pick.choice((1, 1, 2))
        chosen = [*required, *self.pick.sample(free, min(len(free), max(0, count - (len(required) > 2))))]
        return {one: self.value(kind.fields[one].type, one, depth + 1) for one in chosen}

    def literal(self, value: Any) -> str:
        if isinstance(value, Name):
            return str(value)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name}: {self.literal(one)}" for name, one in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.literal(one) for one in value) + "]"
        return json.dumps(value, ensure_ascii=False)


def operations(schema: GraphQLSchema) -> st.SearchStrategy[Operation]:
    """Operations over a schema, each from a seed by which it can be written again."""
    return st.integers(0, 2**32 - 1).map(lambda seed: Writer(schema, Random(seed)).operation())
