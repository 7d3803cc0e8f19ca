import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

import orjson
import pytest
import strawberry
from graphql import GraphQLSchema
from starlette.types import ASGIApp

from broker.endpoint import Endpoint
from broker.errors import Unavailable
from broker.settings import Limits


@dataclass
class Shared:
    extensions: dict[str, Any] = field(default_factory=dict)
    shaping: bool = False

    def life(self, *, shows_check: bool) -> None:
        """Nothing here is read from a store, so nothing is given again."""


Info = strawberry.Info[Shared, None]


@strawberry.type
class Query:
    @strawberry.field
    def double(self, number: int = 1) -> int:
        return number * 2

    @strawberry.field
    async def later(self) -> str:
        await asyncio.sleep(0)
        return "Żółw"

    @strawberry.field
    def fresh(self, info: Info) -> bool:
        info.context.extensions["sources"] = [{"id": "mim", "stale": True}]
        return True

    @strawberry.field
    def away(self) -> str | None:
        raise Unavailable("bip did not answer in 60 s")

    @strawberry.field
    def secret(self) -> str | None:
        raise RuntimeError("password=hunter2")

    @strawberry.field
    def needed(self) -> str:
        raise Unavailable("bip did not answer in 60 s")

    @strawberry.field
    def itself(self) -> "Query":
        return Query()


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> bool:
        return True


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)

    @property
    def type(self) -> str:
        return self.headers["content-type"]

    @property
    def message(self) -> str:
        text: str = self.json["errors"][0]["message"]
        return text

    @property
    def code(self) -> str:
        text: str = self.json["errors"][0]["extensions"]["code"]
        return text


Ask = Callable[..., Awaitable[Reply]]


@pytest.fixture
def schema() -> GraphQLSchema:
    return strawberry.Schema(Query, Mutation)._schema


@pytest.fixture
def limits() -> Limits:
    return Limits(body_bytes=2000, tokens=200, depth=5, aliases=10, fields=50, root_fields=8)


@pytest.fixture
def ask(schema: GraphQLSchema, limits: Limits, asker: Callable[[ASGIApp], Ask]) -> Ask:
    """Ask an endpoint over the small schema above."""
    return asker(Endpoint(schema, Shared, limits))


@pytest.fixture(scope="session")
def asker() -> Callable[[ASGIApp], Ask]:
    """Makes a function that sends one request to an app: `json` and `raw` are POSTed, `params` are a query string."""
    return asking_of


def asking_of(app: ASGIApp) -> Ask:
    async def asking(
        json: object = None,
        *,
        raw: bytes | None = None,
        params: dict[str, str] | str | None = None,
        method: str | None = None,
        accept: str | None = None,
        content_type: str | None = "application/json",
        headers: dict[str, str] | None = None,
        chunks: int = 1,
        path: str = "/graphql",
    ) -> Reply:
        body = raw if raw is not None else orjson.dumps(json) if json is not None else b""
        method = method or ("GET" if params is not None else "POST")
        given = {"accept": accept, "content-type": content_type if method == "POST" else None, **(headers or {})}
        coming = messages(body, chunks)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return coming.pop(0) if coming else no_more()

        async def send(message: Any) -> None:
            sent.append(message)

        await asyncio.sleep(0)  # a server takes up a request in a turn of the loop after the one that brought it
        await app(scope_of(method, path, given, params), receive, send)
        start = sent[0]
        return Reply(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(one.get("body", b"") for one in sent[1:]),
        )

    return asking


def scope_of(
    method: str, path: str, headers: dict[str, str | None], params: dict[str, str] | str | None
) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "query_string": (params if isinstance(params, str) else urlencode(params or {})).encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value is not None],
    }


def messages(body: bytes, chunks: int) -> list[dict[str, Any]]:
    """The body in this many parts, as a server hands it over."""
    size = -(-len(body) // chunks) or 1
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    return [{"type": "http.request", "body": part, "more_body": at < len(parts) - 1} for at, part in enumerate(parts)]


def no_more() -> NoReturn:
    raise AssertionError("the endpoint read on after the body's end")
