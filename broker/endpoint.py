"""GraphQL over HTTP: requests become executions here, and errors become the wire here and nowhere else.

After the specification's draft (https://graphql.github.io/graphql-over-http/draft/): GET and POST, the media type by the
``Accept`` header, and a status that follows the media type. A request is one operation; there are no batches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.errors import BadRequest, BrokerError, RequestError
from broker.execution.documents import Document, Documents
from broker.execution.executor import ShapedExecutor
from broker.limits import check_body
from broker.negotiation import GRAPHQL, JSON, acceptable, is_json
from broker.settings import Limits
from broker.telemetry import Event, bind_request, log, request_id, unbind_request

__all__ = ["Context", "Endpoint"]

LONGEST_MESSAGE = 1000
ASKED = frozenset({"query", "operationName", "variables", "extensions"})


class Context(Protocol):
    """What a request's resolvers share; its ``extensions`` go into the answer when there are any.

    ``shaping`` says whether collections are left to the executor to be shaped, or read for resolvers one level at a time.
    """

    extensions: dict[str, Any]
    shaping: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks to execute."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status, the body as JSON can hold it, and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class _HttpRefusal(Exception):
    """The request fails before it is GraphQL; raised and caught in this module."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers or {}


class Endpoint:
    """The GraphQL endpoint as a pure ASGI app; ``context`` makes the value that one request's resolvers share."""

    def __init__(
        self,
        schema: GraphQLSchema,
        context: Callable[[], Context],
        limits: Limits,
        *,
        introspection: bool = True,
        shaped: bool = True,
    ) -> None:
        self.schema = schema
        self.context = context
        self.limits = limits
        self.shaped = shaped
        self.documents = Documents(schema, limits, introspection=introspection)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        token = bind_request()
        request = Request(scope, receive)
        media_type = acceptable(request.headers.getlist("accept"))
        try:
            try:
                answer = await self._answer(request, media_type)
            except ClientDisconnect:
                return
            await _response(answer, media_type or JSON)(scope, receive, send)
        finally:
            unbind_request(token)

    async def run(self, query: str, variables: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Answer a document without HTTP, as a client reads it; its errors are in what is returned."""
        answer: dict[str, Any] = orjson.loads(await self.answer(query, variables))
        return answer

    async def answer(self, query: str, variables: Mapping[str, Any] | None = None) -> bytes:
        """The same as JSON."""
        try:
            answer = await self._execute(_Asked(query, None, variables), read_only=False, media_type=JSON)
            return orjson.dumps(answer.body)
        except Exception as error:  # noqa: BLE001 - as over HTTP
            return orjson.dumps(_failure(_internal(error)))

    async def _answer(self, request: Request, media_type: str | None) -> _Answer:
        try:
            asked = await self._asked(request)
            return await self._execute(asked, read_only=request.method == "GET", media_type=_accepted(media_type))
        except _HttpRefusal as refusal:
            return _Answer(refusal.status, _failure(_shown(str(refusal), BadRequest.code)), refusal.headers)
        except RequestError as error:
            return _Answer(error.status, _failure(_shown(str(error), error.code)))
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the client gets no stack trace
            return _Answer(500, _failure(_internal(error)))

    async def _asked(self, request: Request) -> _Asked:
        if request.method == "GET":
            check_body(len(request.url.query), self.limits)
            return _checked(_from_query(request.url.query))
        if request.method != "POST":
            raise _HttpRefusal(405, f"{request.method} is not answered here; use GET or POST", {"Allow": "GET, POST"})
        if not is_json(request.headers.get("content-type", "")) or "content-encoding" in request.headers:
            raise _HttpRefusal(
                415,
                "the body must be JSON: Content-Type: application/json, in UTF-8, without a Content-Encoding",
                {"Accept-Post": JSON},
            )
        check_body(_announced(request), self.limits)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            check_body(len(body), self.limits)
        try:
            return _checked(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not JSON: {error}") from error

    async def _execute(self, asked: _Asked, *, read_only: bool, media_type: str) -> _Answer:
        """Execute what is asked. A refused document has status 400, or 200 for clients that know only plain JSON."""
        refused = 400 if media_type == GRAPHQL else 200
        try:
            document = self.documents.read(asked.query)
            if document.errors or document.node is None:
                return _Answer(refused, {"errors": [_error(one) for one in document.errors]})
            operation = document.operation(asked.operation_name)
        except RequestError as error:
            return _Answer(refused, _failure(_shown(str(error), error.code)))
        if read_only and operation.operation is not OperationType.QUERY:
            kind = operation.operation.value
            raise _HttpRefusal(405, f"a {kind} is not executed for GET; use POST", {"Allow": "POST"})
        context = self.context()
        context.shaping = self.shaped
        result = await _executed(self.schema, document, asked, context)
        body = _result(result, context.extensions)
        return _Answer(200 if "data" in body else refused, body)


def _accepted(media_type: str | None) -> str:
    if media_type is None:
        raise _HttpRefusal(406, f"the endpoint answers as {GRAPHQL} or {JSON}; the Accept header allows neither")
    return media_type


async def _executed(schema: GraphQLSchema, document: Document, asked: _Asked, context: Context) -> ExecutionResult:
    assert document.node is not None  # noqa: S101 - one with errors does not get here
    executor = ShapedExecutor.build(
        schema,
        document.node,
        context_value=context,
        raw_variable_values=dict(asked.variables or {}),
        operation_name=asked.operation_name or None,
        plans=document.plans,
    )
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    outcome: Any = executor.execute_operation()  # no operation here is answered in parts
    result: ExecutionResult = await outcome if isawaitable(outcome) else outcome
    return result


def _response(answer: _Answer, media_type: str) -> Response:
    try:
        body = orjson.dumps(answer.body)
    except TypeError as error:
        answer = _Answer(500, _failure(_internal(error)))
        body = orjson.dumps(answer.body)
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Request-Id": request_id() or "",
        **answer.headers,
    }
    return Response(body, answer.status, headers)


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


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


def _checked(given: Any) -> _Asked:  # noqa: ANN401 - JSON is anything
    """The parameters, each of its type. Raises `BadRequest`."""
    if isinstance(given, list):
        raise BadRequest("the body is a list; batches are not accepted, send one request an operation")
    if not isinstance(given, dict):
        raise BadRequest('the body must be a JSON object like {"query": "{ sources { id } }"}')
    query = given.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("the parameter 'query' is missing: it holds the GraphQL document, as a text")
    name, variables = given.get("operationName"), given.get("variables")
    if not isinstance(name, str | None):
        raise BadRequest("the parameter 'operationName' must be a text")
    for one in ("variables", "extensions"):
        if not isinstance(given.get(one), dict | None):
            raise BadRequest(f"the parameter {one!r} must be an object")
    return _Asked(query, name, variables)


def _result(result: ExecutionResult, extensions: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an answer; an operation that could not begin has no data entry at all."""
    body: dict[str, Any] = {}
    errors = result.errors or []
    if errors:
        body["errors"] = [_error(one) for one in errors]
    if result.data is not None or any(one.path for one in errors):
        body["data"] = result.data
    if extensions:
        body["extensions"] = dict(extensions)
    return body


def _failure(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"errors": [error]}


def _shown(text: str, code: str) -> dict[str, Any]:
    cut = text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"
    return {"message": cut, "extensions": {"code": code}}


def _error(error: GraphQLError) -> dict[str, Any]:
    """An error as a client may see it: our own by their code, the executor's as bad requests, the rest hidden."""
    cause = _cause(error)
    if isinstance(cause, BrokerError) and cause.public:
        shown = _shown(error.message, cause.code)
    elif cause is None or error.path is None or isinstance(error.original_error, GraphQLError):
        shown = _shown(error.message, BadRequest.code)
    else:
        shown = _internal(cause)
    if error.locations:
        shown["locations"] = [one.formatted for one in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def _cause(error: GraphQLError) -> Exception | None:
    """What was raised beneath the executor's errors, if anything was."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _internal(error: Exception) -> dict[str, Any]:
    """Hide an unexpected error behind the request's id, under which it is logged."""
    log().error(Event.REQUEST_FAILED, exc_info=error)
    return {"message": "internal error", "extensions": {"code": BrokerError.code, "requestId": request_id()}}
