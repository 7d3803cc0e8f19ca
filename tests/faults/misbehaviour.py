"""How each fault of the table is made: a place to ask that is wrong, a wrong way to send, or a wrong body."""

import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from broker.upstream import Request
from tests.city import faulty
from tests.city.faulty import Faulty, Sending
from tests.faults.forms import Opened
from tests.faults.readers import Misled

__all__ = ["MADE", "misbehaving"]

HTML = b"<!DOCTYPE html><html><head><title>Blad</title></head><body>Przepraszamy</body></html>"
REPORT = (
    b'<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1">'
    b"<ows:Exception><ows:ExceptionText>java.lang.OutOfMemoryError</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
)
ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE l [{ENTITIES}]><l>&a9;</l>'.encode()

Spoil = Callable[[Misled, Request, bytes], bytes]

SENDINGS: Mapping[str, Sending] = {
    "hang_header": faulty.hang,
    "hang_body": faulty.hang_in_body,
    "drip": faulty.drip,
    "cut": faulty.cut,
    "garbage": faulty.garbage,
    "bomb": faulty.bomb(),
    "huge": faulty.huge,
    "error_500": faulty.status(500),
    "busy_429": faulty.status(429, "Retry-After: 1"),
}


@asynccontextmanager
async def misbehaving(fault: str, reader: Misled, folder: Path) -> AsyncIterator[str]:
    """The address of the reader's source while it does this."""
    answer, home = reader.answer, reader.source.base_url
    if fault in ("endless", "repeated"):
        answer = _first_of(reader)
    async with AsyncExitStack() as stack:
        if fault == "refuse":
            yield await stack.enter_async_context(faulty.refusing())
            return
        if fault == "hang_connect":
            yield await stack.enter_async_context(faulty.never_accepting())
            return
        tls = faulty.certificate(folder) if fault == "tls" else None
        server = await stack.enter_async_context(Faulty(answer, home, tls=tls))
        if fault == "redirect":
            other = await stack.enter_async_context(Faulty(_first_of(reader), home))
            server.sending = faulty.redirect(other.base_url.replace("127.0.0.1", "localhost"))
        if fault in BODIES:
            server.spoil = _spoiling(fault, reader)
        server.sending = SENDINGS.get(fault, server.sending)
        yield server.base_url


def _first_of(reader: Misled) -> Callable[[Request], bytes]:
    """The reader's first answer to whatever is asked: a redirect keeps the query but not the path."""
    kept: list[bytes] = []

    def answer(request: Request) -> bytes:
        del request
        if not kept:
            kept.append(reader.first())
        return kept[0]

    return answer


def _spoiling(fault: str, reader: Misled) -> Callable[[Request, bytes], bytes]:
    spoil = BODIES[fault]
    return lambda request, body: spoil(reader, request, body)


def _always(body: bytes) -> Spoil:
    return lambda *_: body


def _opened(change: Callable[[Misled, Opened], None]) -> Spoil:
    def spoil(reader: Misled, request: Request, body: bytes) -> bytes:
        del request
        opened = reader.form(body)
        change(reader, opened)
        return opened.written()

    return spoil


def _truncated(reader: Misled, request: Request, body: bytes) -> bytes:
    del reader, request
    return body[: len(body) * 2 // 5]


def _other_charset(reader: Misled, request: Request, body: bytes) -> bytes:
    del request
    if body[:2] == b"PK":
        return body
    if reader.name == "sheet_csv":
        return body.decode("cp1250").encode()
    return body.decode().encode("iso-8859-2", "xmlcharrefreplace")


def _endless(reader: Misled, request: Request, body: bytes) -> bytes:
    """The first page under keys of its own each time."""
    del body
    opened = reader.form(reader.first())
    for row in opened.rows:
        own = f"{row['id']}-{abs(hash((request.url, *request.params.values())))}"
        opened.put(row, reader.key, own)
        opened.put(row, reader.text, own)
    if reader.name == "ogc_features":
        return _linked(opened.written(), f"{request.params.get('offset', '')}1")
    return opened.written()


def _repeated(reader: Misled, request: Request, body: bytes) -> bytes:
    del request, body
    return reader.first()


def _linked(body: bytes, offset: str) -> bytes:
    return body.replace(b"offset=40", f"offset={offset}".encode())


def _duplicate(reader: Misled, opened: Opened) -> None:
    again = copy.deepcopy(opened.rows[: len(opened.rows) // 3 + 1])
    for row in again:
        opened.put(row, reader.text, "777")
    opened.rows.extend(again)


def _half(reader: Misled, request: Request, body: bytes) -> bytes:
    """Two fifths and no more: of several pages the first one, and nothing after it."""
    del request
    opened = reader.form(reader.first())
    if not reader.paged:
        opened.rows = opened.rows[: len(opened.rows) * 2 // 5]
    opened.state(len(opened.rows))
    if body != reader.first():
        opened.rows = []
    return opened.written().replace(b'"rel":"next"', b'"rel":"self"')


def _none(reader: Misled, opened: Opened) -> None:
    del reader
    opened.rows = []
    opened.state(0)


def _stated(reader: Misled, opened: Opened) -> None:
    opened.state(300 if reader.paged else 900)


BODIES: Mapping[str, Spoil] = {
    "html": _always(HTML),
    "report": _always(REPORT),
    "laughs": _always(LAUGHS),
    "truncated": _truncated,
    "charset": _other_charset,
    "endless": _endless,
    "repeated": _repeated,
    "total": _opened(_stated),
    "duplicates": _opened(_duplicate),
    "all_gone": _opened(_none),
    "half_gone": _half,
    "renamed": _opened(lambda reader, opened: opened.rename(reader.needed, "zmienione")),
    "swapped": _opened(lambda _, opened: opened.swap()),
}
MADE = {"refuse", "hang_connect", "tls", "redirect", *SENDINGS, *BODIES}
"""Every fault that can be made."""
