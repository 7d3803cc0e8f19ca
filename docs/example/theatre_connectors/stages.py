"""The register of theatres: its stages, as GeoJSON."""

from datetime import date
from importlib.resources import files

from broker.model import CC0, Geometry, Record, Source, dataset, every, field
from broker.upstream import Request
from connectors.protocols.geojson import FeatureCollection, shape

__all__ = ["THEATRES", "Stage"]


def answer(request: Request) -> bytes:
    """The sample: what the register would send."""
    if not request.url.endswith("/stages.geojson"):
        raise LookupError(request.url)
    return files(__package__).joinpath("sample.geojson").read_bytes()


THEATRES = Source(
    id="theatres",
    title="Register of theatres",
    base_url="https://theatres.example/open",
    description="Theatres of the city and their stages",
    sample=answer,
)


@dataset(
    THEATRES,
    "stages",
    key="number",
    reader=FeatureCollection("stages.geojson", ({},)),
    refresh=every(days=1),
    licence=CC0,
    page="https://theatres.example/stages/{number}",
)
class Stage(Record):
    """A stage of a theatre."""

    number: str = field("Number in the register", of="id")
    name: str = field("Name", of="nazwa", search="title")
    theatre: str = field("The theatre it belongs to", of="teatr", search="text")
    seats: int | None = field("Seats in the audience", of="miejsca", unit="1")
    opened: date | None = field("Day of the first performance", of="otwarcie")
    geometry: Geometry | None = field("Where it stands", of=("geometry", "crs"), read=shape)
