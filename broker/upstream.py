"""How a city's system is asked: a request, the page that comes, and the checks that every answer goes through.

A connector says what to ask (`Upstream.get`, `Upstream.post`); a `Transport` sends it. There are two of them:
`broker.transport.Http` for the real systems, and `Sample`, which answers inside the process in the same wire forms.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import orjson
import stamina

from broker.charset import decoded
from broker.errors import Refused, Unavailable, Unreadable
from broker.telemetry import span

__all__ = ["Answer", "Page", "Received", "Request", "Sample", "Transport", "Upstream"]

NOTHING: Mapping[str, str] = {}
BEFORE_THE_ROOT = rb"(?:\xef\xbb\xbf)?\s*+(?:<\?[^>]*>\s*+)?+(?><!--.*?-->\s*+)*+"
HTML = re.compile(
    BEFORE_THE_ROOT + rb"<(?:!doctype\s+)?(?:html|head|body|title|h1|center|div|br|meta|script)\b",
    re.IGNORECASE | re.DOTALL,
)
REPORT = re.compile(
    BEFORE_THE_ROOT + rb"(?:<!doctype[^>]*>\s*)?<(?:\w+:)?(?:Service)?ExceptionReport\b", re.IGNORECASE | re.DOTALL
)
TITLE = re.compile(rb"<(title|h1)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
LOOKED_AT = 4000  # bytes at the start of a body
EXCERPT = 200


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

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other request: its line, and its form."""
        return str(self), urlencode(self.form)


@dataclass(frozen=True, slots=True)
class Received:
    """A body as a transport received it, unpacked, and the charset its sender declares, empty when it declares none."""

    body: bytes
    charset: str = ""


@dataclass(frozen=True)
class Page:
    """One answer of a source: its bytes, where they came from, and what the reader noted when it asked."""

    body: bytes
    url: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    charset: str = ""

    @property
    def text(self) -> str:
        """The body as text, in the charset its bytes give evidence of. Raises `Unreadable` when there is none."""
        return decoded(self.body, self.url or "the answer", self.charset)

    @cached_property
    def json(self) -> Any:  # noqa: ANN401 - JSON is anything; the reader checks its shape
        """The body as JSON, read once. Raises `Unreadable` with what the body was instead."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            text = self.text
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{self.url or 'the answer'} is not JSON: {self.looks_like} ({error})") from error

    @property
    def looks_like(self) -> str:
        """What the body seems to be, for an error's text: at most a line."""
        start = self.body[:400].lstrip()
        if not start:
            return "it is empty"
        return self.no_data or f"it begins with {start[:40].decode('utf-8', 'backslashreplace')!r}"

    @property
    def no_data(self) -> str:
        """What the body is when it is a message instead of data, with what it says; empty for everything else."""
        start = self.body[:LOOKED_AT]
        if HTML.match(start):
            titled = TITLE.search(start)
            return _with_words("it is an HTML page", titled[2] if titled else b"")
        if REPORT.match(start):
            return _with_words("it is an exception report", start)
        return ""


def _with_words(what: str, marked_up: bytes) -> str:
    words = " ".join(re.sub(rb"<[^>]*>", b" ", marked_up).decode("utf-8", "replace").split())
    return f"{what}: {words[:EXCERPT]}" if words else what


class Transport(Protocol):
    """Sends one request, once, and gives what a good answer holds."""

    async def send(self, request: Request) -> Received:
        """Return the body; raise a `SourceError` for everything else."""
        ...


@dataclass(frozen=True, slots=True)
class Upstream:
    """One source as its connector sees it: a base URL and two verbs."""

    base_url: str
    transport: Transport
    attempts: int = 3

    async def get(
        self,
        path: str = "",
        params: Mapping[str, str] = NOTHING,
        asked: Mapping[str, str] = NOTHING,
        *,
        html: bool = False,
    ) -> Page:
        """Ask with GET; ``path`` is relative to the base URL, ``asked`` is handed on to the pure half of the reader.

        ``html`` says that an HTML page is what is wanted. Raises `SourceError`.
        """
        return await self._ask(Request("GET", self._url(path), params), asked, self.attempts, html=html)

    async def post(
        self, path: str, form: Mapping[str, str], asked: Mapping[str, str] = NOTHING, *, only_asks: bool = False
    ) -> Page:
        """Ask with POST and a form body. Raises `SourceError`.

        It is sent once, since a POST may change something, unless the caller knows that this one ``only_asks``.
        """
        request = Request("POST", self._url(path), form=form)
        return await self._ask(request, asked, self.attempts if only_asks else 1)

    def _url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}" if path else self.base_url

    async def _ask(self, request: Request, asked: Mapping[str, str], attempts: int, *, html: bool = False) -> Page:
        async for attempt in stamina.retry_context(on=_again, attempts=attempts, timeout=None, wait_max=20.0):
            with attempt, span(f"{request.method} {urlsplit(request.url).hostname}", "client", url=str(request)):
                received = await self.transport.send(request)
                page = Page(received.body, str(request), asked, received.charset)
                if not html and (what := page.no_data):
                    raise Unreadable(f"{request}: {what}")
                return page
        raise AssertionError("unreachable: the retry context returns or raises")


def _again(error: Exception) -> bool | float:
    return isinstance(error, Unavailable) and error.again


Answer = Callable[[Request], bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """The transport of sample data: a function in place of the network."""

    answer: Answer

    async def send(self, request: Request) -> Received:
        """Answer inside the process; what the sample does not know is refused like a 404."""
        try:
            return Received(await asyncio.to_thread(self.answer, request))
        except LookupError as error:
            raise Refused(f"{request}: the sample data has no answer for this ({error})") from error
