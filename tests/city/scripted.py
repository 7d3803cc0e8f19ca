"""A server on the loopback that answers what it is told to, byte by byte, and the broker's own way to ask it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from broker.errors import SourceError
from broker.settings import UpstreamSettings
from broker.transport import Network, connect
from broker.upstream import Upstream

__all__ = ["Respond", "Writer", "answer", "failure", "network", "scripted", "server", "upstream"]

Writer = asyncio.StreamWriter
Respond = Callable[[bytes, Writer], Awaitable[None]]


def answer(body: bytes = b"", status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}Connection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def server(respond: Respond) -> AsyncIterator[str]:
    """Serve one answer a connection; ``respond`` gets the request's head and body."""

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0"
            )
            await respond(head + await reader.readexactly(int(length)), writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}"
    finally:
        made.close()


def scripted(*answers: bytes) -> tuple[list[bytes], Respond]:
    """Answer with each in turn, the last one for ever; and the requests as they came."""
    seen: list[bytes] = []

    async def respond(request: bytes, writer: Writer) -> None:
        writer.write(answers[min(len(seen), len(answers) - 1)])
        seen.append(request)

    return seen, respond


@asynccontextmanager
async def network(**bounds: float) -> AsyncIterator[Network]:
    given: dict[str, Any] = {"timeout_seconds": 5.0, "per_second": 10_000, "circuit_failures": 100, **bounds}
    async with connect(UpstreamSettings(**given)) as opened:
        yield opened


@asynccontextmanager
async def upstream(
    base_url: str, *, attempts: int = 1, max_bytes: int = 1 << 20, **bounds: float
) -> AsyncIterator[Upstream]:
    async with network(**bounds) as opened:
        yield Upstream(base_url, replace(opened.transport("city"), max_bytes=max_bytes), attempts)


async def failure(respond: Respond, **options: Any) -> SourceError:
    async with server(respond) as url, upstream(url, **options) as source:
        with pytest.raises(SourceError) as raised:
            await source.get("data", {"page": "2"})
    assert str(raised.value).startswith(f"GET {url}/data?page=2: ")
    return raised.value
