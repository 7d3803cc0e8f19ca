"""MIM, the city's multimedia information service: its map, its event calendar, its news.

The map service answers GeoJSON whose property values are all text and empty when absent; the calendar answers XML in
several languages; the news is RSS. Local times are those of Europe/Warsaw.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urljoin

from broker.model import (
    PUBLIC_INFORMATION,
    Geometry,
    Localized,
    Record,
    Source,
    dataset,
    every,
    field,
)
from broker.text import plain_text
from connectors.protocols.events_xml import EventCalendar
from connectors.protocols.geojson import FeatureCollection, shape
from connectors.protocols.rss import Rss, moment
from connectors.sample.mim import answer

__all__ = [
    "CLASSES",
    "MIM",
    "Article",
    "District",
    "Event",
    "ParkingMeter",
    "Place",
    "Route",
    "SchoolCatchment",
    "Stop",
    "ZoningPlan",
]

MIM = Source(
    id="mim",
    title="Miejski Informator Multimedialny",
    base_url="https://www.poznan.pl/mim",
    description="The city's multimedia information service: map layers, the event calendar and the news",
    sample=answer,
)

MAP = "plan/map_service.html"
PICTURES = "https://www.poznan.pl/mim/upload/obiekty/"
CLASSES = {
    "4000": "ticket machines",
    "4803": "ticket sales points",
    "2471": "historic churches",
    "2572": "monuments",
    "3338": "parks",
    "3310": "skateparks",
    "331": "halls",
}
"""The classes of places that are read, by ``class_id``; another one is another line."""

ROUTES = {
    "cycling_routes": "cycling route",
    "trails": "hiking trail",
    "dydactic_paths": "educational path",
    "trakt": "royal route",
}
ROUTE_TYPES = {"0": "tram", "1": "metro", "2": "rail", "3": "bus"}  # GTFS reference, routes.txt
PLANS = {"mpzp": "in force", "mpzpw": "in preparation"}


def layers(group: str, *names: str, **more: str) -> FeatureCollection:
    """A reader of one layer of the map service or of several of one group."""
    return FeatureCollection(MAP, tuple({"mtype": group, "co": name, **more} for name in names))


def one_line(value: object) -> str:
    """The text without markup, entities and line breaks."""
    return " ".join(plain_text("" if value is None else str(value)).split())


def location(geometry: Any, crs: int, lon: object = None, lat: object = None) -> Geometry | None:  # noqa: ANN401 - as it came
    """The geometry member, or else the point two further values give in degrees. Raises ``ValueError``."""
    made = shape(geometry, crs)
    if made is None and lon and lat:
        return shape({"type": "Point", "coordinates": [degrees(lon), degrees(lat)]})
    return made


def required_shape(geometry: Any, crs: int) -> Geometry:  # noqa: ANN401 - as it came
    """As `shape`, for a layer that makes no sense without one. Raises ``ValueError``."""
    made = shape(geometry, crs)
    if made is None:
        raise ValueError("the geometry is missing")
    return made


def degrees(value: object) -> float:
    """A coordinate in degrees, with a decimal point or comma. Raises ``ValueError``."""
    return float(str(value).strip().replace(",", "."))


def pictures(value: object) -> tuple[str, ...]:
    """The addresses of the pictures: names in the service's upload folder, or whole addresses."""
    return tuple(urljoin(PICTURES, one) for one in re.split(r"[;,|\s]+", str(value or "")) if one)


def lines(value: object) -> tuple[str, ...]:
    """The lines of a comma list, in their order."""
    return tuple(one for part in str(value or "").split(",") if (one := part.strip()))


def web_address(*values: object) -> str:
    """The first address there is, with a scheme."""
    found = next((text for one in values if one and (text := str(one).strip())), "")
    return found if not found or "://" in found else f"https://{found}"


def day(value: object) -> date | None:
    """A date as ``2005-07-12``, ``12.07.2005`` or with a time behind it; none when absent. Raises ``ValueError``."""
    text = str(value or "").strip()[:10]
    if not text or text == "0001-01-01":
        return None
    if dotted := re.fullmatch(r"(\d{2})[.-](\d{2})[.-](\d{4})", text):
        text = f"{dotted[3]}-{dotted[2]}-{dotted[1]}"
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("not a date as 2005-07-12 or 12.07.2005") from error


def names(texts: dict[str, str]) -> Localized:
    """The name in each language, as one line of plain text. Raises ``ValueError`` when there is none."""
    found = Localized({language: line for language, text in texts.items() if (line := one_line(text))})
    if not found:
        raise ValueError("there is no name in any language")
    return found


