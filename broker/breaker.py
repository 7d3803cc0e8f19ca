"""A circuit breaker: a source that fails again and again is left alone for a while, then tried by one request."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum

from broker.errors import SourceError, Unavailable

__all__ = ["Breaker", "Circuit"]


class Circuit(Enum):
    """Whether requests go through, the worst last."""

    CLOSED = "closed"
    HALF_OPEN = "half open"
    OPEN = "open"


class Breaker:
    """Opens after so many `Unavailable` in a row, and lets one request through when it has been open for so many seconds.

    Any other answer closes it, a refusal too: who refuses is there. ``clock`` gives seconds that only grow.
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._last = ""
        self._opened: float | None = None
        self._trying = False

    @property
    def circuit(self) -> Circuit:
        """Its state now."""
        if self._opened is None:
            return Circuit.CLOSED
        return Circuit.OPEN if self._clock() < self._opened + self._seconds else Circuit.HALF_OPEN

    def check(self, request: str) -> None:
        """Raises `Unavailable`, naming the request and until when none is sent, unless this one may be sent."""
        circuit = self.circuit
        if circuit is Circuit.CLOSED or (circuit is Circuit.HALF_OPEN and not self._trying):
            return
        why = f"{self._failures} requests to this source failed in a row, the last: {self._last}"
        raise Unavailable(f"{request}: not sent {self._until()}, since {why}", again=False)

    @contextmanager
    def watching(self, request: str) -> Iterator[None]:
        """Count how the request sent inside ends. Raises as `check`; one that is given up from outside tells nothing."""
        self.check(request)
        trial = self._opened is not None
        self._trying = self._trying or trial
        try:
            yield
        except Unavailable as error:
            self._failed(str(error), trial=trial)
            raise
        except SourceError:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if trial:
                self._trying = False

    def _failed(self, why: str, *, trial: bool) -> None:
        self._failures += 1
        self._last = why
        if trial or (self._opened is None and self._failures >= self._most):
            self._opened = self._clock()

    def _answered(self) -> None:
        self._failures = 0
        self._opened = None

    def _until(self) -> str:
        left = 0.0 if self._opened is None else self._opened + self._seconds - self._clock()
        if left <= 0:
            return "while another one tries whether it answers again"
        return f"before {datetime.now(UTC) + timedelta(seconds=left):%H:%M:%S} UTC"
