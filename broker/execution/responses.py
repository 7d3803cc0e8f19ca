"""Whole answers, kept while they are exactly what would be answered again.

An answer depends on what was asked (document, operation, variables), on who asks, and on the versions of the data sets it was read
from. All of it is compared before a kept answer is given, so a version published by whichever process makes it void at that moment,
and nothing needs to be thrown away by anybody. A refresh that confirms a version voids only answers that show when it was checked;
the others last longer. What also depends on the clock (live data, the mark of staleness) has an end of its own.
"""

import gzip
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, Self

import brotli
import orjson
from cachetools import LRUCache

from broker.errors import BadRequest
from broker.store import Published

__all__ = ["Kept", "Lasting", "Life", "Question", "Responses", "encode"]

BROTLI, GZIP = 4, 6  # as much as is worth its time for an answer that is made anew with each refresh
LARGEST_SHARE = 8
LONGEST = 3600
"""Seconds that a client may take an answer as fresh, at most: a refresh may be made by hand too."""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything an answer hangs on but the versions; ``variables`` as JSON with sorted keys. A language is a variable or in the text."""

    scope: str
    document: str
    operation: str | None
    variables: bytes

    @classmethod
    def of(cls, scope: str, document: str, operation: str | None, variables: Mapping[str, Any] | None) -> Self:
        """From what a request says. Raises `BadRequest` for variables that are nested too deep to be written."""
        try:
            written = orjson.dumps(variables or {}, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            raise BadRequest(f"the variables cannot be read: {error}") from error
        return cls(scope, document, operation or None, written)

    @property
    def size(self) -> int:
        """Bytes that its texts take."""
        return sum(map(sys.getsizeof, (self.scope, self.document, self.operation, self.variables)))


class Lasting(NamedTuple):
    """For how many seconds after a version was checked an answer made of it is exact, and until the next refresh is due."""

    exact: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Life:
    """What an answer was read from, and how long it lasts.

    Args:
        reads: the versions.
        lasting: of those of them that grow old, for how long; by data set.
        shows_check: whether the answer shows when a version was checked.
        behind: seconds by which this host's clock is behind the store's, whose moments versions have.
    """

    reads: Mapping[str, Published]
    lasting: Mapping[str, Lasting] = field(default_factory=dict)
    shows_check: bool = False
    behind: float = 0.0

    def holds(self, versions: Mapping[str, Published]) -> bool:
        """Whether the same would be read, these being the newest versions."""
        return all(
            (one := versions.get(id)) is not None and self._is_same(one, read) for id, read in self.reads.items()
        )

    def _is_same(self, one: Published, read: Published) -> bool:
        return one.version == read.version and (not self.shows_check or one.checked_at == read.checked_at)

    def ends(self, versions: Mapping[str, Published]) -> Lasting:
        """When it ends whatever happens, and when the next refresh is due, by the versions' last checks; as Unix time of this host."""
        exact = fresh = math.inf
        for id, lasts in self.lasting.items():
            checked = versions[id].checked_at
            since = (-math.inf if checked is None else checked.timestamp()) - self.behind
            exact, fresh = min(exact, since + lasts.exact), min(fresh, since + lasts.fresh)
        return Lasting(exact, fresh)


@dataclass(slots=True)
class Kept:
    """An answer: its JSON, what it depends on, its mark, its size in bytes, the versions it was last found good for, its forms."""

    body: bytes
    life: Life
    tag: str
    size: int
    versions: Mapping[str, Published] | None = None
    encoded: dict[str, bytes] = field(default_factory=dict)
    replies: dict[Any, Any] = field(default_factory=dict)
    until: float = 0.0
    due: float = 0.0

    def __post_init__(self) -> None:
        self.until, self.due = self.life.ends(self.life.reads)

    def holds(self, versions: Mapping[str, Published]) -> bool:
        """Whether it would be answered again, these being the newest versions."""
        if versions is not self.versions:
            if not self.life.holds(versions):
                return False
            self.versions = versions
            self.until, self.due = self.life.ends(versions)
        return time.time() < self.until

    def in_encoding(self, encoding: str) -> bytes:
        """Its body as the encoding has it, compressed once."""
        if not encoding:
            return self.body
        if encoding not in self.encoded:
            self.encoded[encoding] = encode(self.body, encoding)
        return self.encoded[encoding]

    @property
    def seconds(self) -> int:
        """How long it may be taken as fresh elsewhere: until the next refresh is due, or its end."""
        now = time.time()
        return max(0, int(min(self.due, self.until, now + LONGEST) - now))

    def same_until(self, seconds: float) -> float:
        """Until when it lasts and ``seconds`` stays what it is now, as Unix time; so many seconds from now at most."""
        now = time.time()
        left = min(self.due, self.until) - now
        return min(now + seconds, self.until, now + left % 1 if 0 < left < LONGEST else math.inf)


class Responses:
    """The kept answers, the most recently given ones, up to so many bytes; used by one event loop."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._kept: LRUCache[Question, Kept] = LRUCache(room, getsizeof=lambda kept: kept.size)

    @property
    def taken(self) -> int:
        """How many bytes they take."""
        return int(self._kept.currsize)

    def last(self, question: Question) -> Kept | None:
        """The answer that was kept last for this question, which need not be the one any more: see `Kept.holds`."""
        try:
            return self._kept[question]
        except KeyError:
            return None

    def drop(self, question: Question) -> None:
        """Forget the answer to a question."""
        self._kept.pop(question, None)

    def keep(self, question: Question, body: bytes, life: Life) -> Kept:
        """Make an answer one that can be given again; one that is too large, or ends at once, is not kept."""
        kept = Kept(body, life, blake2b(body, digest_size=16).hexdigest(), _bytes(question, body))
        if kept.size * LARGEST_SHARE <= self.room and kept.until > time.time():
            self._kept[question] = kept
        return kept


def _bytes(question: Question, body: bytes) -> int:
    """What an answer takes with its question; its compressed forms together take less than itself."""
    return 1000 + question.size + 2 * len(body)


def encode(body: bytes, encoding: str) -> bytes:
    """The body in a content encoding, ``br`` or ``gzip``."""
    compressed: bytes = (
        brotli.compress(body, quality=BROTLI) if encoding == "br" else gzip.compress(body, GZIP, mtime=0)
    )
    return compressed