def descriptions(texts: dict[str, str]) -> Localized | None:
    """The markup in each language; none when there is none."""
    return Localized(texts) if texts else None


def street_address(street: object, number: object, postcode: object = "", city: object = "") -> str:
    """``ul. Święty Marcin 5, 61-808 Poznań`` from its parts, as far as there are any."""
    first, second = (" ".join(str(one).strip() for one in pair if one) for pair in ((street, number), (postcode, city)))
    return ", ".join(one for one in (first.strip(), second.strip()) if one)


def one_of(words: Mapping[str, str]) -> Callable[[object], str]:
    """A reader of a code as its word; another code raises ``ValueError`` that names the known ones."""

    def reading(code: object) -> str:
        if code not in words:
            raise ValueError(f"{code!r} is none of {', '.join(words)}")
        return words[str(code)]

    return reading


def in_layer(layer: str, id: str) -> str:
    """A key from the layer and the feature's id, for data sets read from several layers that number on their own."""
    if not id:
        raise ValueError("the feature has no id")
    return f"{layer}-{id}"


@dataset(
    MIM,
    "places",
    key="key",
    reader=FeatureCollection(
        MAP, tuple({"mtype": "pub_transport", "co": "class_objects", "class_id": one, "lang": "pl"} for one in CLASSES)
    ),
    refresh=every(hours=6),
    licence=PUBLIC_INFORMATION,
)
class Place(Record):
    """A point of interest: a monument, a church, a park, a ticket machine, of one of several classes."""

    key: str = field("Number of the object in the service", of="id")
    name: str = field("Name", of="nazwa", read=one_line, search="title")
    description: str | None = field("What is worth knowing about it", of="opis", html=True, search="text")
    class_id: str = field("Number of its class", of="id_klasy")
    class_title: str | None = field("Name of its class", of="opis_klasy", search="text")
    address: str | None = field("Street and number", of="adres", search="text")
    postcode: str | None = field("Postcode", of="kod")
    city: str | None = field("Town", of="miasto")
    phone: str | None = field("Telephone", of="telefon")
    email: str | None = field("E-mail address", of="email")
    www: str | None = field("Web address", of=("www", "url"), read=web_address)
    pictures: tuple[str, ...] = field("Addresses of its pictures", of="grafika", read=pictures)
    geometry: Geometry | None = field("Where it is", of=("geometry", "crs", "x_4326", "y_4326"), read=location)


@dataset(
    MIM,
    "stops",
    key="key",
    reader=layers("pub_transport", "cluster"),
    refresh=every(hours=24),
    licence=PUBLIC_INFORMATION,
)
class Stop(Record):
    """A post of a tram or bus stop: where one vehicle halts in one direction."""

    key: str = field("Code of the post, such as AWF41", of="id")
    name: str = field("Name of the stop", of="stop_name", search="title")
    kind: str = field("What halts here: tram, bus, rail or metro", of="route_type", read=one_of(ROUTE_TYPES))
    lines: tuple[str, ...] = field("Lines that halt here, in the operator's order", of="headsigns", read=lines)
    zone: str | None = field("Fare zone")
    geometry: Geometry = field("Where it stands", of=("geometry", "crs"), read=required_shape)


@dataset(
    MIM,
    "parking_meters",
    key="key",
    reader=layers("pub_transport", "parking_meters"),
    refresh=every(hours=24),
    licence=PUBLIC_INFORMATION,
)
class ParkingMeter(Record):
    """A parking meter of the paid parking zone."""

    key: str = field("Number of the meter", of="id")
    zone: str | None = field("Sector of the paid parking zone")
    street: str | None = field("Street it stands on", search="title")
    geometry: Geometry | None = field("Where it stands", of=("geometry", "crs"), read=shape)


@dataset(
    MIM,
    "districts",
    key="key",
    reader=layers("local_gov", "osiedla"),
    refresh=every(days=7),
    licence=PUBLIC_INFORMATION,
    partition=True,
)
class District(Record):
    """A district of the city (osiedle), an auxiliary unit with its own council; the districts divide the city."""

    key: str = field("Number of the district in the service", of="id")
    name: str = field("Name", read=one_line, search="title")
    geometry: Geometry = field("Its area", of=("geometry", "crs"), read=required_shape)


