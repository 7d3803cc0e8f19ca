"""Sample of MIM's places: monuments, churches, parks, halls, ticket machines, by class."""

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Any

from connectors.sample import city
from connectors.sample.mim_texts import FACTS, HALLS, MONUMENTS, PARKS, PATRONS, STYLES

__all__ = ["TITLES", "central", "places"]

TITLES = {
    "4000": "Biletomaty",
    "4803": "Punkty sprzedaży biletów",
    "2471": "Zabytkowe kościoły",
    "2572": "Zabytki",
    "3338": "Parki",
    "3310": "Skateparki",
    "331": "Hale",
}
COUNTS = {"4000": 220, "4803": 720, "2471": 84, "2572": 880, "3338": 120, "3310": 24, "331": 62}
TURTLES = (
    ("3338", "Żółw błotny – Nowe Zoo", "Staw i wybieg ż&oacute;łwia błotnego w&nbsp;Nowym Zoo; karmienie o 12.00."),
    ("2572", "Pomnik „Żółw i zając”", "Rzeźba z&nbsp;piaskowca: ż&oacute;łw, kt&oacute;ry wygrał wyścig."),
)

Described = tuple[str, str]
Place = tuple[str | int, Any, dict[str, str]]


@lru_cache(maxsize=1)
def central() -> tuple[city.Address, ...]:
    """The 3 000 addresses nearest to the town hall, nearest first."""
    # a degree of longitude is 0.61 of a degree of latitude here
    near = sorted(city.addresses(), key=lambda one: ((one.lon - 16.934) * 0.61) ** 2 + (one.lat - 52.408) ** 2)
    return tuple(near[:3000])


@lru_cache(maxsize=len(COUNTS))
def places(class_id: str) -> tuple[Place, ...]:
    """The places of a class: id, geometry, properties. Raises `LookupError` when there is no such class."""
    random = city.rng(f"mim.places.{class_id}")
    first = 1000 * (list(COUNTS).index(class_id) + 1)
    old = class_id in {"2471", "2572", "331"}
    chosen = random.sample(central() if old else city.addresses(), COUNTS[class_id])
    if class_id == "3338":  # the first park is the New Zoo, which lies in this district
        chosen[0] = next(one for one in city.addresses() if one.district == "Antoninek-Zieliniec-Kobylepole")
    made = [_place(random, first + number, class_id, address) for number, address in enumerate(chosen)]
    for (_, _, properties), (_, name, text) in zip(made, (one for one in TURTLES if one[0] == class_id), strict=False):
        properties["nazwa"], properties["opis"] = name, f"<p>{text}</p>"
    return tuple(made)


def _place(random: Random, number: int, class_id: str, address: city.Address) -> Place:
    name, text = DESCRIBE[class_id](random, address)
    known = class_id in {"4803", "331"} and random.random() < 0.6
    properties = {
        "nazwa": name,
        "opis": text,
        "opis_klasy": TITLES[class_id],
        "id_klasy": class_id,
        "adres": f"{address.street} {address.number}",
        "kod": address.postcode,
        "miasto": "Poznań",
        "telefon": f"61 000 {random.randint(10, 99)} {random.randint(10, 99)}" if known else "",
        "email": f"obiekt{number}@example.org" if known else "",
        "www": f"www.example.org/obiekt/{number}" if known else "",
        "grafika": _pictures(random, number) if class_id in {"2471", "2572", "3338"} else "",
        "lang": "pl",
        "kolejnosc": "0",
        "x_4326": f"{address.lon:.6f}",
        "y_4326": f"{address.lat:.6f}",
    }
    geometry = {"coordinates": [round(address.lon, 6), round(address.lat, 6)], "type": "Point"}
    # some features come without a geometry and only the two properties tell where they are
    return (number if number % 50 == 0 else str(number)), (None if number % 40 == 7 else geometry), properties


def _pictures(random: Random, number: int) -> str:
    return ";".join(f"sample{number}_{one}.jpg" for one in range(1, random.choice((1, 1, 2, 3)) + 1))


def _monument(random: Random, address: city.Address) -> Described:
    style, year = random.choice(STYLES), random.randint(1780, 1938)
    text = (
        f"<p>Obiekt <strong>{style}</strong> z&nbsp;{year}&nbsp;r. {random.choice(FACTS)}.</p>"
        f"<p>Wpis do rejestru zabytk&oacute;w: A&ndash;{random.randint(100, 900)}.</p>"
    )
    return f"{random.choice(MONUMENTS)}, {address.street} {address.number}", text


def _church(random: Random, address: city.Address) -> Described:
    text = f"<p>Świątynia z&nbsp;{random.randint(1250, 1910)}&nbsp;r.<br>{random.choice(FACTS)}.</p>"
    return f"Kościół pw. {random.choice(PATRONS)} ({address.district})", text


def _park(random: Random, address: city.Address) -> Described:
    text = f"<ul><li>Ławki: {random.randint(4, 60)}</li><li>Plac zabaw &amp; siłownia pod chmurką</li></ul>"
    return f"{random.choice(PARKS)} {address.street}", text


def _skatepark(random: Random, address: city.Address) -> Described:
    return f"Skatepark {address.district}", f"Przeszk&oacute;d: {random.randint(4, 15)}"


def _hall(random: Random, address: city.Address) -> Described:
    return f"{random.choice(HALLS)} „{address.district}”", f"<p>Miejsc: {random.randint(12, 400) * 10}.</p>"


def _ticket_machine(random: Random, address: city.Address) -> Described:
    paid = random.choice(("gotówka i karta", "tylko karta", "karta, telefon"))
    return f"Biletomat – {address.street}", f"Płatność: {paid}"


def _ticket_sales_point(random: Random, address: city.Address) -> Described:
    kind = random.choice(("Kiosk", "Sklep spożywczy", "Punkt Obsługi Klienta", "Salonik prasowy"))
    return f"{kind}, {address.street} {address.number}", "Bilety jednorazowe i&nbsp;doładowania kart" * random.randint(
        0, 1
    )


DESCRIBE: dict[str, Callable[[Random, city.Address], Described]] = {
    "4000": _ticket_machine,
    "4803": _ticket_sales_point,
    "2471": _church,
    "2572": _monument,
    "3338": _park,
    "3310": _skatepark,
    "331": _hall,
}
