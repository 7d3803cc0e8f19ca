"""Stores filled with made-up records of any number, for what is measured at sizes that the sample does not have.

The city is the sample's, the borders of its districts made as winding as real ones: ``python -m bench.filled URL SIZE`` makes a
store with so many addresses, and with the districts, places, stops and points of legal aid they are related to.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from bench.process import report
from broker.app import Engine
from broker.geometry import CITY
from broker.model import Record
from broker.settings import Settings
from connectors.legal_aid import LegalAidPoint
from connectors.mim import District, Place, Stop
from connectors.sample import city
from connectors.sip import Address

__all__ = ["fill", "key", "opened", "points", "polygons"]

PLACES, STOPS = 10_000, 3_000
VERTICES = 15_000


def fill(url: str, size: int) -> None:
    """Publish a version of each data set."""
    engine = opened(url)
    for id, records in _records(size).items():
        draft = engine.store.draft(engine.catalog.datasets[id], sample=False)
        try:
            draft.add(records)
            draft.publish()
        finally:
            draft.close()
    engine.store.close()


def opened(url: str) -> Engine:
    """The broker on such a store, in this process."""
    return Engine.open(Settings.load(store=url, sample=False, log_level="error"))


def key(number: int) -> str:
    """The key of the record with this number, counted from 0; keys are ordered as numbers are."""
    return f"{number:07}"


def polygons() -> np.ndarray[Any, Any]:
    """The districts with about 15 000 vertices; a border that two share stays the same for both."""
    plain = np.array([one.polygon for one in city.districts()], dtype=object)
    fine = shapely.segmentize(plain, float(shapely.length(plain).sum()) / VERTICES)

    def winding(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = points[:, 0] * 900, points[:, 1] * 1300
        return points + np.column_stack([np.sin(x + 2 * y), np.cos(2 * x - y)]) * 2e-4

    made: np.ndarray[Any, Any] = shapely.make_valid(shapely.transform(fine, winding))
    return made


def points(count: int, seed: int) -> np.ndarray[Any, Any]:
    """So many points of the city, the same ones for the same seed."""
    random = np.random.default_rng(seed)
    made: np.ndarray[Any, Any] = shapely.points(
        random.uniform([CITY.west, CITY.south], [CITY.east, CITY.north], (count, 2))
    )
    return made


def _records(size: int) -> dict[str, Iterator[Record]]:
    def made(cls: type[Record], shapes: Sequence[Any], **texts: str) -> Iterator[Record]:
        nothing = {one.name: () if one.kind is tuple else None for one in cls.__dataset__.fields}
        for n, shape in enumerate(shapes):
            given = {name: value.format(n=n) for name, value in texts.items()}
            yield cls(**{**nothing, cls.__dataset__.key: key(n), **given, str(cls.__dataset__.geometry): shape})

    names = {"name": "Nr {n}"}
    return {
        "mim.districts": made(District, list(polygons()), **names),
        "sip.addresses": made(Address, list(points(size, 1)), **names, street="ul. Prosta", number="{n}"),
        "mim.places": made(Place, list(points(PLACES, 2)), **names, class_id="1"),
        "mim.stops": made(Stop, list(points(STOPS, 3)), **names, kind="bus"),
        "legal_aid.legal_aid_points": made(
            LegalAidPoint, list(points(33, 4)), **names, address="ul. Prosta 1", run_by="NGO"
        ),
    }


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]))
    report(filled=int(sys.argv[2]))
