"""The one way out: HTTP to a city's system, bounded in time and size, tried again when that can help.

A connector says what to ask (`Upstream.get`, `Upstream.post`); a `Transport` sends it. There are two transports: `Http`
for the real systems, and `Sample`, which answers inside the process in the same wire forms.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
import stamina

from broker.errors import BrokerError, Oversized, Refused, SourceError, Unavailable, Unreadable
from broker.telemetry import span, trace_headers

__all__ = [
    "Answer",
    "Http",
    "Page",
    "Request",
    "Sample",
    "Session",
    "Transport",
    "Upstream",
    "as_source_error",
    "connect",
]

RETRY_STATUSES = frozenset({408, 425, 429})
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a source: an absolute URL with its query, and a form when it is a POST."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        query = f"?{urlencode(self.params)}" if self.params else ""
        return f"{self.method} {self.url}{query}"


@dataclass(frozen=True)
class Page:
    """One answer of a source: its bytes, where they came from, and what the reader noted when it asked."""

    body: bytes
    url: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def json(self) -> Any:  # noqa: ANN401 - JSON is anything; the reader checks its shape
        """The body as JSON, read once. Raises `Unreadable` with what the body was instead."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{self.url or 'the answer'} is not JSON: {self.looks_like} ({error})") from error

    @property
    def looks_like(self) -> str:
        """What the body seems to be, for an error's text: at most a line."""
        start = self.body[:400].lstrip()
        lowered = start.lower()
        if not start:
            return "it is empty"
        if lowered.startswith((b"<!doctype html", b"<html")):
            return "it is an HTML page"
        if b"exceptionreport" in lowered:
            return "it is an exception report"
        return f"it begins with {start[:40].decode('utf-8', 'backslashreplace')!r}"


class Transport(Protocol):
    """Sends one request and gives the body of a good answer."""

    async def send(self, request: Request) -> bytes:
        """Return the body; raise a `SourceError` for everything else."""
        ...


@dataclass(frozen=True, slots=True)
class Upstream:
    """One source as its connector sees it: a base URL and two verbs."""

    base_url: str
    transport: Transport
    attempts: int = 3

    async def get(
        self, path: str = "", params: Mapping[str, str] = NOTHING, asked: Mapping[str, str] = NOTHING
    ) -> Page:
        """Ask with GET; ``path`` is relative to the base URL, ``asked`` is handed on to the pure half of the reader."""
        return await self._ask(Request("GET", self._url(path), params), asked)

    async def post(self, path: str, form: Mapping[str, str], asked: Mapping[str, str] = NOTHING) -> Page:
        """Ask with POST and a form body."""
        return await self._ask(Request("POST", self._url(path), form=form), asked)

    def _url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}" if path else self.base_url

    async def _ask(self, request: Request, asked: Mapping[str, str]) -> Page:
        async for attempt in stamina.retry_context(on=Unavailable, attempts=self.attempts, timeout=None, wait_max=20.0):
            with attempt, span(f"{request.method} {urlsplit(request.url).hostname}", "client", url=str(request)):
                return Page(await self.transport.send(request), str(request), asked)
        raise AssertionError("unreachable: the retry context returns or raises")


Answer = Callable[[Request], bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """The transport of sample data: a function in place of the network."""

    answer: Answer

    async def send(self, request: Request) -> bytes:
        """Answer inside the process; what the sample does not know is refused like a 404."""
        try:
            return await asyncio.to_thread(self.answer, request)
        except LookupError as error:
            raise Refused(f"{request}: the sample data has no answer for this ({error})") from error


Session: TypeAlias = aiohttp.ClientSession


@asynccontextmanager
async def connect(timeout_seconds: float) -> AsyncIterator[Session]:
    """A session for every source: one pool of connections, a bound on the whole of a request in seconds."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=min(10.0, timeout_seconds))
    agent = f"poznan-broker/{version('poznan-broker')}"
    async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": agent}) as session:
        yield session


@dataclass(frozen=True, slots=True)
class Http:
    """The transport of real sources: aiohttp, with a bound on the body and at most a few requests at a time."""

    session: Session
    max_bytes: int
    politeness: asyncio.Semaphore

    async def send(self, request: Request) -> bytes:
        """Send over HTTP. Raises `Unavailable`, `Refused` or `Oversized`, naming the request."""
        try:
            async with (
                self.politeness,
                self.session.request(
                    request.method,
                    request.url,
                    params=request.params or None,
                    data=request.form or None,
                    headers=trace_headers(),
                ) as response,
            ):
                if response.status >= 500 or response.status in RETRY_STATUSES:  # noqa: PLR2004 - RFC 9110, 15.6
                    raise Unavailable(f"{request}: the source answered {response.status} {response.reason}")
                if response.status >= 300:  # noqa: PLR2004 - redirects were followed, so this is a refusal
                    raise Refused(f"{request}: the source answered {response.status} {response.reason}")
                return await self._body(request, response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise as_source_error(error, request) from error

    async def _body(self, request: Request, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(1 << 16):
            body += chunk
            if len(body) > self.max_bytes:
                raise Oversized(f"{request}: the body is larger than {self.max_bytes} bytes")
        return bytes(body)


def as_source_error(error: Exception, request: Request) -> BrokerError:
    """Map what aiohttp raises to our tree, the most specific class first; total over aiohttp's tree (tested)."""
    for kind, become, what in AIOHTTP_ERRORS:
        if isinstance(error, kind):
            return become(f"{request}: {what} ({type(error).__name__}: {error})")
    return SourceError(f"{request}: {type(error).__name__}: {error}")


AIOHTTP_ERRORS: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
    (aiohttp.ClientSSLError, Refused, "its certificate was not accepted"),
    (aiohttp.InvalidURL, Refused, "the address is not a URL"),
    (aiohttp.NonHttpUrlClientError, Refused, "the address is not one of HTTP"),
    (aiohttp.TooManyRedirects, Refused, "it redirects without end"),
    (aiohttp.ContentTypeError, Unreadable, "its content type is not the one asked for"),
    (aiohttp.ClientPayloadError, Unavailable, "the body was cut short"),
    (aiohttp.ClientResponseError, Unavailable, "its answer is not HTTP"),
    (aiohttp.ServerTimeoutError, Unavailable, "it did not answer in time"),
    (TimeoutError, Unavailable, "it did not answer in time"),
    (aiohttp.ClientConnectionError, Unavailable, "no connection"),
    (aiohttp.ClientError, Unavailable, "the request failed"),
    (OSError, Unavailable, "no connection"),
)
