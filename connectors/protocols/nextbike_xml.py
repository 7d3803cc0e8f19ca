"""The map file of nextbike, which runs bike sharing in many cities: XML over GET, one row a station.

A station is a place marked as an official spot. Where bikes may be left anywhere, a bike that stands alone comes as a place
of its own, without that mark; it is no station, so it is left out. A row has the place's attributes as the file names
them (``uid``, ``number``, ``name``, ``lat``, ``lng``, ``bikes``, ``bike_racks``, ``free_racks``, ``bike_numbers``, ``maintenance``…);
what is absent is not in it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from broker.errors import Unreadable
from broker.upstream import Page, Upstream
from connectors.protocols import xml

__all__ = ["BikeSharing"]

CITY = "city"
OFFICIAL = "1"


@dataclass(frozen=True, slots=True)
class BikeSharing:
    """Reads the stations of one city in one page.

    Args:
        path: relative to the source's base URL.
        city: nextbike's number of the city; a file without it is unreadable, the stations of others are left out.
    """

    path: str
    city: str

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask once."""
        yield await upstream.get(self.path, {CITY: self.city})

    def rows(self, page: Page) -> Iterator[Mapping[str, str]]:
        """The city's stations; raises `Unreadable` when the page is another kind of document or has no such city."""
        root = xml.parse(page)
        where = page.url or "the answer"
        if xml.name(root) != "markers":
            raise Unreadable(f"{where} holds no bike stations: its root is <{xml.name(root)}>")
        cities = [one for one in xml.children(root, "country", CITY) if one.get("uid") == self.city]
        if not cities:
            raise Unreadable(f"{where} holds no bike stations: city {self.city} is not in it")
        for city in cities:
            for place in xml.children(city, "place"):
                if place.get("spot") == OFFICIAL:
                    yield {str(name): str(value) for name, value in place.attrib.items()}
