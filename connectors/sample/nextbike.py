"""Sample of nextbike: 112 stations of an invented Poznań in nextbike's XML, and two bikes that were left elsewhere."""

from functools import lru_cache
from random import Random

from lxml import etree

from broker.upstream import Request
from connectors.sample import city, mim_places

__all__ = ["answer"]

STATIONS = 112
FIRST_UID, FIRST_NUMBER, FIRST_BIKE = 121500, 6100, 67000
USUAL = "4"  # nextbike's number for the kind of bike that most are
REPAIRED = 57


def answer(request: Request) -> bytes:
    """The XML of the city's stations; raises `LookupError` for any other file or city."""
    if request.url.endswith("/nextbike-official.xml") and request.params.get("city") == "192":
        return _markers()
    raise LookupError("no such file")


@lru_cache(maxsize=1)
def _markers() -> bytes:
    random = city.rng("nextbike.bike_stations")
    markers = etree.Element("markers")
    country = etree.SubElement(
        markers, "country", lat="52.4116", lng="16.9258", name="PRM Poznan Poland", timezone="Europe/Warsaw"
    )
    town = etree.SubElement(
        country, "city", uid="192", lat="52.4077", lng="16.9323", name="Poznań", num_places=str(STATIONS)
    )
    bikes = iter(range(FIRST_BIKE, FIRST_BIKE + 24 * STATIONS + 2))
    *addresses, alone, lost = random.sample(mim_places.central(), STATIONS + 2)
    for number, address in enumerate(addresses):
        racks = random.randint(8, 24)
        _station(town, number, address, racks, [str(next(bikes)) for _ in range(_standing(random, number, racks))])
    for address in (alone, lost):
        _bike(town, address, str(next(bikes)))
    return etree.tostring(markers, encoding="utf-8", xml_declaration=True)


def _standing(random: Random, number: int, racks: int) -> int:
    """How many bikes stand at a station: as many as it has racks at most, and none at every tenth."""
    return 0 if number % 10 == 0 else random.randint(0, racks)


def _station(town: etree._Element, number: int, address: city.Address, racks: int, bikes: list[str]) -> None:
    about = {
        "uid": str(FIRST_UID + number),
        "lat": f"{address.lat:.12f}",
        "lng": f"{address.lon:.12f}",
        "name": f"{address.street.split(' ', 1)[-1]} / {address.number}",
        "spot": "1",
        "number": str(FIRST_NUMBER + number),
        "bikes": str(len(bikes)),
        "bike_racks": str(racks),
        "free_racks": str(racks - len(bikes)),
        **({"maintenance": "1"} if number == REPAIRED else {}),
        "terminal_type": "7inch",
        **({"bike_numbers": ",".join(bikes)} if bikes else {}),
        "bike_types": f'{{"{USUAL}":{len(bikes)}}}' if bikes else "{}",
        "place_type": "0",
        "rack_locks": "1",
    }
    station = etree.SubElement(town, "place", about)
    for one in bikes:
        etree.SubElement(station, "bike", number=one, bike_type=USUAL, active="1", state="ok")


def _bike(town: etree._Element, address: city.Address, number: str) -> None:
    """A bike that stands alone: a place without the mark of a station."""
    about = {
        "uid": f"9{number}",
        "lat": f"{address.lat:.12f}",
        "lng": f"{address.lon:.12f}",
        "name": f"BIKE {number}",
        "spot": "0",
        "number": "0",
        "bikes": "1",
        "bike_numbers": number,
        "bike_types": f'{{"{USUAL}":1}}',
    }
    etree.SubElement(etree.SubElement(town, "place", about), "bike", number=number, bike_type=USUAL, active="1")
