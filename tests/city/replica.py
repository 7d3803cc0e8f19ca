"""A source that answers over HTTP what a function says: the sample of a connector, or the same with a fault."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from broker.upstream import Answer, Request

__all__ = ["Replica"]

Spoil = Callable[[Request, bytes], bytes]


class Replica:
    """Serves an `Answer` on loopback, as an async context manager; ``spoil`` may change what is sent."""

    def __init__(self, answer: Answer, home: str) -> None:
        self.answer = answer
        self.home = home
        self.spoil: Spoil = lambda _, body: body
        self.requests: list[str] = []
        self.base_url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        form = {key: str(value) for key, value in (await request.post()).items()}
        url = f"{self.home.rstrip('/')}/{path}" if path else self.home
        asked = Request(request.method, url, dict(request.query), form)
        self.requests.append(str(asked))
        try:
            return web.Response(body=self.spoil(asked, await asyncio.to_thread(self.answer, asked)))
        except LookupError as error:
            return web.Response(status=404, text=str(error))
