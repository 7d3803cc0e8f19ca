"""The broker's own way out, as tests against a replica use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from broker.settings import UpstreamSettings
from broker.transport import Http, connect

__all__ = ["http"]


@asynccontextmanager
async def http(*, parallel: int = 8, seconds: float = 20.0, max_bytes: int = 32 << 20) -> AsyncIterator[Http]:
    """The transport of real sources, for one test."""
    bounds = UpstreamSettings(timeout_seconds=seconds, parallel=parallel, per_second=10_000)
    async with connect(bounds) as network:
        yield replace(network.transport("city"), max_bytes=max_bytes)
