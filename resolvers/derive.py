"""Strawberry types made from a description in data instead of a class statement: the only place that does so."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, NamedTuple, Self

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField

__all__ = [
    "Member",
    "add_field",
    "argument",
    "camel",
    "enum_type",
    "input_type",
    "many",
    "maybe",
    "object_type",
    "resolved",
]


class Member(NamedTuple):
    """One field of a derived type: its Python type, its description, its name in the graph when that is not plain.

    A required one may not be left out of an input.
    """

    kind: Any
    description: str
    name: str | None = None
    required: bool = False


def many(kind: Any) -> Any:  # noqa: ANN401 - types as values
    """A list of this type, which is known only now."""
    return list[kind]


def maybe(kind: Any) -> Any:  # noqa: ANN401 - types as values
    """This type or null."""
    return kind | None


def argument(kind: Any, description: str) -> Any:  # noqa: ANN401 - types as values
    """The annotation of an argument of this type."""
    return Annotated[kind, strawberry.argument(description=description)]


def camel(name: str) -> str:
    """A name as the graph writes it: ``signed_on`` becomes ``signedOn``."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def input_type(name: str, description: str, members: Mapping[str, Member], *, one_of: bool = False) -> Any:  # noqa: ANN401 - a class, used as an annotation
    """An input type whose fields may be left out (``UNSET``) unless required; `Self` in a kind stands for the type itself."""
    fields: dict[str, Any] = {
        key: strawberry.field(description=one.description, name=one.name)
        if one.required
        else strawberry.field(description=one.description, name=one.name, default=strawberry.UNSET)
        for key, one in members.items()
    }
    later = {Self: "itself", list[Self]: "itself"}  # type: ignore[misc]  # a text is looked up only when it is needed
    annotations = {
        key: later.get(one.kind) or (one.kind if one.required else one.kind | None) for key, one in members.items()
    }
    made: Any = strawberry.input(
        type(name, (), {**fields, "__annotations__": annotations, "__doc__": description}),
        name=name,
        description=description,
        one_of=one_of,
    )
    for field in made.__strawberry_definition__.fields:
        kind = members[field.python_name].kind
        if kind in later:
            field.type_annotation = StrawberryAnnotation((made if kind is Self else list[made]) | None)
    return made


def object_type(
    name: str,
    description: str,
    members: Mapping[str, Member | StrawberryField],
    *,
    interfaces: Sequence[type] = (),
    is_type_of: Callable[..., bool] | None = None,
    interface: bool = False,
) -> Any:  # noqa: ANN401 - a class, used as an annotation
    """An object type (or interface): plain members are read by the schema's default resolver, others bring their own."""
    body: dict[str, Any] = {
        "__annotations__": {},
        "__doc__": description,
    }  # without a text one is made of the signature
    for key, one in members.items():
        if isinstance(one, Member):
            body["__annotations__"][key] = one.kind
            body[key] = strawberry.field(description=one.description, name=one.name)
        else:
            body[key] = one
    if is_type_of is not None:
        body["is_type_of"] = staticmethod(is_type_of)
    make = strawberry.interface if interface else strawberry.type
    return make(type(name, tuple(interfaces), body), name=name, description=description)


def resolved(
    resolver: Callable[..., Any],
    kind: Any,  # noqa: ANN401 - a type as a value
    description: str,
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    metadata: Mapping[Any, Any] | None = None,
) -> StrawberryField:
    """A field with its own resolver, whose type is known only now, as are the optional arguments it takes as keywords."""
    resolver.__annotations__["return"] = kind
    if arguments:
        resolver.__signature__ = _with(signature(resolver), arguments)  # type: ignore[attr-defined]  # PEP 362
    field: StrawberryField = strawberry.field(resolver=resolver, description=description, name=name, metadata=metadata)
    return field


def _with(plain: Signature, arguments: Mapping[str, Any]) -> Signature:
    """A signature with these optional arguments in place of its ``**`` one."""
    given = [one for one in plain.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    more = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=strawberry.UNSET, annotation=kind)
        for name, kind in arguments.items()
    ]
    return plain.replace(parameters=[*given, *more])


def add_field(cls: Any, python_name: str, field: StrawberryField) -> None:  # noqa: ANN401 - a derived type
    """Give a type one more field, whose type did not exist yet when the type was made."""
    field.python_name = python_name
    field.origin = cls
    cls.__strawberry_definition__.fields.append(field)


def enum_type(name: str, description: str, values: Mapping[str, tuple[Any, str]]) -> Any:  # noqa: ANN401 - a class, used as an annotation
    """An enum: each name with its value and its description."""
    members = {key: strawberry.enum_value(value, description=about) for key, (value, about) in values.items()}
    make: Any = Enum  # a functional call with a computed name is beyond the type checker
    return strawberry.enum(make(name, members), name=name, description=description)
