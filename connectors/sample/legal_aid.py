"""Sample of free legal aid: 33 points of an invented Poznań as the city's CSV: Windows-1250, semicolons, decimal commas."""

import csv
from functools import lru_cache
from io import StringIO

from broker.upstream import Request
from connectors.sample import city

__all__ = ["answer"]

HEADER = (
    "Lp.", "Nr punktu", "Nazwa punktu", "Adres", "Kod pocztowy", "Prowadzący", "Organizacja", "Poniedziałek", "Wtorek",
    "Środa", "Czwartek", "Piątek", "Telefon", "E-mail", "Szer. geogr.", "Dł. geogr.",
)  # fmt: skip
POINTS, NGO_FROM = 33, 22  # as in 2017: 22 with advocates and legal advisers, 11 of organisations
UNPLACED = frozenset({11, 22, 33})  # as it happens in tables: the degrees are missing, the address is not
ORGANISATIONS = ("Fundacja Prawo po Sąsiedzku", "Stowarzyszenie Porada za Rogiem", "Fundacja Paragraf i Człowiek")
HOSTS = ("Filia biblioteki", "Szkoła podstawowa", "Dom kultury", "Siedziba rady osiedla", "Klub seniora")
HOURS = ("8.00-12.00", "12.00-16.00", "15.30-19.30", "8:00 – 12:00", "9.00-11.00 i 14.00-16.00", "nieczynne")


def answer(request: Request) -> bytes:
    """The CSV of the points; raises `LookupError` for any other file."""
    if request.url.endswith("/nieodplatna-pomoc-prawna.csv"):
        return _table()
    raise LookupError("no such file")


@lru_cache(maxsize=1)
def _table() -> bytes:
    pick = city.rng("legal_aid")
    by_district: dict[str, list[city.Address]] = {}
    for one in city.addresses():
        by_district.setdefault(one.district, []).append(one)
    districts = pick.sample(sorted(by_district), POINTS)
    out = StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    table.writerow(["Wykaz punktów nieodpłatnej pomocy prawnej w Poznaniu", *[""] * (len(HEADER) - 1)])
    table.writerow([""] * len(HEADER))
    table.writerow(HEADER)
    for number, district in enumerate(districts, 1):
        house, ngo = pick.choice(by_district[district]), number > NGO_FROM
        table.writerow(
            (
                number,
                f"NPP/{number:02d}",
                f"Punkt nr {number} – {district}",
                f"{house.street} {house.number}\n({pick.choice(HOSTS)})",
                house.postcode,
                "organizacja pozarządowa" if ngo else "adwokaci i radcowie prawni",
                pick.choice(ORGANISATIONS) if ngo else "",
                *(pick.choice(HOURS) for _ in range(5)),
                "61 646 33 44",
                f"punkt{number:02d}@pomoc-prawna.example",
                "" if number in UNPLACED else f"{house.lat:.6f}".replace(".", ","),
                "" if number in UNPLACED else f"{house.lon:.6f}".replace(".", ","),
            )
        )
    table.writerow([""] * len(HEADER))
    return out.getvalue().encode("cp1250")