@dataset(
    MIM,
    "zoning_plans",
    key="key",
    reader=layers("urban_planning", *PLANS),
    refresh=every(hours=24),
    licence=PUBLIC_INFORMATION,
)
class ZoningPlan(Record):
    """A local zoning plan (miejscowy plan zagospodarowania przestrzennego), in force or being drawn up."""

    key: str = field("Layer and number of the plan", of=("asked.co", "id"), read=in_layer)
    name: str = field("Name of the plan", of="nazwa", read=one_line, search="title")
    status: str = field("Whether it is `in force` or `in preparation`", of="asked.co", read=one_of(PLANS))
    started_by: str | None = field("Resolution that began the work", of="uchw_przyst")
    started_on: date | None = field("Day of that resolution", of="data_przyst", read=day)
    adopted_by: str | None = field("Resolution that adopted it", of="uchw_zatw")
    adopted_on: date | None = field("Day of that resolution", of="data_zatw", read=day)
    journal: str | None = field("Where the official journal published it", of="publ_dz_urz")
    published_on: date | None = field("Day of that publication", of="data_dz_urz", read=day)
    geometry: Geometry | None = field("The area it covers", of=("geometry", "crs"), read=shape)


@dataset(MIM, "routes", key="key", reader=layers("tourism", *ROUTES), refresh=every(days=7), licence=PUBLIC_INFORMATION)
class Route(Record):
    """A route for tourists: a cycling route, a hiking trail, an educational path or the royal route."""

    key: str = field("Layer and number of the route", of=("asked.co", "id"), read=in_layer)
    name: str = field("Name", of="nazwa", read=one_line, search="title")
    kind: str = field(f"One of {', '.join(ROUTES.values())}", of="asked.co", read=one_of(ROUTES))
    description: str | None = field("What is on the way", of="opis", html=True, search="text")
    geometry: Geometry | None = field("Its course", of=("geometry", "crs"), read=shape)


@dataset(
    MIM,
    "school_catchments",
    key="key",
    reader=layers("education", "podstawowe201516"),
    refresh=every(days=30),
    licence=PUBLIC_INFORMATION,
)
class SchoolCatchment(Record):
    """The area from which a primary school takes its pupils."""

    key: str = field("Number of the area in the service", of="id")
    name: str = field("School", of="nazwa", read=one_line, search="title")
    number: str | None = field("Number of the school", of="nr")
    school: str | None = field("Key of the school in the service", of="pk")
    geometry: Geometry | None = field("The area", of=("geometry", "crs"), read=shape)


@dataset(
    MIM,
    "events",
    key="key",
    reader=EventCalendar("public/ws-information/"),
    refresh=every(hours=1),
    licence=PUBLIC_INFORMATION,
)
class Event(Record):
    """An event of the city's calendar: a concert, an exhibition, a meeting."""

    key: str = field("Number of the event in the calendar", of="id")
    name: Localized = field("Name, by language", of="names", read=names, search="title")
    description: Localized | None = field(
        "What it is about, by language", of="descriptions", read=descriptions, html=True, search="text"
    )
    category: str | None = field("Category", read=one_line)
    starts_at: datetime = field("When it begins", of="start")
    ends_at: datetime | None = field("When it ends", of="end")
    place: str | None = field("Place where it happens", of="place_id", to="mim.places")
    place_name: str | None = field("Name of the place, as the calendar has it", of="place", read=one_line)
    address: str | None = field(
        "Address", of=("street", "number", "postcode", "city"), read=street_address, search="text"
    )
    url: str | None = field("Its page in the calendar", read=web_address)
    geometry: Geometry | None = field(
        "Where it happens", of=("lon", "lat"), read=lambda lon, lat: location(None, 4326, lon, lat)
    )


@dataset(
    MIM,
    "articles",
    key="key",
    reader=Rss(("rss/komunikaty.xml",)),
    refresh=every(minutes=30),
    licence=PUBLIC_INFORMATION,
    page="{url}",
)
class Article(Record):
    """A piece of the city's news."""

    key: str = field("Identifier of the item in the feed", of="id")
    title: str = field("Title", read=one_line, search="title")
    summary: str | None = field("The beginning, or what it is about", of="description", html=True, search="text")
    text: str | None = field("The full text, where the feed has it", of="encoded", html=True, search="text")
    published_at: datetime | None = field("When it was published", of="pubDate", read=moment)
    categories: tuple[str, ...] = field("Categories")
    url: str = field("Its page", of="link", read=web_address)
    picture: str | None = field("Address of its picture", of="enclosure")
