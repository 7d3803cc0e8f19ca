"""Addresses of the invented city as people write them in titles: in another case, shortened, with flats, ranges and slips."""

import random
from collections import defaultdict
from functools import lru_cache
from unicodedata import normalize

from connectors.sample import city

__all__ = ["written"]

KINDS = {"ul. ": "ulicy ", "al. ": "alei ", "os. ": "osiedlu ", "pl. ": "placu "}
UNKNOWN = ("ul. Projektowanej", "ul. Nowoprojektowanej 3", "drogi wewnętrznej")
HOW = ("plain", "plain", "case", "case", "number", "number", "number", "flat", "range", "short", "spelled", "unmarked",
       "missing", "corner", "unknown")  # fmt: skip


def written(pick: random.Random, street: str) -> str:
    """The street, or an address on it, in one of the ways people write it; seldom one that cannot be found."""
    how = pick.choice(HOW)
    number = pick.choice(_houses()[street]).number
    if how == "unknown":
        return pick.choice(UNKNOWN)
    return street if how == "plain" else _on(pick, street, number, how)


def _on(pick: random.Random, street: str, number: str, how: str) -> str:
    match how:
        case "corner":
            return f"{_in_case(street)} i {_in_case(pick.choice(city.streets()).name)}"
        case "case":
            return _in_case(street)
        case "number":
            return f"{_in_case(street)} {number.upper()}"
        case "flat":
            return f"{_in_case(street)} {number}/{pick.randrange(1, 30)}"
        case "range":
            first = int(number.rstrip("a"))
            return f"{_in_case(street)} {first}-{first + 2}"
        case "missing":
            return f"{_in_case(street)} {_highest(street) + pick.choice((2, 3, 80))}"
        case "short":
            return f"{_shortened(street)} {number}"
        case "spelled":
            return f"{_spelled(_in_case(street))} {number}"
        case _:
            return normalize("NFKD", street.translate(STROKED)).encode("ascii", "ignore").decode()


STROKED = str.maketrans("łŁ", "lL")


def _in_case(street: str) -> str:
    """Feminine adjectives in the locative: Głogowskiej."""
    return f"{street[:-1]}iej" if street.startswith("ul. ") and street.endswith("ka") and street[-3] in "sc" else street


def _shortened(street: str) -> str:
    """Given names by their first letter: os. B. Chrobrego."""
    kind, *words = street.split()
    if kind[-1] != "." or len(words) != 2 or not words[0].endswith("a"):
        return street
    return f"{kind} {words[0][0]}. {words[1]}"


def _spelled(street: str) -> str:
    kind = next((one for one in KINDS if street.startswith(one)), None)
    return street if kind is None else KINDS[kind] + street.removeprefix(kind)


def _highest(street: str) -> int:
    return max(int(one.number.rstrip("a")) for one in _houses()[street])


@lru_cache(maxsize=1)
def _houses() -> dict[str, list[city.Address]]:
    found: defaultdict[str, list[city.Address]] = defaultdict(list)
    for one in city.addresses():
        found[one.street].append(one)
    return dict(found)
