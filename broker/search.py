"""Search over every source at once: words become terms, terms find entries, entries become hits with highlights.

A word is looked for by its stem; the last one also as the beginning of a word, since it may not be finished. A word that
no record holds is replaced by the known words one typo away.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.errors import BadArgument
from broker.language import Vocabulary, content_words, highlight, stem
from broker.query import Find, Found, Read, Term, Version
from broker.store import SqlStore
from broker.text import fold

__all__ = ["Hit", "Results", "Search"]

MAX_WORDS = 12
MANY_TITLES = 500  # hits a suggestion chooses from: many records can share a title
TITLE_SIZE, SNIPPET_SIZE = 200, 160


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that was found; title and snippet are HTML with only ``<mark>`` in it."""

    dataset: str
    key: Any
    title: str
    title_html: str
    snippet_html: str
    score: float


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits, how many there are in all, and the words that were taken for others."""

    hits: list[Hit]
    total: int
    corrections: dict[str, list[str]]


class Search:
    """Finds records by words, in a store; it blocks, like the store."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known_at: frozenset[Read] | None = None
        self._vocabulary = Vocabulary([])

    def find(self, text: str, versions: Mapping[str, Version], *, size: int, skip: int = 0) -> Results:
        """Records of the data sets in ``versions`` that hold every word. Raises `BadArgument` for a text without words."""
        asked = self._words(text)
        terms, corrections = self._terms(asked, versions)
        if terms is None:
            return Results([], 0, corrections)
        found, total = self._store.find(Find(terms, versions, size, skip))
        stems = {one for term in terms for one in term.stems}
        prefix = terms[-1].prefix
        return Results([_hit(one, stems, prefix) for one in found], total, corrections)

    def suggest(self, text: str, versions: Mapping[str, Version], *, size: int) -> list[Found]:
        """Records whose title holds the words, the last perhaps unfinished; each title once, those that begin so first."""
        asked = self._words(text)
        terms = tuple(Term((word,), word if word is asked[-1] else None) for word in asked)
        found, _ = self._store.find(Find(terms, versions, MANY_TITLES, titles_only=True))
        unique: dict[str, Found] = {}
        for one in found:
            unique.setdefault(fold(one.title), one)
        begun = fold(text.strip())
        return sorted(unique.values(), key=lambda one: not fold(one.title).startswith(begun))[:size]

    @staticmethod
    def _words(text: str) -> list[str]:
        asked = content_words(text)
        if not asked:
            raise BadArgument(f"text: {text[:60]!r} holds no word; give at least a letter or a digit")
        if len(asked) > MAX_WORDS:
            raise BadArgument(f"text: {len(asked)} words; at most {MAX_WORDS} are looked for")
        return asked

    def _terms(
        self, asked: list[str], versions: Mapping[str, Version]
    ) -> tuple[tuple[Term, ...] | None, dict[str, list[str]]]:
        terms: list[Term] = []
        corrections: dict[str, list[str]] = {}
        for number, word in enumerate(asked):
            last = number == len(asked) - 1
            if self._store.known(stem(word)) or (last and self._store.known(word, prefix=True)):
                terms.append(Term((stem(word),), word if last else None))
                continue
            near = self._near(word, versions)
            corrections[word] = near
            if not near:
                return None, corrections
            terms.append(Term(tuple(dict.fromkeys(stem(one) for one in near))))
        return tuple(terms), corrections

    def _near(self, word: str, versions: Mapping[str, Version]) -> list[str]:
        with self._lock:
            now = frozenset(versions.items())
            if now != self._known_at:
                self._vocabulary = Vocabulary(self._store.vocabulary())
                self._known_at = now
            return list(dict.fromkeys(self._vocabulary.near(word) + self._vocabulary.near(stem(word))))


def _hit(found: Found, stems: set[str], prefix: str | None) -> Hit:
    return Hit(
        found.dataset,
        found.key,
        found.title,
        highlight(found.title, stems, prefix, size=TITLE_SIZE),
        highlight(found.text, stems, prefix, size=SNIPPET_SIZE) if found.text else "",
        found.score,
    )
