"""Media types and content encodings of GraphQL over HTTP: which one a client accepts, and whether a body is JSON in UTF-8 (RFC 9110, 12.5.1)."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

__all__ = ["GRAPHQL", "JSON", "acceptable", "encoding", "is_json"]

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
ENCODINGS = ("br", "gzip")
UTF_8 = frozenset({"utf-8", "utf8"})


@lru_cache(maxsize=500)
def encoding(accept: str) -> str:
    """The content encoding to answer with: ``br``, ``gzip``, or none as an empty text."""
    weights = {type: _weight(parameters.get("q", "1")) for type, parameters in _ranges(accept)}
    rest = weights.get("*", 0.0)
    best = max(ENCODINGS, key=lambda one: weights.get(one, rest))
    return best if weights.get(best, rest) > 0 else ""


def _ranges(header: str) -> list[tuple[str, Mapping[str, str]]]:
    return [_parts(one) for one in header.split(",") if one.strip()]


@lru_cache(maxsize=500)
def acceptable(accept: str) -> str | None:
    """The media type to answer with, or None when neither is accepted.

    Of equally good ones the newer type wins; who accepts anything, or says nothing, gets plain JSON.
    """
    ranges = _ranges(accept)
    if not ranges:
        return JSON
    named = {type for type, _ in ranges}
    order = (GRAPHQL, JSON) if GRAPHQL in named else (JSON, GRAPHQL)
    best = max(order, key=lambda one: _quality(one, ranges))
    return best if _quality(best, ranges) > 0 else None


@lru_cache(maxsize=100)
def is_json(content_type: str) -> bool:
    """Whether a body of this content type is JSON in UTF-8, which is the encoding when none is named."""
    type, parameters = _parts(content_type)
    return type == JSON and parameters.get("charset", "utf-8").lower() in UTF_8


def _parts(value: str) -> tuple[str, Mapping[str, str]]:
    type, *rest = value.split(";")
    pairs = (one.partition("=") for one in rest)
    return type.strip().lower(), {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}


def _quality(type: str, ranges: Iterable[tuple[str, Mapping[str, str]]]) -> float:
    """The weight of the most specific range that covers a type; 0 when none does."""
    found = (0, 0.0)
    for one, parameters in ranges:
        specific = {type: 3, "application/*": 2, "*/*": 1}.get(one, 0)
        if specific > found[0] and parameters.get("charset", "utf-8").lower() in UTF_8:
            found = (specific, _weight(parameters.get("q", "1")))
    return found[1]


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
