"""Where an address lies: found in a sentence, told apart from others, looked up among the city's own address points.

A `Gazetteer` is made of a register's rows and knows nothing of a store or a network. It rather says why it found nothing than
guess: what fits two streets or two places equally has a reason and no place. Points are longitude and latitude (EPSG:4326).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import cos, hypot, radians
from statistics import median
from typing import NamedTuple

from broker.housenumbers import Numbers, Precision, postcode_in
from broker.mentions import Mention, Mentions
from broker.text import fold

__all__ = ["AddressPoint", "Gazetteer", "Geocoded", "Method"]


class AddressPoint(NamedTuple):
    """One address of the register; the street with its kind, as ``ul. Święty Marcin``."""

    street: str
    number: str
    postcode: str | None
    lon: float
    lat: float
    key: object


class Method(StrEnum):
    """How a place was found, the surest first."""

    ADDRESS = "address"
    RANGE = "range"
    NEAREST_NUMBER = "nearest_number"
    STREET = "street"


@dataclass(frozen=True, slots=True)
class Geocoded:
    """What came of an address: a method, a confidence, the register's address and its point, or the reason why not."""

    method: Method | None = None
    confidence: float | None = None
    matched_address: str | None = None
    lon: float | None = None
    lat: float | None = None
    key: object = None
    reason: str | None = None


METHODS = {
    Precision.EXACT: (Method.ADDRESS, 1.0),
    Precision.RANGE: (Method.RANGE, 0.9),
    Precision.NEAREST: (Method.NEAREST_NUMBER, 0.6),
}
ON_STREET, FORMER, MISTYPED, BESIDE_OTHERS, OTHER_POSTCODE, A_STEP = 0.4, 0.9, 0.85, 0.8, 0.8, 0.01
"""How sure each method is, and by what it is weakened; a step is what a name's case or missing word weighs."""
ONE_PLACE = 150.0
"""Metres within which points of one address count as one place."""
_TOWNS = """
Luboń, Puszczykowo, Buk, Czerwonak, Dopiewo, Kleszczewo, Komorniki, Kostrzyn, Kórnik, Mosina, Murowana Goślina, Pobiedziska, Rokietnica,
Stęszew, Suchy Las, Swarzędz, Tarnowo Podgórne, Skórzewo, Plewiska, Przeźmierowo, Baranowo, Koziegłowy, Kobylnica, Zalasewo, Kamionki,
Złotniki, Biedrusko, Dąbrówka, Wysogotowo, Gniezno, Kalisz, Konin, Leszno, Piła, Ostrów Wielkopolski, Śrem, Środa Wielkopolska, Września,
Szamotuły, Oborniki, Grodzisk Wielkopolski, Nowy Tomyśl, Kościan, Jarocin, Krotoszyn, Turek, Wągrowiec, Warszawa, Kraków, Łódź, Wrocław,
Gdańsk, Gdynia, Szczecin, Bydgoszcz, Lublin, Katowice, Białystok, Częstochowa, Toruń, Rzeszów, Olsztyn, Opole, Kielce, Zielona Góra,
Gorzów Wielkopolski, Gliwice, Sosnowiec, Radom
"""
TOWNS = frozenset(fold(one.strip()) for one in _TOWNS.split(","))
"""Towns around the city and large ones in the land, folded: an address there is none of the city's, whatever its street."""
OWN = "poznan"
PART = re.compile(r"[,;()\n]")
NUMBERED = re.compile(r".*\d[A-Za-z]?\s+(?!(?i:wrze[sś]))")
"""What stands before a town behind a house number; 5 września is a day."""
STREET = re.compile(r"\s+(?:ul|os|al|pl)[. ].*", re.IGNORECASE)
DEGREE = 111_195.0
"""Metres of a degree of latitude."""


