"""A body is bounded as it is announced, as it comes and as it unpacks, in every encoding that is asked for."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest

from broker.errors import Oversized, Unavailable, Unreadable
from tests.city.scripted import Writer, answer, failure, scripted, server, upstream


async def test_a_body_too_large_is_left_after_the_bound() -> None:
    sent = 0

    async def endless(_: bytes, writer: Writer) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while sent < 1 << 30:
            writer.write(b"x" * (1 << 16))
            await writer.drain()
            sent += 1 << 16

    error = await failure(endless, max_bytes=1 << 20, attempts=3)

    assert type(error) is Oversized
    assert str(error).endswith("the body is larger than 1048576 bytes")
    assert sent < 1 << 26


async def test_a_body_exactly_at_the_bound_is_read() -> None:
    _, respond = scripted(answer(b"x" * 1000))
    async with server(respond) as url, upstream(url, max_bytes=1000) as source:
        assert len((await source.get()).body) == 1000


async def test_a_body_announced_too_large_is_not_read_at_all() -> None:
    async def announced(_: bytes, writer: Writer) -> None:
        writer.write(answer(length=300_000_000))
        await writer.drain()
        await asyncio.sleep(30)

    error = await failure(announced)

    assert type(error) is Oversized
    assert str(error).endswith("the body is larger than 1048576 bytes, it has 300000000")


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
]


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
async def test_a_packed_body_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    body = "żółw ".encode() * 100_000
    seen, respond = scripted(answer(pack(body), headers=f"Content-Encoding: {encoding}\r\n"))
    async with server(respond) as url, upstream(url) as source:
        assert (await source.get()).body == body
    assert b"accept-encoding: gzip, deflate, br\r\n" in seen[0].lower()


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
async def test_a_packed_body_is_bounded_by_what_it_unpacks_to(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b"0" * (1 << 25))
    _, respond = scripted(answer(bomb, headers=f"Content-Encoding: {encoding}\r\n"))
    error = await failure(respond, attempts=3)

    assert len(bomb) < 1 << 18
    assert type(error) is Oversized
    assert "the body unpacks to more than 1048576 bytes" in str(error)


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
async def test_a_packed_body_cut_short(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    _, respond = scripted(answer(pack(bytes(range(256)) * 20)[:-6], headers=f"Content-Encoding: {encoding}\r\n"))
    error = await failure(respond)

    assert type(error) is Unavailable
    assert str(error).endswith("the body was cut short")


@pytest.mark.parametrize(
    ("encoding", "body", "says"),
    [
        ("gzip", b"\x1f\x8b\x08 not at all", "the body cannot be unpacked"),
        ("br", b"\xff\xff\xff\xff", "the body cannot be unpacked"),
        ("zstd", b"(\xb5/\xfd", "the body is packed as 'zstd'; gzip, deflate, br was asked for"),
        ("gzip", gzip.compress(b"") * 2000, "more than 1000 streams one after another"),
    ],
)
async def test_what_cannot_be_unpacked(encoding: str, body: bytes, says: str) -> None:
    _, respond = scripted(answer(body, headers=f"Content-Encoding: {encoding}\r\n"))
    error = await failure(respond)

    assert type(error) is Unreadable
    assert says in str(error)
