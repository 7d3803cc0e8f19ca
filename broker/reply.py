"""What a client wants of a reply's form, and the reply: media type, content encoding, marks and rules for caches (RFC 9110, 9111)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import Scope, Send

from broker.execution.responses import Kept, encode
from broker.headers import SECURITY
from broker.negotiation import GRAPHQL, JSON, acceptable, encoding

__all__ = ["Reply", "Wanted"]

LEAST_COMPRESSED = 1000
"""Bytes below which compressing costs more than it saves."""
KEPT_REPLIES = 8
"""Forms of one answer that are kept ready; they share its bodies."""
OF_A_BODY = (b"content-type", b"content-encoding")
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as bytes."""

    status: int
    headers: Headers
    body: bytes

    async def send(self, send: Send, request_id: str) -> None:
        """Send it, with the request's id."""
        headers = [*self.headers, (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request's method and those of its headers that decide about a reply."""

    method: str
    media_type: str | None
    encoding: str
    none_match: str
    content_type: str
    content_encoded: bool
    announced: int

    @classmethod
    def of(cls, scope: Scope) -> "Wanted":
        """Read from an ASGI scope; a client says the same again and again, so what was read last is kept."""
        return _wanted(scope["method"], tuple(map(tuple, scope["headers"])))

    @classmethod
    def read(cls, method: str, headers: Iterable[tuple[bytes, bytes]]) -> "Wanted":
        """Read from a method and its headers."""
        given: dict[bytes, bytes] = {}
        for name, value in headers:
            given[name] = b"%s, %s" % (given[name], value) if name in given else value
        length = given.get(b"content-length", b"0")
        return cls(
            method,
            acceptable(given.get(b"accept", b"").decode("latin-1")),
            encoding(given.get(b"accept-encoding", b"").decode("latin-1")),
            given.get(b"if-none-match", b"").decode("latin-1"),
            given.get(b"content-type", b"").decode("latin-1"),
            b"content-encoding" in given,
            int(length) if length.isdigit() else 0,
        )

    @property
    def reads(self) -> bool:
        """Whether it is a GET: nothing may change by it, and caches may keep its reply."""
        return self.method == "GET"

    def kept(self, kept: Kept, *, private: bool) -> Reply:
        """The reply with an answer that can be given again; 304 when the client has it already. Made once a second for equal wishes."""
        seconds, key = (kept.seconds if self.reads else 0), (self, private)
        known: tuple[int, Reply] | None = kept.replies.get(key)
        if known is not None and known[0] == seconds:
            return known[1]
        if len(kept.replies) >= KEPT_REPLIES:
            kept.replies.clear()
        made = self._kept(kept, seconds, private=private)
        kept.replies[key] = seconds, made
        return made

    def _kept(self, kept: Kept, seconds: int, *, private: bool) -> Reply:
        form = self._encoding(len(kept.body))
        tag = f'"{kept.tag}{"-g" if self.media_type == GRAPHQL else ""}{f"-{form}" if form else ""}"'
        headers = self._headers(form, private=private)
        if self.reads:
            who = "private" if private else "public"
            rule = f"{who}, max-age={seconds}" if seconds else f"{who}, no-cache"
            headers += [(b"etag", tag.encode()), (b"cache-control", rule.encode())]
            if self.none_match and _matches(tag, self.none_match):
                return Reply(304, [one for one in headers if one[0] not in OF_A_BODY], b"")
        else:
            headers.append((b"cache-control", b"no-store"))
        body = kept.in_encoding(form)
        headers.append((b"content-length", b"%d" % len(body)))
        return Reply(200, headers, body)

    def other(self, status: int, body: bytes, more: Mapping[str, str]) -> Reply:
        """The reply with an answer that is given once."""
        form = self._encoding(len(body))
        body = encode(body, form) if form else body
        own: Headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]
        length = (b"content-length", b"%d" % len(body))
        return Reply(status, [*self._headers(form, private=False), (b"cache-control", b"no-store"), *own, length], body)

    def _encoding(self, size: int) -> str:
        return self.encoding if size >= LEAST_COMPRESSED else ""

    def _headers(self, form: str, *, private: bool) -> Headers:
        kind = f"{self.media_type or JSON}; charset=utf-8"
        vary = b"Accept, Accept-Encoding, Authorization" if private else b"Accept, Accept-Encoding"
        headers = [(b"content-type", kind.encode()), (b"vary", vary), *SECURITY]
        return [*headers, (b"content-encoding", form.encode())] if form else headers


@lru_cache(maxsize=1000)
def _wanted(method: str, headers: tuple[tuple[bytes, bytes], ...]) -> Wanted:
    return Wanted.read(method, headers)


def _matches(tag: str, none_match: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2), as the field demands."""
    given = [one.strip().removeprefix("W/") for one in none_match.split(",")]
    return tag in given or "*" in given
