"""Looks at a database some times a second, in a thread, so that no request has to ask it which versions are the newest.

What another host publishes is seen by the next look; while looks fail, what was seen last holds for `BOUND` at most.
"""

import threading
import time
from collections.abc import Callable

from broker.errors import StoreError

__all__ = ["BOUND", "INTERVAL", "Poll"]

INTERVAL = 0.25
"""Seconds between two looks."""
BOUND = 2.0
"""Seconds after which what was seen is not taken for the newest any more."""

POLLED = "polled"


class Poll:
    """Begins when it is first asked, so that commands that serve nothing have no such thread."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._looked_at = -BOUND
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def token(self) -> object:
        """The same for ever: the next look replaces what this one sees."""
        return POLLED

    def now(self) -> object | None:
        """The same while the last look is young."""
        if self._thread is None:
            self._begin()
        return POLLED if time.monotonic() - self._looked_at < BOUND else None

    def changed(self) -> None:
        """Look now, unless nobody is served here."""
        if self._thread is not None:
            self._see()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._looked_at = -BOUND

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="versions", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        self._see()
        while not self._ended.wait(INTERVAL):
            self._see()

    def _see(self) -> None:
        began = time.monotonic()
        try:
            self._look()
        except StoreError:
            return  # requests that read report the error; the next look may succeed
        if not self._ended.is_set():
            self._looked_at = began
