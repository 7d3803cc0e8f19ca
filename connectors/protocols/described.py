"""The properties of a layer as its server describes them: an XML schema (WFS) or a JSON schema (OGC API Features).

Only names and kinds are taken; what is no plain value, a geometry or something nested, is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from broker.errors import Unreadable
from broker.upstream import Page
from connectors.protocols.xml import parse

__all__ = ["Property", "of_features", "of_json_schema", "of_xml_schema"]


@dataclass(frozen=True, slots=True)
class Property:
    """A property's name as the server writes it, and its kind: text, whole number, number, yes or no, day, moment."""

    name: str
    kind: type


XSD: dict[str, type] = {
    **dict.fromkeys(("string", "token", "normalizedString", "anyURI", "ID", "TimeInstantType"), str),
    **dict.fromkeys(("int", "integer", "long", "short", "byte", "nonNegativeInteger", "positiveInteger"), int),
    **dict.fromkeys(("double", "float", "decimal"), float),
    "boolean": bool,
    "date": date,
    "dateTime": datetime,
}
JSON: dict[tuple[str, str], type] = {
    ("string", "date"): date,
    ("string", "date-time"): datetime,
    ("integer", ""): int,
    ("number", ""): float,
    ("boolean", ""): bool,
}


def of_xml_schema(page: Page, type_name: str) -> tuple[Property, ...]:
    """The properties of a feature type in the answer to DescribeFeatureType. Raises `Unreadable` when it is not there."""
    root = parse(page)
    local = type_name.rpartition(":")[2]
    elements = {str(one.get("name")): one for one in root.iterchildren("{*}element")}
    stated = str(elements[local].get("type", "")).rpartition(":")[2] if local in elements else ""
    declared = next((one for one in root.iterchildren("{*}complexType") if one.get("name") == stated), None)
    if declared is None:
        raise Unreadable(
            f"{page.url or 'the answer'} does not describe {type_name!r}; it describes {', '.join(elements) or 'nothing'}"
        )
    found = []
    for one in declared.iter("{*}element"):
        base = str(one.get("type", "")) or next((str(inner.get("base")) for inner in one.iter("{*}restriction")), "")
        kind = XSD.get(base.rpartition(":")[2])
        if kind is not None and one.get("name"):
            found.append(Property(str(one.get("name")), kind))
    return tuple(found)


def of_json_schema(page: Page) -> tuple[Property, ...]:
    """The properties of a collection's schema or queryables. Raises `Unreadable` when it is no JSON schema."""
    document = page.json
    properties = document.get("properties") if isinstance(document, Mapping) else None
    if not isinstance(properties, Mapping):
        raise Unreadable(f"{page.url or 'the answer'} is no schema: it has no properties")
    return tuple(_of_json(properties))


def _of_json(properties: Mapping[str, Any]) -> Iterator[Property]:
    for own, about in properties.items():
        if not isinstance(about, Mapping) or "$ref" in about or str(about.get("format", "")).startswith("geometry"):
            continue
        stated = about.get("type", "string")
        kinds = [one for one in (stated if isinstance(stated, list) else [stated]) if one != "null"]
        if len(kinds) != 1 or kinds[0] in ("object", "array"):
            continue
        kind, form = str(kinds[0]), str(about.get("format", ""))
        yield Property(own, JSON.get((kind, form)) or JSON.get((kind, "")) or str)


def of_features(rows: Iterator[Mapping[str, Any]]) -> tuple[Property, ...]:
    """The properties that features really have, for a server that describes nothing: of one kind in all, or text."""
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for own, value in row.items():
            if value is not None and isinstance(value, str | int | float | bool):
                kinds.setdefault(own, set()).add(type(value))
    return tuple(Property(own, _common(seen)) for own, seen in kinds.items())


def _common(kinds: set[type]) -> type:
    if len(kinds) == 1:
        return next(iter(kinds))
    return float if kinds == {int, float} else str
