"""How long a fault may take and how much memory it may cost, and the settings it is met with."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["BOUNDED", "BOUND_SECONDS", "MOST_MIB", "TIMEOUT", "held"]

BOUND_SECONDS = 20
"""Far beyond what the settings allow: so long only a hang takes."""
MOST_MIB = 4
MOST_HELD = 48 << 20
TIMEOUT = 0.8
BOUNDED = ("bomb", "huge")
"""Faults of which memory is measured."""


@contextmanager
def held(measured: bool) -> Iterator[None]:  # noqa: FBT001 - whether it matters
    """Fails when much more memory is held meanwhile than a body may be large."""
    if not measured:
        yield
        return
    tracemalloc.start()
    try:
        yield
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_HELD, f"{most >> 20} MiB were held"
