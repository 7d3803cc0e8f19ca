"""The broker's own way out, as tests against a replica use it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.upstream import Http, connect

__all__ = ["http"]


@asynccontextmanager
async def http(*, parallel: int = 8, seconds: float = 20.0, max_bytes: int = 32 << 20) -> AsyncIterator[Http]:
    """The transport of real sources, for one test."""
    async with connect(seconds) as session:
        yield Http(session, max_bytes, asyncio.Semaphore(parallel))