class Gazetteer:
    """The city's addresses, asked by what people write."""

    def __init__(self, addresses: Iterable[AddressPoint]) -> None:
        self._points: dict[str, list[AddressPoint]] = defaultdict(list)
        self._postcodes: set[str | None] = set()
        for one in addresses:
            self._points[one[0]].append(one)
            self._postcodes.add(one[2])
        self._areas = {one[:2] for one in self._postcodes if one}
        self._mentions = Mentions(self._points)
        self._numbers: dict[str, Numbers] = {}
        self._middles: dict[str, AddressPoint] = {}

    def __len__(self) -> int:
        return sum(map(len, self._points.values()))

    def find(self, text: str, postcode: str | None = None) -> Geocoded:
        """The place of the address in a text, which may be nothing else or a sentence around one."""
        code = postcode_in(postcode or "") or postcode_in(text)
        if code and self._areas and code[:2] not in self._areas:
            return Geocoded(reason=f"the postcode {code} is none of the city's")
        if town := _town_in(text):
            return Geocoded(reason=f"the address is in {town}")
        mentions, unknown = self._mentions.find(text)
        if unknown is not None:
            return Geocoded(reason=f"no street {unknown!r} is in the register")
        if not mentions:
            return Geocoded(reason="no address is in the text")
        return _only([self._locate(one, code) for one in mentions])

    def _locate(self, mention: Mention, code: str | None) -> "_Located":
        street, number = mention.street.written, mention.number
        weight = (FORMER if mention.street.former else 1.0) * (MISTYPED if mention.mistyped else 1.0)
        weight *= 1.0 - A_STEP * mention.penalty
        points = self._points[street]
        if number is None:
            there = any(one.postcode == code for one in points)
            sure = round(ON_STREET * weight * _by_postcode(points, code, there=there), 2)
            middle = self._middle(street)
            return _Located(mention, Geocoded(Method.STREET, sure, street, middle.lon, middle.lat), there)
        hit = self._of(street).find(number)
        if hit is None:
            return _Located(mention, Geocoded(reason=f"{street} has no number {number}, nor one near it"), agreed=False)
        precision, rows = hit
        found = [points[row] for row in rows]
        there = any(one.postcode == code for one in found)
        found = [one for one in found if one.postcode == code] if there else found
        first = found[0]
        address = f"{first.street} {first.number}"
        if any(_apart(one, first.lon, first.lat) > ONE_PLACE for one in found[1:]):
            return _Located(mention, Geocoded(reason=f"{address} is in the register at places far apart"), there)
        method, sure = METHODS[precision]
        sure = round(sure * weight * _by_postcode(found, code, there=there), 2)
        return _Located(mention, Geocoded(method, sure, address, first.lon, first.lat, first.key), there)

    def _of(self, street: str) -> Numbers:
        if street not in self._numbers:
            self._numbers[street] = Numbers([one.number for one in self._points[street]])
        return self._numbers[street]

    def _middle(self, street: str) -> AddressPoint:
        """The address of a street that is nearest to the middle of them all."""
        if street not in self._middles:
            points = self._points[street]
            lon, lat = median(one.lon for one in points), median(one.lat for one in points)
            self._middles[street] = min(points, key=lambda one: (_apart(one, lon, lat), one.number))
        return self._middles[street]


def _town_in(text: str) -> str | None:
    """Another town that stands by itself: ``Luboń, ul. Leśna 5``, ``ul. Leśna 5 Luboń``, but not a way to Gniezno."""
    found = None
    for part in PART.split(text):
        name = STREET.sub("", NUMBERED.sub("", part.strip())).strip(" .-–")
        if fold(name) == OWN:
            return None
        if fold(name) in TOWNS:
            found = name
    return found


def _by_postcode(points: Sequence[AddressPoint], code: str | None, *, there: bool) -> float:
    known = there or code is None or not any(one.postcode for one in points)
    return 1.0 if known else OTHER_POSTCODE


def _apart(one: AddressPoint, lon: float, lat: float) -> float:
    """Metres, well enough within a city."""
    return DEGREE * hypot((one.lon - lon) * cos(radians(lat)), one.lat - lat)


@dataclass(frozen=True, slots=True)
class _Located:
    """What a mention leads to, and whether the postcode agrees with it."""

    mention: Mention
    place: Geocoded
    agreed: bool


def _only(found: Sequence[_Located]) -> Geocoded:
    """The one place that several mentions lead to, or why there is none."""
    numbered = [one for one in found if one.mention.number is not None]
    for some in (
        (numbered, [one for one in numbered if one.agreed])
        if numbered
        else (found, [one for one in found if one.agreed])
    ):
        placed = {one.place.matched_address: one.place for one in some if one.place.method is not None}
        if len(placed) == 1:
            (place,) = placed.values()
            others = {one.mention.street.written for one in found} - {some[0].mention.street.written}
            sure = place.confidence or 0.0
            return replace(place, confidence=round(sure * BESIDE_OTHERS, 2)) if others else place
    if reasons := [one.place.reason for one in numbered or found if one.place.reason]:
        return Geocoded(reason=reasons[0])
    names = list(dict.fromkeys(one.place.matched_address or one.mention.street.written for one in numbered or found))
    first, second = (one.mention for one in (numbered or found)[:2])
    told = " and ".join(names[:2]) if len(names) == 2 else f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"  # noqa: PLR2004 - two, or the first three
    way = "fits" if first.overlaps(second) else "names"
    return Geocoded(reason=f"ambiguous: the text {way} {told}")
