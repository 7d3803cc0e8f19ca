"""The streets of the sample city in their cases, and slips of the pen that make no other street of one."""

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

from bench import address_words as words
from connectors.sample import city

__all__ = ["House", "Street", "cases", "mistaken", "near_another", "streets", "unmarked"]


@dataclass(frozen=True, slots=True)
class Street:
    """A street of the register: its kind without the full stop, its name in three cases, its numbers and its postcode."""

    written: str
    kind: str
    name: str
    genitive: str
    locative: str
    numbers: tuple[str, ...]
    postcode: str


@dataclass(frozen=True, slots=True)
class House:
    """An address to be written."""

    street: Street
    number: str

    @property
    def truth(self) -> str:
        """As the register writes it."""
        return f"{self.street.written} {self.number}"


@lru_cache(maxsize=1)
def streets() -> tuple[Street, ...]:
    """Every street of the sample city."""
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    codes = {}
    for one in city.addresses():
        numbers[one.street].append(one.number)
        codes[one.street] = one.postcode
    made = []
    for written, own in numbers.items():
        kind, _, name = written.partition(" ")
        if kind.rstrip(".") not in words.KINDS:
            kind, name = "", written
        genitive, locative = cases(name)
        made.append(Street(written, kind.rstrip("."), name, genitive, locative, tuple(own), codes[written]))
    return tuple(made)


def cases(name: str) -> tuple[str, str]:
    """Genitive and locative; a name that is a genitive itself, or a village's, stays as it is."""
    if name in words.CASES:
        return words.CASES[name]
    if name.endswith(("ska", "cka", "dzka")) or name in words.ADJECTIVES:
        other = name[:-1] + ("iej" if name[-2] in "kg" else "ej")
        return other, other
    return name, name


def unmarked(text: str) -> str:
    """The text without Polish marks."""
    return "".join(one for one in normalize("NFD", text.translate(str.maketrans("łŁ", "lL"))) if not combining(one))


def mistaken(pick: random.Random, word: str) -> str:
    """The word with two letters swapped, one missing, doubled or its neighbour on the keyboard; the first one is right."""
    while True:
        at = pick.randrange(1, len(word) - 1)
        match pick.randrange(4):
            case 0:
                wrong = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            case 1:
                wrong = word[:at] + word[at + 1 :]
            case 2:
                wrong = word[:at] + word[at] + word[at:]
            case _:
                near = words.KEYS.get(unmarked(word[at]), word[at])
                wrong = word[:at] + pick.choice(near) + word[at + 1 :]
        if unmarked(wrong) != unmarked(word):
            return wrong


def near_another(street: Street, word: str) -> bool:
    """Whether a word is at most one letter away from any form of a word of another street; marks and case aside."""
    return any(
        owners != {street.written} and _distance(word, own) <= 1
        for own, owners in _forms().items()
        if abs(len(own) - len(word)) <= 1
    )


@lru_cache(maxsize=1)
def _forms() -> dict[str, set[str]]:
    """Every form of every word of the names, and the streets it belongs to."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for one in streets():
        for word in f"{one.name} {one.genitive} {one.locative}".split():
            owners[unmarked(word).lower()].add(one.written)
    return owners


def _distance(one: str, other: str) -> int:
    """Letters to change, insert, leave out or swap."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]
