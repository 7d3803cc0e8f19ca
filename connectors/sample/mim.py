"""Sample of MIM: the map layers, the calendar and the news of an invented Poznań, in the true wire forms.

The map service's manners are kept: every property is text and empty when absent, descriptions are HTML with entities, the
envelope has a ``crs`` member, one feature in many is quirky (a nested point, a number for an id, a place without a geometry).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import shapely

from broker.upstream import Request
from connectors.sample import city, mim_calendar, mim_places
from connectors.sample.mim_texts import ROUTES

__all__ = ["answer", "stops"]

Feature = dict[str, Any]
CODE = str.maketrans("ĄĆĘŁŃÓŚŹŻ", "ACELNOSZZ")


def answer(request: Request) -> bytes:
    """The body for a request of MIM's readers; raises `LookupError` for any other."""
    if request.url.endswith("/plan/map_service.html"):
        return _layer(request.params)
    if request.url.endswith("/public/ws-information/") and request.params.get("co") == "getEventsToDate":
        return mim_calendar.events()
    if request.url.endswith("/rss/komunikaty.xml"):
        return mim_calendar.news()
    raise LookupError("no such page")


def _layer(params: Mapping[str, str]) -> bytes:
    name = params.get("co", "")
    if name == "class_objects":
        class_id = params["class_id"]
        title, found = mim_places.TITLES[class_id], [_feature(*one) for one in mim_places.places(class_id)]
        return _envelope(found, klasa={"opis_klasy": title, "atrybuty_klasy": [], "id_klasy": class_id})
    return _envelope(list(LAYERS[name](name)))


def _envelope(features: list[Feature], **more: object) -> bytes:
    crs = {"type": "EPSG", "properties": {"code": "4326"}}
    return orjson.dumps({"features": features, "crs": crs, **more, "type": "FeatureCollection"})


def _feature(id: str | int, geometry: object, properties: dict[str, str]) -> Feature:
    return {"geometry": geometry, "id": id, "type": "Feature", "properties": properties}


def _point(lon: float, lat: float) -> Feature:
    return {"coordinates": [round(lon, 6), round(lat, 6)], "type": "Point"}


def stops(_: str = "") -> Iterator[Feature]:
    """The posts of the invented stops."""
    random = city.rng("mim.stops")
    by_street: dict[str, list[city.Address]] = {}
    for address in city.addresses():
        by_street.setdefault(address.street, []).append(address)
    streets = sorted(by_street)
    codes: dict[str, int] = {}
    for number in range(420):
        street = streets[number % len(streets)]
        name = street.split(" ", 1)[-1] + ("" if number < len(streets) else f" {'I' * (number // len(streets) + 1)}")
        letters = "".join(one for one in name.upper().translate(CODE) if one.isalpha()).ljust(4, "X")[:4]
        middle, tram = random.choice(by_street[street]), random.random() < 0.25
        for _post in range(random.randint(3, 5)):
            codes[letters] = codes.get(letters, 40) + 1
            lines = sorted(random.sample(range(1, 19) if tram else range(51, 99), random.randint(1, 6)))
            yield _feature(
                f"{letters}{codes[letters]}",
                _point(middle.lon + random.uniform(-4e-4, 4e-4), middle.lat + random.uniform(-3e-4, 3e-4)),
                {
                    "zone": "A" if random.random() < 0.9 else "B",
                    "route_type": "0" if tram else "3",
                    "headsigns": ", ".join(map(str, lines)),
                    "stop_name": name,
                },
            )


def _parking_meters(_: str) -> Iterator[Feature]:
    random = city.rng("mim.parking_meters")
    for number, address in enumerate(random.sample(mim_places.central(), 620), 1):
        geometry = _point(address.lon, address.lat)
        if number % 100 == 0:
            geometry["coordinates"] = [geometry["coordinates"]]  # a point nested like a multipoint, as some really are
        yield _feature(str(1000 + number), geometry, {"zone": random.choice("ABC"), "street": address.street})


def _districts(_: str) -> Iterator[Feature]:
    for number, one in enumerate(city.districts(), 1):
        geometry = shapely.geometry.mapping(one.polygon)
        if number % 7 == 0:  # one layer mixes simple and multiple geometries
            geometry = {"type": "MultiPolygon", "coordinates": [geometry["coordinates"]]}
        yield _feature(str(number), geometry, {"name": one.name})


