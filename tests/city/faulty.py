"""A source that misbehaves on the wire: what an HTTP library would not let a server do is written to the socket by hand."""

import asyncio
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from broker.upstream import Answer, Request

__all__ = [
    "HUGE",
    "Faulty",
    "Sending",
    "bomb",
    "certificate",
    "cut",
    "drip",
    "garbage",
    "good",
    "hang",
    "hang_in_body",
    "huge",
    "never_accepting",
    "redirect",
    "refusing",
    "status",
]

HUGE = 300_000_000
FOREVER = 3600.0

Sending = Callable[[asyncio.StreamWriter, bytes], Coroutine[None, None, None]]
"""How an answer is put on the wire; ``body`` is the good one."""
Spoil = Callable[[Request, bytes], bytes]


async def good(writer: asyncio.StreamWriter, body: bytes) -> None:
    """As it should be."""
    writer.write(_head(200, len(body)) + body)


async def hang(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Accept the request and say nothing."""
    del writer, body
    await asyncio.sleep(FOREVER)


async def hang_in_body(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Stop in the middle."""
    writer.write(_head(200, len(body)) + body[: len(body) // 2])
    await asyncio.sleep(FOREVER)


async def drip(writer: asyncio.StreamWriter, body: bytes) -> None:
    """One byte a second."""
    writer.write(_head(200, len(body)))
    for at in range(len(body)):
        writer.write(body[at : at + 1])
        await writer.drain()
        await asyncio.sleep(1.0)


async def cut(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Promise the whole, send half, hang up."""
    writer.write(_head(200, len(body)) + body[: len(body) // 2])


async def garbage(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Something that is not HTTP."""
    del body
    writer.write(b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n" * 4)


def bomb() -> Sending:
    """A small body that unpacks to a huge one."""
    packed = _packed()

    async def sending(writer: asyncio.StreamWriter, body: bytes) -> None:
        del body
        writer.write(_head(200, len(packed), "Content-Encoding: gzip") + packed)

    return sending


async def huge(writer: asyncio.StreamWriter, body: bytes) -> None:
    """A huge body, whose size is not told."""
    del body
    writer.write(_head(200, None))
    for _ in range(HUGE >> 16):
        writer.write(b" " * (1 << 16))
        await writer.drain()


def status(code: int, *headers: str) -> Sending:
    """Another status, with a page for people."""

    async def sending(writer: asyncio.StreamWriter, body: bytes) -> None:
        del body
        page = b"<!DOCTYPE html><html><body>Przepraszamy</body></html>"
        writer.write(_head(code, len(page), *headers) + page)

    return sending


def redirect(elsewhere: str) -> Sending:
    """Send the client to this address."""
    return status(302, f"Location: {elsewhere}")


class Faulty:
    """Serves an `Answer` on loopback, as an async context manager: ``spoil`` changes what is sent, ``sending`` how.

    ``base_url`` may be set to another place before the source is asked, for faults before the first byte.
    """

    def __init__(self, answer: Answer, home: str, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.home = home
        self.spoil: Spoil = lambda _, body: body
        self.sending: Sending = good
        self.requests = 0
        self.base_url = ""
        self._tls = tls
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for one in self._open:
            one.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await self._asked(reader)
            self.requests += 1
            try:
                body = self.spoil(asked, await asyncio.to_thread(self.answer, asked))
            except LookupError:
                await status(404)(writer, b"")
            else:
                await self.sending(writer, body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _asked(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        form = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        parts = urlsplit(target)
        path = parts.path.lstrip("/")
        url = f"{self.home.rstrip('/')}/{path}" if path else self.home
        return Request(method, url, dict(parse_qsl(parts.query)), dict(parse_qsl(form)))


@asynccontextmanager
async def refusing() -> AsyncIterator[str]:
    """An address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{one.getsockname()[1]}"


@asynccontextmanager
async def never_accepting() -> AsyncIterator[str]:
    """An address where connections are not taken up: the queue of those that wait is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)  # noqa: FBT003 - the socket's own
                one.connect_ex(listening.getsockname())
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            for one in waiting:
                one.close()


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody has signed but itself."""
    made = [
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=city",
    ]
    key, signed = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", *made, "-keyout", key, "-out", signed], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed, key)
    return context


@cache
def _packed() -> bytes:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(HUGE >> 20))
    return packed + packer.flush()


def _head(code: int, length: int | None, *headers: str) -> bytes:
    sized = [] if length is None else [f"Content-Length: {length}"]
    lines = [f"HTTP/1.1 {code} So", "Connection: close", *sized, *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
