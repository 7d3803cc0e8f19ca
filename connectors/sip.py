"""SIP, the city's spatial information system: the noise map, addresses, parcels, land use, from its WFS.

The map server's own system is EPSG:2177, officially with the northing first; which axis came first is found out from the
city's extent (`connectors.protocols.wfs`). The names of the noise and land-use layers are those in use; those of addresses and
parcels stand here alone, so that another name is one line.
"""

import re
from collections.abc import Callable
from hashlib import blake2b

import numpy as np
import shapely

from broker.model import PUBLIC_INFORMATION, AddressFields, Geometry, Record, Source, dataset, every, field
from connectors.protocols.wfs import GML31, GML32, Layer, Layers, required_place
from connectors.sample.sip import answer

__all__ = ["CAUSES", "SIP", "Address", "LandUseArea", "NoiseZone", "Parcel"]

SIP = Source(
    id="sip",
    title="System Informacji Przestrzennej",
    base_url="https://wms2.geopoz.poznan.pl/geoserver",
    description="The city's spatial information system: noise map, addresses, cadastre, land use of the zoning plans",
    sample=answer,
)

CAUSES = {"dr": "road", "tr": "tram", "ko": "rail", "prz": "industry", "lo": "airport"}
"""The causes of noise by the short form in the layers' names."""

NOISE = {f"akustyka:v_v17_{short}_imisja_ldwn_sql": cause for short, cause in CAUSES.items()}
OFFICIAL = "urn:ogc:def:crs:EPSG::2177"
PARCEL = re.compile(r"(?P<unit>\d{6}_\d)\.(?P<precinct>\d{4})(?:\.AR_(?P<sheet>[^.]+))?\.(?P<number>[^.]+)")
OWNERS = frozenset({"WLASC", "WLAD"})  # owner and holder: not public (Geodetic and Cartographic Law, art. 24(5))
PARCEL_PROPERTIES = ("OZN_DZ", "NRD", "POW_EWD", "GEOM")


def cause(layer: str) -> str:
    """The cause of noise a layer is about. Raises ``ValueError`` for a layer that is none of noise."""
    if layer not in NOISE:
        raise ValueError(f"{layer!r} is no layer of the noise map")
    return NOISE[layer]


def level(value: object) -> float | None:
    """A level in dB; of a band (``65-70``, ``> 75``) the lower bound. Raises ``ValueError``."""
    text = str("" if value is None else value).strip().replace(",", ".")
    if not text:
        return None
    found = re.fullmatch(r"[>≥=\s]*(\d+(?:\.\d+)?)(?:\s*[-–]\s*\d+(?:\.\d+)?)?(?:\s*dB)?", text)
    if not found:
        raise ValueError("not a level such as 65 or 65-70")
    return float(found[1])


def lasting(layer: str, id: str, geometry: object) -> str:
    """A key that outlives a refresh: the feature's id, or a print of its place where the server makes ids anew each time."""
    name = layer.partition(":")[2]
    if id and ".fid-" not in id:  # GeoServer's form for a view without a primary key
        return id if id.startswith(f"{name}.") else f"{name}.{id}"  # other servers number each layer by itself
    place = shapely.transform(required_place(geometry), lambda points: np.round(points, 7))  # as stable as a centimetre
    return f"{name}.{blake2b(shapely.to_wkb(place, byte_order=1), digest_size=8).hexdigest()}"


def part(name: str) -> Callable[[object], str | None]:
    """A reader of one part of a parcel's id, ``precinct``, ``sheet`` or ``number``; none when the id has no sheet."""

    def reading(id: object) -> str | None:
        found = PARCEL.fullmatch(str(id or "").strip())
        if not found:
            raise ValueError("not a parcel's id such as 306401_1.0025.AR_22.7")
        return found[name]

    return reading


