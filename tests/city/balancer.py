"""Leads each new connection to one of some ports, in turn: what stands before several nodes of a database and knows nothing of them."""

import asyncio
from contextlib import suppress
from itertools import count

__all__ = ["Balancer"]


class Balancer:
    """A running balancer; a node that does not answer is passed over."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self._ports = ports
        self._turns = count()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, *ports: int) -> "Balancer":
        """Start one on a free port."""
        balancer = cls(ports)
        balancer._server = await asyncio.start_server(balancer._lead, "127.0.0.1", 0)
        return balancer

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Stop, and break off what is open."""
        assert self._server is not None
        self._server.close()
        for one in self._open:
            one.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            for _ in self._ports:
                with suppress(OSError):
                    there = await asyncio.open_connection(
                        "127.0.0.1", self._ports[next(self._turns) % len(self._ports)]
                    )
                    await asyncio.wait(
                        [
                            asyncio.ensure_future(_pass(reader, there[1])),
                            asyncio.ensure_future(_pass(there[0], writer)),
                        ],
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    there[1].close()
                    return
        finally:
            writer.close()
            self._open.discard(task)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(1 << 16):
            writer.write(some)
            await writer.drain()
