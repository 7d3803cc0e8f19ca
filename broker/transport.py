"""The one way out: HTTP to a city's system, bounded in time, size and rate, and only to where it is configured to be.

The `Network` has one pool of connections, and for each source a `Gate`, which holds what the source is spared.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
from aiolimiter import AsyncLimiter

from broker.body import ENCODINGS, Body
from broker.breaker import Breaker, Circuit
from broker.errors import BrokerError, Refused, SourceError, Unavailable, Unreadable
from broker.remembered import Packed, Validated
from broker.settings_groups import UpstreamSettings
from broker.telemetry import trace_headers
from broker.upstream import Received, Request

__all__ = ["Gate", "Http", "Network", "as_source_error", "connect"]

RETRY_STATUSES = frozenset({408, 425, 429})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SAME_METHOD = frozenset({307, 308})  # the others turn a POST into a GET (RFC 9110, 15.4), which asks something else
MOST_REDIRECTS = 5
PORTS = {"http": 80, "https": 443}
NOT_MODIFIED = 304
LONGEST_WAIT = 60.0  # seconds; a source that wants to be left alone for longer is asked at the next refresh


@dataclass(frozen=True, slots=True)
class Gate:
    """What one source is spared: so many requests at a time, so many a second, none at all for a while when it fails."""

    parallel: asyncio.Semaphore
    rate: AsyncLimiter
    breaker: Breaker

    @classmethod
    def of(cls, bounds: UpstreamSettings) -> "Gate":
        """A gate as the settings ``upstream`` describe it."""
        burst = max(1.0, bounds.per_second)
        return cls(
            asyncio.Semaphore(bounds.parallel),
            AsyncLimiter(burst, burst / bounds.per_second),
            Breaker(bounds.circuit_failures, bounds.circuit_seconds),
        )


class Network:
    """The way to every source: one pool of connections, with the limits of time of the settings ``upstream``; made within an event loop."""

    def __init__(self, bounds: UpstreamSettings) -> None:
        patience = min(bounds.connect_seconds, bounds.timeout_seconds)
        timeout = aiohttp.ClientTimeout(
            total=bounds.timeout_seconds, connect=patience, sock_connect=patience, sock_read=bounds.read_seconds
        )
        headers = {"User-Agent": f"poznan-broker/{version('poznan-broker')}", "Accept-Encoding": ENCODINGS}
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers, auto_decompress=False)
        self._bounds = bounds
        self._validated = Validated(bounds.kept_mib << 20)
        self._gates: dict[tuple[str, str], Gate] = {}

    def transport(self, source: str, address: str | None = None) -> "Http":
        """The transport to a source, by its id; its data sets share a gate, but for those that have an address of their own."""
        known = source, urlsplit(address or "").netloc
        if known not in self._gates:
            self._gates[known] = Gate.of(self._bounds)
        return Http(self._session, self._gates[known], self._bounds.max_body_mib << 20, self._validated)

    def circuit(self, source: str) -> Circuit:
        """The state of a source's circuit breaker, closed for a source that was never asked; of several gates the worst."""
        states = [gate.breaker.circuit for (id, _), gate in self._gates.items() if id == source]
        return max(states, key=list(Circuit).index, default=Circuit.CLOSED)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


@asynccontextmanager
async def connect(bounds: UpstreamSettings) -> AsyncIterator[Network]:
    """Open the network, and close it at the end."""
    async with aclosing(Network(bounds)) as network:
        yield network


@dataclass(frozen=True, slots=True)
class Http:
    """The transport of real sources: aiohttp behind a gate, with a bound on the body in bytes."""

    session: aiohttp.ClientSession
    gate: Gate
    max_bytes: int
    validated: Validated

    async def send(self, request: Request) -> Received:
        """Send over HTTP. Raises `Unavailable`, `Refused`, `Oversized` or `Unreadable`, naming the request."""
        self.gate.breaker.check(str(request))
        async with self.gate.parallel:
            with self.gate.breaker.watching(str(request)):  # it may have opened while this one waited
                try:
                    return await self._followed(request)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    raise as_source_error(error, request) from error

    async def _followed(self, request: Request) -> Received:
        """Send, and go after redirects by hand: aiohttp would follow them anywhere."""
        url, params = request.url, dict(request.params)
        known = self.validated.get(request)
        for _ in range(1 + MOST_REDIRECTS):
            await self.gate.rate.acquire()
            async with self.session.request(
                request.method,
                url,
                params=params or None,
                data=request.form or None,
                headers={**(known.validators if known else {}), **trace_headers()},
                allow_redirects=False,
            ) as response:
                if response.status not in REDIRECTS:
                    return await self._received(request, response, known)
                url, params = _next(request, url, response), {}
        raise Refused(f"{request}: it redirects without end")

    async def _received(self, request: Request, response: aiohttp.ClientResponse, known: Packed | None) -> Received:
        if response.status == NOT_MODIFIED and known is not None:
            return await known.received()
        said = f"{request}: the source answered {response.status} {response.reason}"
        if response.status >= 500 or response.status in RETRY_STATUSES:  # noqa: PLR2004 - RFC 9110, 15.6
            raise _not_now(said, response.headers.get("Retry-After", ""))
        if response.status >= 300:  # noqa: PLR2004 - redirects were followed, so this is a refusal
            raise Refused(said)
        body = await self._body(request, response)
        received = Received(body, response.charset or "")
        await self.validated.keep(request, received, response.headers)
        return received

    async def _body(self, request: Request, response: aiohttp.ClientResponse) -> bytes:
        body = Body(str(request), response.headers.get("Content-Encoding", ""), self.max_bytes)
        body.expect(response.content_length or 0)
        async for piece in response.content.iter_chunked(1 << 16):
            if body.is_packed:
                await asyncio.to_thread(body.add, piece)
            else:
                body.add(piece)
        return body.whole()


def _next(request: Request, url: str, response: aiohttp.ClientResponse) -> str:
    """Where a redirect leads. Raises `Refused` for another host, and for a POST that would change."""
    said = f"{request}: the source answered {response.status}"
    if request.method != "GET" and response.status not in SAME_METHOD:
        raise Refused(f"{said}, a redirect that would turn {request.method} into GET")
    try:
        there = urljoin(url, response.headers["Location"])
        goal, here = urlsplit(there), urlsplit(url)
        led, came = (goal.scheme, _port(goal)), (here.scheme, _port(here))
    except (KeyError, ValueError) as error:
        raise Refused(f"{said}, a redirect to nowhere") from error
    if goal.hostname != here.hostname or (led != came and (came[0], *led) != ("http", "https", PORTS["https"])):
        raise Refused(
            f"{said}, a redirect to {goal.scheme}://{goal.netloc}; this source is asked at {here.netloc} only"
        )
    return there


def _port(parts: SplitResult) -> int | None:
    return parts.port or PORTS.get(parts.scheme)


def _not_now(said: str, retry_after: str) -> Unavailable:
    """The error for a source that cannot answer now; when it says for how long, the next attempt waits so long (RFC 9110, 10.2.3)."""
    try:
        seconds = float(retry_after) if retry_after.strip().isdecimal() else _seconds_until(retry_after)
    except (TypeError, ValueError):
        return Unavailable(said)
    if seconds <= LONGEST_WAIT:
        return Unavailable(said, again=max(0.0, seconds))
    return Unavailable(f"{said}, and wants to be left alone for {seconds:.0f} s", again=False)


def _seconds_until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()


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