def full_address(street: object, number: object) -> str:
    """``ul. Święty Marcin 5`` from its parts. Raises ``ValueError`` when the number is missing."""
    parts = [str(one).strip() for one in (street, number) if one is not None]
    if len(parts) < 2 or not all(parts):  # noqa: PLR2004 - a street and a number
        raise ValueError("an address has a street and a number")
    return " ".join(parts)


@dataset(
    SIP,
    "noise_zones",
    key="key",
    reader=Layers(tuple(Layer("akustyka/wfs", name, srs="EPSG:4326") for name in NOISE)),
    refresh=every(days=7),
    licence=PUBLIC_INFORMATION,
)
class NoiseZone(Record):
    """An area of the noise map of 2017 where the noise of one cause reaches a level."""

    key: str = field("Layer and number of the zone", of=("asked.layer", "id", "geometry"), read=lasting)
    cause: str = field(
        f"Cause of the noise: {', '.join(CAUSES.values())}", of="asked.layer", read=cause, search="title"
    )
    level: float = field(
        "Day-evening-night level LDWN (Lden), the lower bound of a band", of="LDWN", read=level, unit="dB"
    )
    geometry: Geometry = field("Its area", read=required_place)


@dataset(
    SIP,
    "addresses",
    key="key",
    reader=Layer("sip_wfs/wfs", "sip_wfs:punkty_adresowe_sql_wfs", srs="EPSG:2177"),
    refresh=every(hours=24),
    licence=PUBLIC_INFORMATION,
    gazetteer=AddressFields(street="street", number="number", postcode="postcode"),
)
class Address(Record):
    """An address point of the city's register: a street and a number."""

    key: str = field("Number of the address in the register", of="id")
    name: str = field("Street and number", of=("ULICA", "NUMER"), read=full_address, search="title")
    street: str = field("Street, square or estate", of="ULICA")
    number: str = field("Number of the building, with its letter", of="NUMER")
    postcode: str | None = field("Postcode", of="KOD", search="text")
    geometry: Geometry = field("Where it is", read=required_place)


@dataset(
    SIP,
    "parcels",
    key="key",
    reader=Layer(
        "egib/wfs",
        "egib:dzialki_ewidencyjne",
        version="1.1.0",
        format=GML31,
        srs=OFFICIAL,
        properties=PARCEL_PROPERTIES,
        withhold=OWNERS,
    ),
    refresh=every(days=7),
    licence=PUBLIC_INFORMATION,
)
class Parcel(Record):
    """A cadastral parcel, without its owners, who are not public."""

    key: str = field(
        "Parcel id: unit, precinct, map sheet, number, as 306401_1.0025.AR_22.7", of="OZN_DZ", search="title"
    )
    precinct: str = field("Code of the cadastral precinct (obręb)", of="OZN_DZ", read=part("precinct"))
    sheet: str | None = field("Map sheet (arkusz)", of="OZN_DZ", read=part("sheet"))
    number: str = field("Number of the parcel in its sheet", of="OZN_DZ", read=part("number"))
    registered_area: float | None = field("Area by the land register", of="POW_EWD", unit="m²")
    geometry: Geometry = field("Its area", read=required_place)


@dataset(
    SIP,
    "land_use_areas",
    key="key",
    reader=Layer("sip_wfs/wfs", "sip_wfs:mpzp_funkcje_pow_g_sql_wfs", format=GML32, srs=OFFICIAL),
    refresh=every(days=7),
    licence=PUBLIC_INFORMATION,
)
class LandUseArea(Record):
    """An area of a zoning plan with the use of land the plan assigns to it."""

    key: str = field("Layer and number of the area", of=("asked.layer", "id", "geometry"), read=lasting)
    symbol: str = field("Symbol of the land use, such as MW or ZP", of="SYMBOL")
    use: str | None = field("Land use in words", of="FUNKCJA", search="title")
    plan: str | None = field("Name of the zoning plan", of="PLAN", search="text")
    geometry: Geometry = field("Its area", read=required_place)
