"""The broker put together: the engine opened, the routes and the middleware in the order they run; assembly only."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker import graphiql
from broker.catalog import Catalog
from broker.endpoint import Endpoint
from broker.errors import BrokerError, SettingError
from broker.live import Live
from broker.packages import check_packages
from broker.refresh import Refresher
from broker.schedule import Schedule
from broker.search import Search
from broker.settings import Settings
from broker.store import SqlStore, open_store
from broker.telemetry import Event, configure, log
from resolvers.context import Context
from resolvers.schema import build

__all__ = ["Engine", "SecurityHeaders", "core", "create_app", "from_environment"]

FILLING = "filling"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class Engine:
    """Everything a broker needs to answer and to refresh."""

    settings: Settings
    catalog: Catalog
    store: SqlStore
    refresher: Refresher
    endpoint: Endpoint

    @classmethod
    def open(cls, settings: Settings) -> "Engine":
        """Read the connectors and open the store. Raises `SettingError`, `DeclarationError` or `StoreError`."""
        check_packages()
        catalog = Catalog.load()
        for one in catalog.broken:
            log().error(Event.CONNECTOR_BROKEN, module=one.module, reason=one.reason)
        for id in settings.sources:
            if id not in catalog.sources:
                raise SettingError(f"sources.{id}: there is no such source; there are {', '.join(catalog.sources)}")
        store = open_store(settings.store, catalog)
        refresher = Refresher(catalog, store, settings)
        live, search = Live(refresher, store), Search(store)
        endpoint = Endpoint(
            core(build(catalog)),
            lambda: Context(catalog, store, live, search, settings),
            settings.limits,
            introspection=settings.introspection,
        )
        return cls(settings, catalog, store, refresher, endpoint)

    @asynccontextmanager
    async def running(self, *, schedule: bool = False) -> AsyncIterator["Engine"]:
        """The engine with its connections; sample data is there from the first moment. Closes the store at the end."""
        async with AsyncExitStack() as stack:
            stack.callback(self.store.close)
            await stack.enter_async_context(self.refresher)
            if self.settings.sample:
                await self.fill()
            if schedule:
                await stack.enter_async_context(_beside(Schedule(self.refresher, self.store, self.catalog).run))
            yield self

    async def fill(self) -> None:
        """Refresh what has never been; of several processes on one store one does it, and the others wait for it."""
        while empty := [id for id, one in (await asyncio.to_thread(self.store.versions)).items() if one.number == 0]:
            claim = await asyncio.to_thread(self.store.claim, FILLING)
            if claim is None:
                await asyncio.sleep(0.1)
                continue
            try:
                await self.refresher.refresh_all([self.catalog.datasets[id] for id in empty])
            finally:
                claim.release()
            return


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """The executor's schema inside strawberry's; our resolvers need nothing that strawberry adds around an execution."""
    inner: GraphQLSchema = schema._schema  # noqa: SLF001 - strawberry has no public name for it
    return inner


def create_app(settings: Settings) -> Starlette:
    """The broker as an ASGI app. Raises `SettingError`, `DeclarationError` or `StoreError` before anything is served."""
    engine = Engine.open(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with engine.running(schedule=settings.refresh.schedule):
            log().info(Event.STARTED, datasets=len(engine.catalog.datasets), sample=settings.sample)
            yield
        log().info(Event.STOPPED)

    return Starlette(routes=_routes(engine), middleware=[Middleware(SecurityHeaders)], lifespan=lifespan)


def from_environment() -> Starlette:
    """The app of a worker process, which reads its settings where the parent has put them."""
    settings = Settings.load()
    configure(settings.log_level, settings.log_format)
    return create_app(settings)


def _routes(engine: Engine) -> list[BaseRoute]:
    async def live(request: Request) -> Response:
        del request
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        """Ready is a broker whose store answers and holds at least one data set."""
        del request
        try:
            versions = await asyncio.to_thread(engine.store.versions)
        except BrokerError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
        filled = sum(one.number > 0 for one in versions.values())
        body: dict[str, Any] = {
            "status": "ready" if filled else "not ready",
            "datasets": len(versions),
            "filled": filled,
        }
        return JSONResponse(body, 200 if filled else 503)

    async def home(request: Request) -> Response:
        del request
        return RedirectResponse("graphiql")

    page: list[BaseRoute] = [Route("/", home), *graphiql.routes()] if engine.settings.graphiql else []
    return [Route("/graphql", engine.endpoint), Route("/health/live", live), Route("/health/ready", ready), *page]


class SecurityHeaders:
    """Adds the headers that keep a browser careful, where an answer has not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the inner app, its headers completed."""

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, completed)


@asynccontextmanager
async def _beside(work: Callable[[], Any]) -> AsyncIterator[None]:
    """Run something beside the rest, and end it with the rest."""
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
