"""The broker put together: the engine opened, the routes and the middleware in the order they run; assembly only."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import strawberry
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from broker import graphiql
from broker.catalog import Broken, Catalog
from broker.endpoint import Endpoint
from broker.errors import BrokerError, SettingError
from broker.headers import SecurityHeaders
from broker.live import Live
from broker.model import Dataset
from broker.on_demand import OnDemand
from broker.packages import check_packages
from broker.probes import Probes
from broker.refresh import Refresher
from broker.schedule import Schedule
from broker.search import Search
from broker.settings import Settings
from broker.store import MigrationMode, SqlStore, open_descriptions, open_store
from broker.telemetry import Event, configure, log
from broker.upstream import Upstream
from connectors.layers import LAYERS, ConfiguredLayer, declare, describe, described, written
from resolvers.context import Context
from resolvers.schema import build

__all__ = ["Engine", "Served", "configured_layers", "core", "create_app", "from_environment"]

FILLING = "filling"
DESCRIBE_SECONDS = 5.0
COLLECTIONS = (5000, 10, 200)
"""How often the collector looks at what is young, older and oldest. Kept documents are trees of many objects that stay: looked through
as often as Python does by itself, they cost pauses of up to half a second, and find nothing; this way it is some 30 ms at most."""


@dataclass(frozen=True)
class Engine:
    """Everything a broker needs to answer and to refresh."""

    settings: Settings
    catalog: Catalog
    store: SqlStore
    refresher: Refresher
    live: Live
    on_demand: OnDemand
    endpoint: Endpoint
    layers_away: Mapping[str, str]
    """Why the server of a configured layer does not describe it now, by ``layers.<id>``; it may have done so before."""

    @classmethod
    def open(cls, settings: Settings, mode: MigrationMode = MigrationMode.AUTOMATIC) -> "Engine":
        """Read the connectors and open the store, whose tables follow the declarations as far as ``mode`` lets them.

        Raises `SettingError`, `DeclarationError` or `StoreError`.
        """
        check_packages()
        layers, unusable, away = configured_layers(settings)
        catalog = Catalog.load(layers, unusable)
        for one in catalog.broken:
            log().error(Event.CONNECTOR_BROKEN, module=one.module, reason=one.reason)
        for id in settings.sources:
            if id not in catalog.sources:
                raise SettingError(f"sources.{id}: there is no such source; there are {', '.join(catalog.sources)}")
        store = open_store(settings.store, catalog, timedelta(days=settings.history.days), mode)
        refresher = Refresher(catalog, store, settings)
        live, on_demand, search = Live(refresher, store), OnDemand(refresher), Search(store)
        endpoint = Endpoint(
            core(build(catalog)),
            lambda: Context(catalog, store, live, on_demand, search, settings),
            settings.limits,
            introspection=settings.introspection,
            pages=settings.pages,
            store=store,
            room=settings.kept_mib << 20,
        )
        return cls(settings, catalog, store, refresher, live, on_demand, endpoint, away)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Engine"]:
        """The engine with its connections, closed at the end; sample data is there from the first moment."""
        async with self._connected():
            if self.settings.sample:
                await self.fill()
            yield self

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Engine"]:
        """The engine with its connections, and the work beside the answering; a query waits for what it reads of a sample."""
        async with self._connected(), AsyncExitStack() as stack:
            if self.settings.sample:
                self.refresher.expect(await self._empty())
            await stack.enter_async_context(_beside(self._work))
            yield self

    async def scheduling(self) -> None:
        """Refresh what is due, without answering, until cancelled; of several processes on one store one does it."""
        async with self._connected():
            log().info(Event.STARTED, datasets=len(self.catalog.datasets), sample=self.settings.sample)
            try:
                await Schedule(self.refresher, self.store, self.catalog).run()
            finally:
                log().info(Event.STOPPED)

    async def fill(self) -> None:
        """Refresh what has never been; of several processes on one store one does it, and the others wait for it."""
        lease = None
        try:
            while empty := await self._empty():
                for id in self.catalog.datasets.keys() - set(empty):
                    self.refresher.arrived(id)
                lease = await asyncio.to_thread(self.store.lease, FILLING)
                if lease is not None:
                    await self.refresher.refresh_all([self.catalog.datasets[id] for id in await self._empty()])
                    return
                await asyncio.sleep(0.1)
        finally:
            if lease is not None:
                await asyncio.to_thread(lease.release)
            for id in self.catalog.datasets:
                self.refresher.arrived(id)

    async def _work(self) -> None:
        try:
            if self.settings.sample:
                await self.fill()
            if self.settings.refresh.schedule:
                await Schedule(self.refresher, self.store, self.catalog).run()
        except Exception as error:  # noqa: BLE001 - the answering goes on from what there is
            log().error(Event.SCHEDULE_FAILED, exc_info=error)

    async def _empty(self) -> list[str]:
        return [id for id, one in (await asyncio.to_thread(self.store.versions)).items() if one.number == 0]

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        try:
            async with self.refresher, aclosing(self.live), aclosing(self.on_demand):
                yield
        finally:
            self.store.close()


def configured_layers(settings: Settings) -> tuple[list[Dataset], list[Broken], Mapping[str, str]]:
    """The data sets of layers added by configuration, those that no server describes, now or earlier, and why one does not now.

    A server that is away is asked again at the next start; until then its last description stands. Raises `StoreError`.
    """
    if not settings.layers:
        return [], [], {}
    wanted = [ConfiguredLayer(id, **one.model_dump()) for id, one in settings.layers.items()]
    with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
        told = thread.submit(asyncio.run, _described(wanted, settings)).result()
    kept = open_descriptions(settings.store)
    kept.keep({id: one for id, one in told.items() if isinstance(one, str)})
    known = kept.read()
    usable = [declare(one, described(known[one.id])) for one in wanted if one.id in known]
    broken = [Broken(f"layers.{one.id}", str(told[one.id])) for one in wanted if one.id not in known]
    away = {f"layers.{id}": str(one) for id, one in told.items() if isinstance(one, BrokerError)}
    return usable, broken, away


async def _described(wanted: list[ConfiguredLayer], settings: Settings) -> dict[str, str | BrokerError]:
    """Each layer's description as text, or why there is none."""
    from broker.transport import connect  # noqa: PLC0415 - most brokers have no such layers

    told: dict[str, str | BrokerError] = {}
    async with connect(settings.upstream.model_copy(update={"timeout_seconds": DESCRIBE_SECONDS})) as network:
        for one in wanted:
            try:
                told[one.id] = written(
                    await describe(one, Upstream(one.url, network.transport(LAYERS.id, one.url), attempts=1))
                )
            except BrokerError as error:
                log().warning(Event.LAYER_NOT_DESCRIBED, layer=one.id, reason=str(error))
                told[one.id] = error
    return told


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """The executor's schema inside strawberry's; our resolvers need nothing that strawberry adds around an execution."""
    inner: GraphQLSchema = schema._schema  # noqa: SLF001 - strawberry has no public name for it
    return inner


