"""Until when a request is to be answered: set where it is taken up, asked wherever something is done for it, in whichever thread."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

from broker.errors import Overdue

__all__ = ["check", "remaining", "shared", "within"]

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done within, here and in threads and tasks begun from here, is to end after so many seconds."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def shared() -> Context:
    """A context like this one without its deadline, for what several requests wait for: it is not only the first one's."""
    context = copy_context()
    context.run(_until.set, None)
    return context


def remaining() -> float | None:
    """Seconds that are left, below zero when it is too late; None when there is no deadline."""
    until = _until.get()
    return None if until is None else until - time.monotonic()


def check() -> None:
    """Between two steps that cannot be interrupted. Raises `Overdue` when it is too late for the next."""
    left = remaining()
    if left is not None and left <= 0:
        raise Overdue("it took longer than a request may; ask for less at a time")
