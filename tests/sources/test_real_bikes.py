"""The city's bikes as nextbike sent them on two afternoons, where those answers are at hand."""

from pathlib import Path
from typing import Any

import pytest

from broker.errors import Unreadable
from broker.geometry import CITY
from broker.model import Page, Rejected
from connectors.nextbike import BikeStation

REAL = sorted((Path(__file__).parents[3] / "shared" / "data").glob("nextbike-*.xml"))
DATASET = BikeStation.__dataset__


def stations(path: Path) -> list[Any]:
    return list(DATASET.records(Page(path.read_bytes())))


@pytest.mark.skipif(not REAL, reason="the real answers are not at hand")
def test_every_station_is_read_and_says_what_it_holds() -> None:
    read = [stations(path) for path in REAL]
    assert [one for some in read for one in some if isinstance(one, Rejected)] == []
    assert [len(some) for some in read] == [109, 109]
    assert [sum(one.bikes for one in some) for some in read] == [899, 875]
    assert all(len(one.bike_numbers) == one.bikes for some in read for one in some)
    assert all(CITY.holds(one.geometry.x, one.geometry.y) for some in read for one in some)
    assert [sum(one.maintenance for one in some) for some in read] == [1, 1]
    first, second = ({one.key: one for one in some} for some in read)
    assert first.keys() == second.keys()
    assert first["121569"].number == "6157"
    assert first["121569"].name == "Poznań Główny"


BAD = {
    "another document": (b"<rss/>", "its root is <rss>"),
    "another city": (b'<markers><country><city uid="7"/></country></markers>', "city 192 is not in it"),
    "nothing": (b"<markers/>", "city 192 is not in it"),
    "a page": (b"<!DOCTYPE html><html></html>", "document type"),  # over HTTP it does not come so far
    "entities": (b'<!DOCTYPE markers [<!ENTITY a "b">]><markers>&a;</markers>', "document type"),
    "cut short": (b'<markers><country><city uid="192"><place uid="1" ', "is not XML"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_map_of_the_city_is_refused(name: str) -> None:
    body, reason = BAD[name]
    with pytest.raises(Unreadable, match=reason):
        list(DATASET.records(Page(body)))
