"""nextbike, who runs the city's bikes: the stations and what they hold at this moment.

The file tells kinds of bikes by numbers that it does not explain, so which of them are electric is not known from it.
"""

from broker.errors import RowError
from broker.model import PUBLIC_INFORMATION, Geometry, Record, Source, dataset, field, live
from connectors.protocols.geojson import shape
from connectors.protocols.nextbike_xml import BikeSharing
from connectors.sample.nextbike import answer

__all__ = ["NEXTBIKE", "BikeStation"]

NEXTBIKE = Source(
    id="nextbike",
    title="Poznański Rower Miejski",
    base_url="https://nextbike.net/maps",
    description="The city's bike sharing, run by nextbike: its stations, with the bikes and racks they have now",
    sample=answer,
)

POZNAN = "192"


def numbers(written: str | None) -> tuple[str, ...]:
    """The numbers in a list divided by commas."""
    return tuple(one for part in (written or "").split(",") if (one := part.strip()))


def maintained(written: str | None) -> bool:
    """Whether a station is out of order; the file says so only of those that are."""
    return (written or "0").strip() not in {"", "0"}


def place(lng: str | None, lat: str | None) -> Geometry | None:
    """The point from two attributes in degrees. Raises `RowError` when one is missing or it lies away from the city."""
    if not lng or not lat:
        raise RowError("one of the two coordinates is missing")
    return shape({"type": "Point", "coordinates": [float(lng), float(lat)]})


@dataset(
    NEXTBIKE,
    "bike_stations",
    key="key",
    reader=BikeSharing("nextbike-official.xml", city=POZNAN),
    refresh=live(seconds=60),
    licence=PUBLIC_INFORMATION,
)
class BikeStation(Record):
    """A station of the city bike, with what it holds now; bikes left elsewhere are not among them."""

    key: str = field("Number of the station in nextbike's system", of="uid")
    number: str | None = field("Number that is written on the station")
    name: str = field("Name", search="title")
    bikes: int = field("Bikes that stand here now", unit="bikes")
    racks: int | None = field("Racks in all", of="bike_racks", unit="racks")
    free_racks: int | None = field("Racks free now", unit="racks")
    bike_numbers: tuple[str, ...] = field(
        "Numbers of the bikes that stand here, by which they are rented", read=numbers
    )
    maintenance: bool = field("Whether the station is being repaired", read=maintained)
    geometry: Geometry = field("Where it stands", of=("lng", "lat"), read=place)
