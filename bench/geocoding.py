"""How much of the checked-in set of addresses the geocoder finds, how much it finds wrongly, and how many a second.

`bench.addresses` says what is in the set. Matched is the share of the texts that have a truth and were given it; wrong the
share of all texts given anything else, so also of those that must not be found.
"""

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.addresses import SET
from broker.geocoding import AddressPoint, Gazetteer
from connectors.sample import city

__all__ = ["Line", "gazetteer", "measure", "outcomes", "read", "shares"]

TIMES = 5
MATCHED, WRONG, MISSED, REFUSED, FOOLED = "matched", "wrong", "missed", "refused", "fooled"
"""What is meant was given, or something else, or nothing; rightly nothing was given, or something nobody meant."""


class Line(NamedTuple):
    """A text, the address or street that is meant (empty: none), the kind of noise."""

    text: str
    truth: str
    kind: str


def read() -> list[Line]:
    """The checked-in set."""
    return [Line(*one.split("\t")) for one in SET.read_text(encoding="utf-8").splitlines()]


def gazetteer() -> Gazetteer:
    """The sample city's."""
    return Gazetteer(
        AddressPoint(one.street, one.number, one.postcode, one.lon, one.lat, row)
        for row, one in enumerate(city.addresses())
    )


def outcomes(known: Gazetteer, lines: Sequence[Line]) -> list[str]:
    """What came of each line, one of the five words above."""
    return [_outcome(known.find(one.text).matched_address or "", one.truth) for one in lines]


def _outcome(found: str, truth: str) -> str:
    if found == truth:
        return MATCHED if truth else REFUSED
    if not found:
        return MISSED
    return WRONG if truth else FOOLED


async def measure() -> dict[str, Any]:
    """Every figure of the geocoding part, as the results file keeps it; shares in per cent."""
    lines = read()
    city.addresses()  # what the invented city takes is not the gazetteer's
    built, taken, came = [], [], []
    for _ in range(TIMES):
        started = time.perf_counter()
        known = gazetteer()
        ready = time.perf_counter()
        came = outcomes(known, lines)
        built.append(ready - started)
        taken.append(time.perf_counter() - ready)
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for one, outcome in zip(lines, came, strict=True):
        by_kind[one.kind].append(outcome)
    return {
        "addresses": len(city.addresses()),
        "build_seconds": round(statistics.median(built), 3),
        "rows_per_second": round(len(lines) / statistics.median(taken)),
        **shares(came),
        "kinds": {kind: shares(some) for kind, some in by_kind.items()},
    }


def shares(came: Sequence[str]) -> dict[str, float]:
    """How many texts, how many of them with a truth; matched and not found in per cent of these, wrong of all."""
    counted = Counter(came)
    meant = len(came) - counted[REFUSED] - counted[FOOLED]
    return {
        "texts": len(came),
        "with_truth": meant,
        "matched": round(100 * counted[MATCHED] / max(meant, 1), 2),
        "not_found": round(100 * counted[MISSED] / max(meant, 1), 2),
        "wrong": round(100 * (counted[WRONG] + counted[FOOLED]) / len(came), 2),
    }
