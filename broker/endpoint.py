"""GraphQL over HTTP: requests become executions here, and executions become answers.

After the specification's draft (https://graphql.github.io/graphql-over-http/draft/): GET and POST, the media type by the
``Accept`` header, and a status that follows the media type. A request is one operation; there are no batches.

The way of a request: came a moment ago (the same bytes again), else read, known (asked before, and its answer still exact: given again, or 304), else executed, unless as many
others are, and perhaps kept.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from inspect import isawaitable
from time import perf_counter
from typing import Any, Protocol

import orjson
from cachetools import LRUCache
from graphql import ExecutionResult, GraphQLSchema, OperationType
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from broker.answer import Answer, HttpRefusal, as_error, refused
from broker.asked import Asked, Persisted, asked_by_body, asked_by_query
from broker.deadline import within
from broker.errors import Busy, Overdue, RequestError, StoreError
from broker.execution.documents import Document, Documents
from broker.execution.executor import ShapedExecutor
from broker.execution.responses import Kept, Life, Question, Responses
from broker.limits import check_body, check_records
from broker.metrics import EXECUTING, REQUESTS
from broker.negotiation import GRAPHQL, JSON, is_json
from broker.repeated import Repeated
from broker.reply import Reply, Wanted
from broker.settings import Limits, Pages
from broker.store import Published, SqlStore
from broker.telemetry import bind_request, caller, new_request, request_id, span, unbind_request

__all__ = ["Context", "Endpoint", "everybody"]

KNOWN_SHARE = 8
"""The part of the room for answers that requests may take, which are recognised by a print of their bytes."""
SHORT = 1000
"""Bytes of a request that are compared as they are; of a longer one the print is."""
EVERYBODY = "everybody"
CHECKED = "fetchedAt"
"""The field of kept answers that shows when a version was checked; a document that only mentions it is taken to ask for it."""


class Context(Protocol):
    """What a request's resolvers share; its ``extensions`` go into the answer when there are any.

    ``shaping`` says whether collections are left to the executor to be shaped, or read for resolvers one level at a time.
    """

    extensions: dict[str, Any]
    shaping: bool

    def life(self, *, shows_check: bool) -> Life | None:
        """What was read, and how long an answer made of it is exact; None when it is not to be given again.

        ``shows_check`` says whether the answer shows when versions were checked.
        """
        ...


def everybody(_scope: Scope) -> str:
    """Every viewer may see the same."""
    return EVERYBODY


class Endpoint:
    """The GraphQL endpoint as a pure ASGI app.

    Args:
        schema: what is executed.
        context: makes the value that one request's resolvers share.
        limits: what a request may be.
        introspection: whether the schema may be asked for.
        shaped: whether collections are answered as columns.
        pages: how many records a page has, which tells how many an operation may give.
        store: whose versions say whether a kept answer is still exact; without one nothing is kept.
        room: bytes of answers that are kept.
        viewer: the scope of who asks; viewers of different scopes never share an answer.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        context: Callable[[], Context],
        limits: Limits,
        *,
        introspection: bool = True,
        shaped: bool = True,
        pages: Pages | None = None,
        store: SqlStore | None = None,
        room: int = 0,
        viewer: Callable[[Scope], str] = everybody,
    ) -> None:
        self.schema = schema
        self.context = context
        self.limits = limits
        self.pages = pages or Pages()
        self.shaped = shaped
        self.documents = Documents(schema, limits, introspection=introspection)
        self.persisted = Persisted()
        self.store = store
        self.viewer = viewer
        self.responses = Responses(room if store else 0)
        self._repeated = Repeated()
        self._executing = 0
        self._newest: Mapping[str, Published] | None = None
        self._known: LRUCache[tuple[str, str, bytes], Question] = LRUCache(room // KNOWN_SHARE, getsizeof=_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if self._repeated:
            said: bytes = scope["query_string"]
            if scope["method"] == "POST":
                message = await receive()
                receive = _from(message, receive)
                said = b"" if message.get("more_body", False) else message.get("body", b"")
            if (again := self._repeats(scope, said)) is not None:
                await _again(again).send(send, new_request())
                return
        token = bind_request()
        wanted = Wanted.of(scope)
        try:
            try:
                reply = await self._reply(scope, receive, wanted)
            except ClientDisconnect:
                return
            await reply.send(send, request_id() or "")
        finally:
            unbind_request(token)

    async def run(self, query: str, variables: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Answer a document without HTTP, as a client reads it; its errors are in what is returned."""
        answer: dict[str, Any] = orjson.loads(await self.answer(query, variables))
        return answer

    async def answer(self, query: str, variables: Mapping[str, Any] | None = None) -> bytes:
        """The same as JSON; never one that was kept."""
        try:
            answer = await self._execute(Asked(query, None, variables), read_only=False, media_type=JSON)
            return orjson.dumps(answer.body)
        except Exception as error:  # noqa: BLE001 - as over HTTP
            return orjson.dumps(refused(error).body)

    async def _reply(self, scope: Scope, receive: Receive, wanted: Wanted) -> Reply:
        question: Question | None = None
        begun = perf_counter()
        try:
            said, media_type = await self._said(scope, receive, wanted), _accepted(wanted.media_type)
            viewer, asked = self.viewer(scope), None
            key = (wanted.method, viewer, said if len(said) <= SHORT else blake2b(said).digest())
            try:
                question = self._known[key]
            except KeyError:
                asked = self._asked(said, wanted)
                question = Question.of(viewer, asked.query, asked.operation_name, asked.variables)
            if (asked is None or not asked.cost) and (kept := await self._kept(question)) is not None:
                if asked is not None:
                    self._remember(key, question)
                reply = wanted.kept(kept, private=viewer != EVERYBODY)
                self._repeated.keep(viewer, scope, said, reply, kept)
                return _again(reply)
            asked = asked or self._asked(said, wanted)
            with span("graphql", "server", caller(scope["headers"])) as around:
                answer = await self._in_turn(asked, read_only=wanted.reads, media_type=media_type)
                around.update_name(answer.operation or "graphql")
            if answer.life is not None:
                self._remember(key, question)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the client gets no stack trace
            answer = refused(error)
        reply = self._made(answer, question, wanted)
        answer.tell(perf_counter() - begun)
        return reply

    def _repeats(self, scope: Scope, said: bytes) -> Reply | None:
        """The reply to a request that came a moment ago."""
        versions = self._newest or (self._newest_known(self.store) if self.store else None)
        return self._repeated.reply(self.viewer(scope), scope, said, versions)

    async def _in_turn(self, asked: Asked, *, read_only: bool, media_type: str) -> Answer:
        """Execute, unless as many others are being executed as may be. Raises `Busy`."""
        if self._executing >= self.limits.in_flight:
            raise Busy(
                f"{self._executing} requests are being executed, the limit limits.in_flight; ask again in a second"
            )
        self._executing += 1
        try:
            with EXECUTING.track_inprogress():
                return await self._execute(asked, read_only=read_only, media_type=media_type)
        finally:
            self._executing -= 1

    def _asked(self, said: bytes, wanted: Wanted) -> Asked:
        if wanted.reads:
            return asked_by_query(said.decode("latin-1"), self.persisted)
        return asked_by_body(said, self.persisted)

    def _remember(self, key: tuple[str, str, bytes], question: Question) -> None:
        """Recognise this request when it comes again."""
        if _size(question) <= self._known.maxsize:
            self._known[key] = question

    async def _kept(self, question: Question) -> Kept | None:
        """The answer that was given before, if it would be given again."""
        kept = self.responses.last(question)
        if kept is None or self.store is None:
            return None
        versions = self._newest or self._newest_known(self.store)
        if versions is None:
            try:
                versions = await asyncio.to_thread(self.store.versions)
            except StoreError:  # told by the execution, at the fields that it concerns
                return None
        if kept.holds(versions):
            return kept
        self.responses.drop(question)
        return None

    def _newest_known(self, store: SqlStore) -> Mapping[str, Published] | None:
        """The newest versions, good for all requests of this turn of the event loop: they came before it, and so before the look."""
        self._newest = store.known_versions()
        if self._newest is not None:
            asyncio.get_running_loop().call_soon(self._turned)
        return self._newest

    def _turned(self) -> None:
        self._newest = None

    def _made(self, answer: Answer, question: Question | None, wanted: Wanted) -> Reply:
        """The answer in bytes; kept when it can be given again."""
        try:
            body = orjson.dumps(answer.body)
        except TypeError as error:
            answer = refused(error)
            body = orjson.dumps(answer.body)
        if answer.life is not None and question is not None and self.responses.room:
            kept = self.responses.keep(question, body, answer.life)
            return wanted.kept(kept, private=question.scope != EVERYBODY)
        return wanted.other(answer.status, body, answer.headers)

    async def _said(self, scope: Scope, receive: Receive, wanted: Wanted) -> bytes:
        """The query string of a GET, the body of a POST. Raises what is wrong with the request before it is read."""
        if wanted.reads:
            query: bytes = scope["query_string"]
            check_body(len(query), self.limits)
            return query
        if wanted.method != "POST":
            raise HttpRefusal(405, f"{wanted.method} is not answered here; use GET or POST", {"Allow": "GET, POST"})
        if not is_json(wanted.content_type) or wanted.content_encoded:
            raise HttpRefusal(
                415,
                "the body must be JSON: Content-Type: application/json, in UTF-8, without a Content-Encoding",
                {"Accept-Post": JSON},
            )
        check_body(wanted.announced, self.limits)
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk: bytes = message.get("body", b"")
            body += chunk
            check_body(len(body), self.limits)
            if not message.get("more_body", False):
                return body

    async def _execute(self, asked: Asked, *, read_only: bool, media_type: str) -> Answer:
        """Execute what is asked. A refused document has status 400, or 200 for clients that know only plain JSON."""
        status = 400 if media_type == GRAPHQL else 200
        try:
            document = self.documents.read(asked.query)
            if document.errors or document.node is None:
                return Answer(status, {"errors": [as_error(one) for one in document.errors]})
            operation = document.operation(asked.operation_name)
            records = document.records(operation, asked.variables or {}, self.pages)
            check_records(records, self.limits)
        except RequestError as error:
            return replace(refused(error), status=status)
        if read_only and operation.operation is not OperationType.QUERY:
            kind = operation.operation.value
            raise HttpRefusal(405, f"a {kind} is not executed for GET; use POST", {"Allow": "POST"})
        context = self.context()
        context.shaping = self.shaped
        result = await self._in_time(document, asked, context)
        told = {"cost": {"records": records, "limit": self.limits.records}} if asked.cost else {}
        body = _result(result, context.extensions | told)
        exact = "errors" not in body and operation.operation is OperationType.QUERY and not asked.cost
        name = operation.name.value if operation.name else ""
        life = context.life(shows_check=CHECKED in asked.query) if exact else None
        return Answer(200 if "data" in body else status, body, {}, life, name, records)

    async def _in_time(self, document: Document, asked: Asked, context: Context) -> ExecutionResult:
        """Execute within the deadline. Raises `Overdue` after it; what was begun is stopped."""
        seconds = self.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                with within(seconds):
                    return await _executed(self.schema, document, asked, context)
        except TimeoutError:
            raise Overdue(
                f"it took longer than {seconds:g} s (limits.seconds) and was stopped; ask for less at a time"
            ) from None


def _from(first: Message, rest: Receive) -> Receive:
    """What gives a message that was received already, then the rest."""
    waiting = [first]

    async def receive() -> Message:
        return waiting.pop() if waiting else await rest()

    return receive


def _size(question: Question) -> int:
    """Bytes, roughly, that a recognised request takes."""
    return 500 + SHORT + question.size


def _again(reply: Reply) -> Reply:
    """Count a reply with a kept answer."""
    if reply.status == 304:  # noqa: PLR2004 - the client has it already
        REQUESTS.unchanged += 1
    else:
        REQUESTS.kept += 1
    return reply


def _accepted(media_type: str | None) -> str:
    if media_type is None:
        raise HttpRefusal(406, f"the endpoint answers as {GRAPHQL} or {JSON}; the Accept header allows neither")
    return media_type


async def _executed(schema: GraphQLSchema, document: Document, asked: Asked, context: Context) -> ExecutionResult:
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


def _result(result: ExecutionResult, extensions: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an answer; an operation that could not begin has no data entry at all."""
    body: dict[str, Any] = {}
    errors = result.errors or []
    if errors:
        body["errors"] = [as_error(one) for one in errors]
    if result.data is not None or any(one.path for one in errors):
        body["data"] = result.data
    if extensions:
        body["extensions"] = dict(extensions)
    return body
