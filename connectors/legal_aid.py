"""Free legal aid: the points where the city gives it, when they are open and who advises there.

The city publishes one table as CSV in Windows-1250 with semicolons, a title above the header, decimal commas in the degrees
and office hours as people write them (``8.00-12.00 i 14-16``). Hours are local times of Europe/Warsaw.
"""

import re

from broker.errors import RowError
from broker.model import PUBLIC_INFORMATION, Geometry, Record, Source, dataset, every, field
from connectors.protocols.geojson import shape
from connectors.protocols.sheets import Sheet
from connectors.protocols.values import text
from connectors.sample.legal_aid import answer

__all__ = ["LEGAL_AID", "LegalAidPoint"]

LEGAL_AID = Source(
    id="legal_aid",
    title="Nieodpłatna pomoc prawna",
    base_url="https://www.poznan.pl/opendata/download",
    description="The city's table of the points of free legal aid, published as a file",
    sample=answer,
)

ADVISERS = {
    "adwokaci i radcowie prawni": "advocate and legal adviser",
    "adwokat lub radca prawny": "advocate and legal adviser",
    "organizacja pozarządowa": "NGO",
    "ngo": "NGO",
}
CLOSED = frozenset({"", "-", "–", "nieczynne", "nieczynny", "zamknięte"})
SPAN = re.compile(r"(\d{1,2})(?:[.:](\d{2}))?\s*[-–—]\s*(\d{1,2})(?:[.:](\d{2}))?")


def one_line(value: object) -> str | None:
    """The text with its line breaks made blanks."""
    return " ".join((text(value) or "").split()) or None


def hours(value: object) -> str | None:
    """Office hours as ``08:00–12:00, 14:00–16:00``; a text without hours, such as "by appointment", stays; closed is none.

    Raises ``ValueError`` for hours that no clock shows or that end before they begin.
    """
    written = (text(value) or "").strip()
    if written.lower() in CLOSED:
        return None
    spans = [_span(*found.groups(default="00")) for found in SPAN.finditer(written)]
    return ", ".join(spans) or written


def _span(*parts: str) -> str:
    start, end = (f"{int(hour):02d}:{minute}" for hour, minute in (parts[:2], parts[2:]))
    if not start < end <= "24:00" or max(parts[1], parts[3]) > "59":
        raise ValueError(f"{start}–{end} are no office hours")
    return f"{start}–{end}"


def run_by(value: object) -> str:
    """Who advises at the point. Raises ``ValueError`` that names what is known."""
    written = (text(value) or "").lower()
    if written not in ADVISERS:
        raise ValueError(f"{value!r} is none of {', '.join(ADVISERS)}")
    return ADVISERS[written]


def place(lon: object, lat: object) -> Geometry | None:
    """The point from two columns in degrees, none when both are empty. Raises ``ValueError`` when it lies elsewhere."""
    written = [str(one or "").strip().replace(",", ".") for one in (lon, lat)]
    if not any(written):
        return None
    if not all(written):
        raise RowError("one of the two coordinates is missing")
    return shape({"type": "Point", "coordinates": [float(one) for one in written]})


@dataset(
    LEGAL_AID,
    "legal_aid_points",
    key="number",
    reader=Sheet("nieodplatna-pomoc-prawna.csv", required=("Nr punktu", "Nazwa punktu", "Prowadzący")),
    refresh=every(days=1),
    licence=PUBLIC_INFORMATION,
)
class LegalAidPoint(Record):
    """A point of free legal aid: where people who cannot afford it are advised on the law."""

    number: str = field("Number of the point", of="Nr punktu")
    name: str = field("Name", of="Nazwa punktu", read=text, search="title")
    address: str = field("Street and number", of="Adres", read=one_line, search="text")
    postcode: str | None = field("Postcode", of="Kod pocztowy")
    run_by: str = field("Who advises: `advocate and legal adviser` or `NGO`", of="Prowadzący", read=run_by)
    organisation: str | None = field("The organisation that runs the point", of="Organizacja", read=text, search="text")
    phone: str | None = field("Telephone for appointments", of="Telefon")
    email: str | None = field("E-mail address", of="E-mail")
    monday: str | None = field("Hours on Monday, such as 08:00–12:00; none when closed", of="Poniedziałek", read=hours)
    tuesday: str | None = field("Hours on Tuesday", of="Wtorek", read=hours)
    wednesday: str | None = field("Hours on Wednesday", of="Środa", read=hours)
    thursday: str | None = field("Hours on Thursday", of="Czwartek", read=hours)
    friday: str | None = field("Hours on Friday", of="Piątek", read=hours)
    geometry: Geometry | None = field(
        "Where it is", of=("Dł. geogr.", "Szer. geogr."), read=place, geocode=("address", "postcode")
    )
