"""The body of a source's answer as it comes, piece by piece: bounded before and after it is unpacked."""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

from broker.errors import Oversized, Unavailable, Unreadable

__all__ = ["ENCODINGS", "Body"]

ENCODINGS = "gzip, deflate, br"
"""What a request says it accepts."""
STEP = 1 << 20  # bytes unpacked at a time, so that a bomb is noticed while it is small
MOST_MEMBERS = 1000  # streams one after another in one body; honest ones have one
GZIP = 0x1F
ZLIB = 8


class Body:
    """Collects a body in the encoding its sender names; ``where`` begins every error's text.

    Raises `Unreadable` for an encoding that was not asked for.
    """

    def __init__(self, where: str, encoding: str, max_bytes: int) -> None:
        self._where = where
        self._max = max_bytes
        self._came = 0
        self._body = bytearray()
        self._packed = _unpacking(where, encoding)

    @property
    def is_packed(self) -> bool:
        """Whether adding to it is work."""
        return self._packed is not None

    def expect(self, announced: int) -> None:
        """Hear how many bytes are announced. Raises `Oversized` before any of them is read."""
        if announced > self._max:
            raise Oversized(f"{self._where}: the body is larger than {self._max} bytes, it has {announced}")

    def add(self, piece: bytes) -> None:
        """Take the next bytes. Raises `Oversized` beyond the bound, and `Unreadable` when they cannot be unpacked."""
        self._came += len(piece)
        if self._came > self._max:
            raise Oversized(f"{self._where}: the body is larger than {self._max} bytes")
        if self._packed is None:
            self._body += piece
            return
        try:
            for part in self._packed.unpack(piece):
                self._body += part
                if len(self._body) > self._max:
                    raise Oversized(
                        f"{self._where}: the body unpacks to more than {self._max} bytes, from {self._came} or fewer"
                    )
        except (zlib.error, brotli.error, ValueError) as error:
            raise Unreadable(f"{self._where}: the body cannot be unpacked ({error})") from error

    def whole(self) -> bytes:
        """The body, unpacked. Raises `Unavailable` when it ends too early."""
        if self._packed is not None and self._came and not self._packed.ended:
            raise Unavailable(f"{self._where}: the body was cut short")
        return bytes(self._body)


class _Packed(Protocol):
    @property
    def ended(self) -> bool: ...

    def unpack(self, piece: bytes) -> Iterator[bytes]: ...


class _Deflated:
    """Both of gzip and deflate, which some servers confuse: the first byte tells them apart, also from deflate without a header."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._members = 0

    @property
    def ended(self) -> bool:
        return self._stream is not None and self._stream.eof

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._stream is None or self._stream.eof:
                if self._stream is not None and piece[0] != GZIP:
                    return  # padding behind the end
                self._stream = self._begun(piece[0])
            yield self._stream.decompress(piece, STEP)
            piece = self._stream.unconsumed_tail or self._stream.unused_data

    def _begun(self, first: int) -> "zlib._Decompress":
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise ValueError(f"more than {MOST_MEMBERS} streams one after another")
        if first == GZIP:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        return zlib.decompressobj(zlib.MAX_WBITS if first & 0x0F == ZLIB else -zlib.MAX_WBITS)


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def ended(self) -> bool:
        return bool(self._stream.is_finished())

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        yield self._stream.process(piece, output_buffer_limit=STEP)
        while not self._stream.can_accept_more_data():
            yield self._stream.process(b"", output_buffer_limit=STEP)


def _unpacking(where: str, encoding: str) -> _Packed | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return _Deflated()
        case "br":
            return _Brotli()
        case _:
            raise Unreadable(f"{where}: the body is packed as {encoding!r}; {ENCODINGS} was asked for")
