"""What a request asks to execute, read from GET or POST, its document perhaps known by its hash.

Persisted queries are automatic: a client sends the SHA-256 of its document; when it is not known here, the answer says so, and the
client sends both once (https://www.apollographql.com/docs/apollo-server/performance/apq, the de facto protocol).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import orjson
from cachetools import LRUCache

from broker.errors import BadRequest, UnknownDocument

__all__ = ["Asked", "Persisted", "asked_by_body", "asked_by_query"]

KEPT_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks to execute."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None
    cost: bool = False
    """Whether the answer is to tell its cost, by ``extensions: {"cost": true}`` of the request."""


class Persisted:
    """Documents by their SHA-256, the most recently used, up to two million characters."""

    def __init__(self) -> None:
        self._known: LRUCache[str, str] = LRUCache(KEPT_CHARACTERS, getsizeof=len)

    def document(self, query: object, extensions: Mapping[str, Any]) -> object:
        """The document that is meant. Raises `UnknownDocument` or `BadRequest`."""
        stated = extensions.get("persistedQuery")
        if stated is None:
            return query
        digest = stated.get("sha256Hash") if isinstance(stated, Mapping) and stated.get("version") == 1 else None
        if not isinstance(digest, str):
            raise BadRequest('persistedQuery must be {"version": 1, "sha256Hash": "…"}')
        if not query:
            if digest not in self._known:
                raise UnknownDocument("PersistedQueryNotFound: send the document with its hash once")
            return self._known[digest]
        if not isinstance(query, str) or sha256(query.encode()).hexdigest() != digest:
            raise BadRequest("persistedQuery.sha256Hash is not the SHA-256 of the document")
        if len(query) < KEPT_CHARACTERS:
            self._known[digest] = query
        return query


def asked_by_query(query: str, persisted: Persisted) -> Asked:
    """What the parameters of a GET ask. Raises `BadRequest` or `UnknownDocument`."""
    return _checked(_from_query(query), persisted)


def asked_by_body(body: bytes | bytearray, persisted: Persisted) -> Asked:
    """What the body of a POST asks. Raises `BadRequest` or `UnknownDocument`."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    return _checked(given, persisted)


def _from_query(query: str) -> dict[str, Any]:
    """The parameters of a GET, where maps are JSON. Raises `BadRequest`."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise BadRequest(f"the query string cannot be read: {error}") from error
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given:
            raise BadRequest(f"the parameter {name!r} is given more than once")
        given[name] = value
    for name in ("variables", "extensions"):
        if not given.get(name):
            given.pop(name, None)
            continue
        try:
            given[name] = orjson.loads(given[name])
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the parameter {name!r} is not JSON: {error}") from error
    return given


def _checked(given: Any, persisted: Persisted) -> Asked:  # noqa: ANN401 - JSON is anything
    """The parameters, each of its type. Raises `BadRequest` or `UnknownDocument`."""
    if isinstance(given, list):
        raise BadRequest("the body is a list; batches are not accepted, send one request an operation")
    if not isinstance(given, dict):
        raise BadRequest('the body must be a JSON object like {"query": "{ sources { id } }"}')
    for one in ("variables", "extensions"):
        if not isinstance(given.get(one), dict | None):
            raise BadRequest(f"the parameter {one!r} must be an object")
    extensions = given.get("extensions") or {}
    query = persisted.document(given.get("query"), extensions)
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("the parameter 'query' is missing: it holds the GraphQL document, as a text")
    name, variables = given.get("operationName"), given.get("variables")
    if not isinstance(name, str | None):
        raise BadRequest("the parameter 'operationName' must be a text")
    if not isinstance(cost := extensions.get("cost", False), bool):
        raise BadRequest('the extension "cost" must be true or false')
    return Asked(query, name, variables, cost)