def _zoning_plans(layer: str) -> Iterator[Feature]:
    random = city.rng(f"mim.{layer}")
    in_force = layer == "mpzp"
    for number, address in enumerate(random.sample(city.addresses(), 170 if in_force else 60), 1):
        begun = random.randint(1996, 2013) if in_force else random.randint(2010, 2017)
        adopted = min(begun + random.randint(1, 4), 2017)
        properties = {
            "nazwa": f"Rejon {address.street} &ndash; {address.district}",
            "uchw_przyst": f"{_roman(random.randint(3, 79))}/{random.randint(20, 900)}/{begun}",
            "data_przyst": f"{begun}-{random.randint(1, 6):02}-{random.randint(1, 28):02}",
            "uchw_zatw": f"{_roman(random.randint(3, 79))}/{random.randint(20, 900)}/{adopted}" if in_force else "",
            "data_zatw": f"{adopted}-{random.randint(7, 9):02}-{random.randint(1, 28):02}" if in_force else "",
            "publ_dz_urz": f"Dz. Urz. Woj. Wlkp. z {adopted} r. poz. {random.randint(100, 9000)}" if in_force else "",
            "data_dz_urz": f"{random.randint(1, 28):02}.{random.randint(10, 12)}.{adopted}" if in_force else "",
        }
        yield _feature(str(number), _area(address, random.uniform(90, 420), random.randint(5, 11)), properties)


def _area(centre: city.Address, radius: float, corners: int) -> Feature:
    """An uneven polygon with about this radius in metres."""
    random = city.rng(f"mim.area.{centre.lon}.{centre.lat}")
    ring = []
    for corner in range(corners):
        angle, reach = 2 * math.pi * corner / corners, radius * random.uniform(0.7, 1.2)
        east, north = reach * math.cos(angle) / 67_900, reach * math.sin(angle) / 111_200  # metres a degree, here
        ring.append([round(centre.lon + east, 6), round(centre.lat + north, 6)])
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _roman(number: int) -> str:
    text = ""
    for value, letters in ((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        text += letters * (number // value)
        number %= value
    return text


def _routes(layer: str) -> Iterator[Feature]:
    random = city.rng(f"mim.{layer}")
    title, count = ROUTES[layer]
    middles = [one.polygon.representative_point() for one in city.districts()]
    for number in range(1, count + 1):
        start = random.choice(middles)
        near = sorted(middles, key=lambda one, start=start: abs(one.x - start.x) + abs(one.y - start.y))  # type: ignore[misc]
        course = [_wander(one.x, one.y, random.uniform(-2e-3, 2e-3)) for one in near[: random.randint(3, 6)]]
        names = ("nad Wartą", "przez forty", "wokół jezior", "śladami młynów", "przez las", "staromiejska")
        yield _feature(
            number if number == 1 else str(number),  # a number where the others are text, as in one layer
            {"type": "MultiLineString", "coordinates": [course]} if number % 2 else _line(course),
            {
                "nazwa": f"{title} {number}: {names[number % len(names)]}",
                "opis": f"<p>Oznakowanie co&nbsp;200&nbsp;m; {len(course)} punkt&oacute;w postoju.</p>",
            },
        )


def _line(course: list[list[float]]) -> Feature:
    return {"type": "LineString", "coordinates": course}


def _wander(lon: float, lat: float, by: float) -> list[float]:
    return [round(lon + by, 6), round(lat - by, 6)]


def _catchments(_: str) -> Iterator[Feature]:
    number = 0
    for one in city.districts():
        west, south, east, north = one.polygon.bounds
        middle = (west + east) / 2
        for half in (shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)):
            number += 1
            yield _feature(
                str(number),
                shapely.geometry.mapping(one.polygon.intersection(half)),
                {"nazwa": f"Szkoła Podstawowa nr {number}", "nr": str(number), "pk": str(7000 + number)},
            )


LAYERS: dict[str, Callable[[str], Iterator[Feature]]] = {
    "cluster": stops,
    "parking_meters": _parking_meters,
    "osiedla": _districts,
    "mpzp": _zoning_plans,
    "mpzpw": _zoning_plans,
    "podstawowe201516": _catchments,
    **dict.fromkeys(ROUTES, _routes),
}
