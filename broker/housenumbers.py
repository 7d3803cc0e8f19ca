"""House numbers as Poles write them: letters, ranges, flats behind a slash, and the numbers a street has."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["HouseNumber", "Numbers", "Precision", "postcode_in", "read_number"]

POSTCODE = re.compile(r"(?<!\d)(\d\d)\s?[-–]\s?(\d{3})(?!\d)")
# A small letter apart: b to h are no words; a is one (and), unless the number ends with it.
ENDS = r"\s*(?:$|[,;:()/\n–-]|(?i:w|m|lok|lokal|pozna[nń])\b|\d\d\s?[-–]\s?\d{3})"
ONE = rf"\d{{1,4}}(?!\d)(?:[A-Za-z](?![^\W\d_])|\s[A-Zb-h](?![\w.])|\sa(?={ENDS}))?"
NOT_POSTCODE = r"(?!\d\d\s?[-–]\s?\d{3}(?!\d))"
COUNTED = (
    r"r\.|roku\b|stycz|lut(?:ego|y)|mar(?:ca|zec)|kwie|maj|czerw|lip(?:ca|iec)|sierp|wrze[sś]|pa[zź]dzier|listopad|grud"
    r"|z[lł]\b|mln\b|tys\b|godz|km\b|m2|ha\b|%|os[oó]b|szt|lat\b|dni\b|drzew|krzew|lamp|miejsc|g[lł]os|metr"
)
NO_HOUSE = rf"(?!(?:\s*[-–]\s*\d{{1,2}})?\s*(?i:{COUNTED})|\.\d|-[^\W\d_]{{2}})"
"""A day, a year, a sum, a count: 5 maja, 3-7 lipca, 15 mln zł, 12.10.2017, 4 drzewa, 5-lecie."""
SAY = r"(?i:(?:nr|numer(?:em|u|ze)?)(?:\s+(?:domu|budynku|porz[aą]dkow\w+))?|blok(?:u|iem)?|bl|bud|budynek)\.?\s*"
HOUSE = r"(?i:pod|dom(?:u|em)?|blok(?:u|iem)?|bud\.|budyn(?:ek|ku|kiem)|posesj[aięą]|kamienic[aeyęą])\s+"
NUMBER = re.compile(
    rf"\s*[.\"”’»]?\s*(?:(?i:od)\s+{SAY}(?P<from>{ONE})\s+(?i:do)\s+(?:{SAY})?(?P<to>{ONE})|,?\s*(?:{HOUSE})?{SAY}(?P<said>{ONE})"
    rf"|{NOT_POSTCODE}(?P<plain>{ONE}){NO_HOUSE})"
)
FURTHER = re.compile(rf"\s*(?P<sign>[-–—/])\s*(?P<number>{ONE})")
LISTED = re.compile(rf"\s*(?:,|\bi\b|\boraz\b)\s*{NOT_POSTCODE}(?P<number>{ONE})(?!\s*[-–]\s*\d){NO_HOUSE}")
ASIDE = re.compile(r"\s*\((?i:dzi[sś]|dzisiaj|obecn|daw|d\.|ob\.|był[ay])[^()]{1,40}\)")
"""Another name of the street, before the number."""
PARTS = re.compile(r"(\d+)\s*([a-z]*)")
LARGEST = 999
DASHES = frozenset("-–—")
NEAREST = 6
"""Numbers apart at most, for the nearest number to stand for one that is missing."""


def postcode_in(text: str) -> str | None:
    """The last postcode of a text, as ``61-841``."""
    found = POSTCODE.findall(text)
    return f"{found[-1][0]}-{found[-1][1]}" if found else None


@dataclass(frozen=True, slots=True)
class HouseNumber:
    """A written number: the first one, and what follows behind a dash (``12-14a``), a slash (``12/3``) or in a list."""

    first: str
    sign: str | None = None
    second: str | None = None

    def __str__(self) -> str:
        return f"{self.first}{self.sign or ''}{self.second or ''}"


def read_number(text: str, at: int) -> HouseNumber | None:
    """The house number that follows in a text; None when none does: years and postcodes are none."""
    aside = ASIDE.match(text, at)
    found = NUMBER.match(text, aside.end() if aside else at)
    if found is None:
        return None
    first = _plain(found["from"] or found["said"] or found["plain"])
    if int(re.match(r"\d+", first)[0]) > LARGEST:  # type: ignore[index]  # a number begins with a digit
        return None
    if found["to"]:
        return HouseNumber(first, "-", _plain(found["to"]))
    end = found.end()
    for pattern in (FURTHER, LISTED):
        if (more := pattern.match(text, end)) is not None:
            return HouseNumber(first, more["sign"] if pattern is FURTHER else ",", _plain(more["number"]))
    return HouseNumber(first)


def _plain(number: str) -> str:
    return re.sub(r"\s", "", number).lower().replace("–", "-").replace("—", "-")


class Precision(IntEnum):
    """How a number was found."""

    EXACT = 0
    RANGE = 1
    NEAREST = 2


Hit = tuple[Precision, list[int]]
"""How, and which rows of the street."""


class Numbers:
    """The numbers of one street, by row."""

    def __init__(self, written: Sequence[str]) -> None:
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._whole: dict[int, list[int]] = defaultdict(list)  # by the number without its letter
        self._spans: list[tuple[int, int, int]] = []
        for row, one in enumerate(written):
            plain = _plain(one)
            self._exact[plain].append(row)
            parts = [int(number) for number, _ in PARTS.findall(plain)]
            if not parts:
                continue
            self._whole[parts[0]].append(row)
            if len(parts) > 1 and parts[0] < parts[1]:
                self._spans.append((parts[0], parts[1], row))

    def find(self, number: HouseNumber) -> Hit | None:
        """The rows of a number: itself, else of its range or without its letter, else the nearest on the same side."""
        if number.second is not None and number.sign != ",":
            for sign in dict.fromkeys((number.sign, "/", "-")):
                rows = self._exact.get(f"{number.first}{sign}{number.second}")
                if rows:
                    return Precision.EXACT, rows
        return self._single(number) or self._around(number)

    def _single(self, number: HouseNumber) -> Hit | None:
        rows = self._exact.get(number.first)
        several = number.sign in DASHES or number.sign == ","
        if rows:
            return (Precision.RANGE if several else Precision.EXACT), rows
        if several and (rows := self._exact.get(str(number.second))):
            return Precision.RANGE, rows
        return None

    def _around(self, number: HouseNumber) -> Hit | None:
        low = _value(number.first)
        for start, end, row in self._spans:
            if start <= low <= end and ((low - start) % 2 == 0 or (end - start) % 2):
                return Precision.RANGE, [row]
        high = _value(number.second) if number.sign in DASHES else low
        inside = [one for one in self._whole if low <= one <= max(low, high) and (one - low) % 2 == 0]
        if inside:
            return Precision.RANGE, self._whole[min(inside)][:1]
        near = [one for one in self._whole if abs(one - low) <= NEAREST and (one - low) % 2 == 0]
        if not near:
            return None
        return Precision.NEAREST, self._whole[min(near, key=lambda one: (abs(one - low), one))][:1]


def _value(number: str | None) -> int:
    found = PARTS.match(number or "")
    return int(found[1]) if found else 0