class Served(Starlette):
    """An app that leads requests to the endpoint past routing and middleware, which would take longer than a kept answer."""

    def __init__(self, endpoint: ASGIApp, **rest: Any) -> None:  # noqa: ANN401 - Starlette's own
        super().__init__(**rest)
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with one of both."""
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings) -> Starlette:
    """The broker as an ASGI app. Raises `SettingError`, `DeclarationError` or `StoreError` before anything is served."""
    gc.disable()  # what is made at the start stays for good: looking through it for what could go takes a tenth of the start
    engine = Engine.open(settings)
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    gc.enable()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with engine.serving():
            log().info(Event.STARTED, datasets=len(engine.catalog.datasets), sample=settings.sample)
            yield
        log().info(Event.STOPPED)

    return Served(
        _across(engine.endpoint, settings.cors_origins),
        routes=_routes(engine),
        middleware=[Middleware(SecurityHeaders)],
        lifespan=lifespan,
    )


def _across(endpoint: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The endpoint, for pages of these origins too; without any it is left as it is, which is faster."""
    if not origins:
        return endpoint
    headers = ["if-none-match", "traceparent", "tracestate"]
    told = ["etag", "retry-after", "x-request-id"]
    return CORSMiddleware(
        endpoint, allow_origins=origins, allow_methods=("GET", "POST"), allow_headers=headers, expose_headers=told
    )


def from_environment() -> Starlette:
    """The app of a worker process, which reads its settings where the parent has put them."""
    settings = Settings.load()
    configure(settings.log_level, settings.log_format)
    return create_app(settings)


def _routes(engine: Engine) -> list[BaseRoute]:
    async def home(request: Request) -> Response:
        del request
        return RedirectResponse("graphiql")

    page: list[BaseRoute] = [Route("/", home), *graphiql.routes()] if engine.settings.graphiql else []
    watched = Probes(engine.store, engine.endpoint, engine.refresher)
    return [*watched.routes(metrics=engine.settings.metrics), *page]


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
