"""The bulletin of an invented Poznań, in the true wire form and with its manners.

The size named is always 100, one page in the middle is short and one is empty, one entry is an object and several are a
list, contracts come in two identifier series, and amounts are written in every way the register knows.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any

import orjson

from broker.upstream import Request
from connectors.sample import city
from connectors.sample.addresses import written
from connectors.sample.bip_texts import (
    CARDS,
    CONTRACTORS,
    COUNCILLORS,
    DEPARTMENTS,
    MATTERS,
    NOTICES,
    OFFICES,
    ORDERS,
    QUESTIONS,
    SUBJECTS,
    UNITS,
)

__all__ = ["REQUESTS_OF_2017", "answer"]

Entry = dict[str, Any]

SITE = "https://bip.poznan.pl/bip"
CONTRACTS = 2_600
PAGE = 100
INTERPELLATIONS_PAGE = 50

# Mode, requests in 2017, days they took in all: the averages are 9.1, 8.7, 37.5 and 47.3 days, as the city reported.
REQUESTS_OF_2017 = (
    ("informacja prosta", 1_100, 10_010),
    ("ponowne wykorzystywanie", 40, 348),
    ("informacja przekształcona", 38, 1_425),
    ("informacja przetworzona", 50, 2_365),
)
LIMITS = {
    "informacja prosta": 14,
    "ponowne wykorzystywanie": 20,
    "informacja przekształcona": 60,
    "informacja przetworzona": 60,
}
REFUSED_EVERY = 29  # so that over 95% are granted


def answer(request: Request) -> bytes:
    """The answer of the bulletin. Raises `LookupError` for a path the sample does not have."""
    path = request.url.split("/bip/", 1)[-1]
    if request.method == "POST" and path == "rejestr-umow/":
        return _at(_contracts(), int(request.form.get("p", "0")))
    if path.endswith("/bip/rejestr-umow/"):
        return _search_form()
    if path.startswith("news/-,c,"):
        category = path.removeprefix("news/-,c,").strip("/")
        return _envelope("komunikaty_i_ogloszenia", "komunikat_ogloszenie", _notices(category))
    head, _, page = path.strip("/").partition("/")
    return _at(PATHS[head](), int(page or 1) - 1)


def _at(pages: Sequence[bytes], number: int) -> bytes:
    """A page; after the last one the bulletin goes on with empty ones."""
    return pages[number] if number < len(pages) - 1 else pages[-1]


def _envelope(section: str, entry: str, rows: Sequence[Entry]) -> bytes:
    items: list[Any] = [{entry: rows[0] if len(rows) == 1 else rows}] if rows else [""]
    return orjson.dumps({"bip.poznan.pl": {"data": [{section: {"items": items, "total_size": "100"}}]}})


def _paged(section: str, entry: str, rows: Sequence[Entry], size: int) -> tuple[bytes, ...]:
    """Pages as the bulletin cuts them: one in the middle short, the one after it empty, the last with a single entry."""
    middle = len(rows) // size // 2 * size
    cuts = [*range(0, middle + 1, size), middle + size // 2, middle + size // 2]
    cuts += [*range(cuts[-1] + size, len(rows) - 1, size), len(rows) - 1, len(rows), len(rows)]
    return tuple(_envelope(section, entry, rows[start:end]) for start, end in pairwise(cuts))


@lru_cache(maxsize=1)
def _search_form() -> bytes:
    options = "".join(f'<option value="{number}">{escape(name)}</option>' for number, name in UNITS.items())
    return (
        "<!DOCTYPE html><html><head><title>Rejestr umów</title></head><body><form>"
        f'<select name="ru_jednostka_in"><option value="">(wybierz)</option>{options}</select>'
        "</form></body></html>"
    ).encode()


@lru_cache(maxsize=1)
def _contracts() -> tuple[bytes, ...]:
    return _paged("rejestr_umow", "umowa", list(_contract_rows()), PAGE)


def _contract_rows() -> Iterator[Entry]:
    random = city.rng("bip.contracts")
    streets = _street_names()
    units = [int(one) for one in UNITS]
    for number in range(CONTRACTS):
        year = 2017 if number % 5 < 3 else 2014 + number % 8
        signed = date(year, 1, 1) + timedelta(days=random.randrange(365))
        starts = signed + timedelta(days=random.randrange(30))
        from_system = number % 2 == 0
        yield {
            "umw_id": 90_000 + number if from_system else -1,
            "local_id": "" if from_system else 5_000 + number,
            "numer": f"{random.choice(('ZP', 'DZ', 'OR', 'GN'))}.{random.randrange(100, 999)}.{number}.{year}",
            "data_zawarcia": signed.isoformat(),
            "kontrahent": random.choice(CONTRACTORS),
            "przedmiot": random.choice(SUBJECTS).format(street=random.choice(streets)),
            "wartosc": _amount(number, round(random.lognormvariate(9, 1.6), 2)),
            "or_id": random.choice(units),
            "termin_od": "" if number % 4 == 0 else starts.isoformat(),
            "termin_do": "" if number % 4 < 2 else (starts + timedelta(days=random.randrange(20, 720))).isoformat(),
            "typ_terminu": "nieokreślony" if number % 4 < 2 else "określony",
            "informacja_o_aneksie": "aneks nr 1" if number % 17 == 0 else "",
        }


def _amount(number: int, value: float) -> str:
    """The ways the register writes an amount, the rare ones now and then."""
    rare = {3: "", 41: ",50", 83: "-,50", 127: "1 200,", 169: "1160550,", 211: ",6", 251: "0,00"}
    if number % 300 in rare:
        return rare[number % 300]
    sign = "-" if number % 97 == 0 else ""
    blank = "\u00a0" if number % 7 == 0 else " "
    return sign + f"{value:,.2f}".replace(",", blank).replace(".", ",")


@lru_cache(maxsize=1)
def _requests() -> tuple[bytes, ...]:
    rows = sorted(_request_rows(), key=lambda row: str(row["data_wplywu"]))
    for number, row in enumerate(rows, 1):
        row["numer"] = f"Or-X.1431.{number}.{str(row['data_wplywu'])[:4]}"
    return _paged("rejestr_wnioskow", "wniosek", rows, PAGE)


def _request_rows() -> Iterator[Entry]:
    random = city.rng("bip.information_requests")
    for mode, count, days in REQUESTS_OF_2017:
        for number, taken in enumerate(_spread(random, count, days)):
            outcome = "odmówiono" if number % REFUSED_EVERY == REFUSED_EVERY - 1 else "udostępniono"
            yield _request_row(random, 2017, mode, taken, outcome)
    for year in (2016, 2018):
        for number in range(80):
            mode = REQUESTS_OF_2017[0 if number % 8 else 1 + number // 8 % 3][0]
            open_still = year == 2018 and number % 20 == 0
            spent = None if open_still else random.randrange(2, LIMITS[mode])
            yield _request_row(random, year, mode, spent, "w toku" if open_still else "udostępniono")


def _spread(random: Any, count: int, total: int) -> list[int]:  # noqa: ANN401 - random.Random
    """So many whole numbers around their mean that come to exactly this total."""
    mean = total / count
    days = [max(1, round(random.gauss(mean, mean / 3))) for _ in range(count)]
    missing = total - sum(days)
    while missing:
        step = 1 if missing > 0 else -1
        at = random.randrange(count)
        if days[at] + step >= 1:
            days[at] += step
            missing -= step
    return days


def _request_row(random: Any, year: int, mode: str, taken: int | None, outcome: str) -> Entry:  # noqa: ANN401 - Random
    received = date(year, 1, 1) + timedelta(days=random.randrange(365))
    answered = "" if taken is None else (received + timedelta(days=taken)).isoformat()
    return {
        "numer": "",
        "data_wplywu": received.isoformat(),
        "data_odpowiedzi": answered,
        "tryb": mode,
        "rozstrzygniecie": outcome,
        "przedmiot": random.choice(QUESTIONS).format(street=random.choice(_street_names()), year=year - 1),
        "wydzial": random.choice(DEPARTMENTS),
    }


def _notices(category: str) -> list[Entry]:
    titles = [title for code, title in NOTICES if code == category]
    if not titles:
        raise LookupError(f"no news category {category}")
    random, addresses = city.rng(f"bip.notices.{category}"), city.rng(f"bip.notices.{category}.addresses")
    rows = []
    for number in range(90):
        street = written(addresses, random.choice(_street_names()))
        title = random.choice(titles).format(street=street)
        start = date(2017, 1, 1) + timedelta(days=random.randrange(365))
        rows.append(
            {
                "id": int(category) * 10 + number,
                "or_id": 36,
                "nw_title": title,
                "nw_text": f"<p>Prezydent Miasta Poznania zawiadamia: <strong>{title}</strong>.</p>"
                f'<p onclick="track()">Akta sprawy do wglądu&nbsp;przy pl. Kolegiackim 17, pok. {random.randrange(400)}.</p>',
                "nw_from_date": start.isoformat(),
                "nw_to_date": (start + timedelta(days=21)).isoformat(),
                "link": f"{SITE}/news/{category}-{number}.html",
            }
        )
    return rows


@lru_cache(maxsize=1)
def _orders() -> tuple[bytes, ...]:
    random = city.rng("bip.orders")
    rows = []
    for number in range(320):
        signed = date(2017, 1, 1) + timedelta(days=number)
        title = random.choice(ORDERS).format(street=random.choice(_street_names()), year=signed.year)
        rows.append(
            {
                "id": 26_000 + number,
                "numer": f"{number + 1}/{signed.year}/P",
                "tytul": title,
                "data_podpisania": signed.strftime("%d.%m.%Y"),
                "obowiazuje": "nie" if number % 40 == 0 else "tak",
                "link": f"{SITE}/zarzadzenia-prezydenta/{26_000 + number},{number + 1}-{signed.year}-p/",
            }
        )
    return _paged("zarzadzenia", "zarzadzenie", rows, PAGE)


@lru_cache(maxsize=1)
def _interpellations() -> tuple[bytes, ...]:
    random, addresses = city.rng("bip.interpellations"), city.rng("bip.interpellations.addresses")
    rows = []
    for number in range(230):
        received = date(2017, 1, 2) + timedelta(days=number + number // 2)
        matter = random.choice(MATTERS), written(addresses, random.choice(_street_names()))
        files = [_file(number, f"interpel_{number}.pdf")]
        if number % 3:
            files.append(_file(number, f"odpowiedz_na_interpelacje_nr_{number}.rtf"))
        rows.append(
            {
                "noteid": f"{number:08X}",
                "kadencja": "VII Kadencja Rady Miasta",
                "symbol": f"{number + 1}/{received.year}",
                "data_wplywu": f"{received.isoformat()} 00:00:00",
                "wnioskodawca": random.choice(COUNCILLORS),
                "temat": "w sprawie " + matter[0].format(street=matter[1]),
                "zalaczniki": {"items": [{"zalacznik": files if len(files) > 1 else files[0]}]} if number % 10 else "",
                "link": f"{SITE}/interpelacje/{number}/",
            }
        )
    return _paged("interpelacje", "interpelacja", rows, INTERPELLATIONS_PAGE)


def _file(number: int, name: str) -> Entry:
    return {
        "opis": "interpelacja",
        "nazwa": name,
        "mime": "application/pdf",
        "link": f"{SITE}/attachments.att?co=show&id={number}&nazwa={name}",
    }


@lru_cache(maxsize=1)
def _procedures() -> tuple[bytes, ...]:
    rows = [
        {
            "id": 700 + number,
            "nazwa": name,
            "jednostka": office,
            "opis": f"<p>Sprawę <em>{name.lower()}</em> prowadzi {office}.</p><ol><li>Złóż wniosek.</li><li>Odbierz decyzję.</li></ol>",
            "wymagane_dokumenty": "<ul><li>wniosek</li><li>dowód osobisty do&nbsp;wglądu</li></ul>",
            "miejsce_zlozenia": OFFICES[number % len(OFFICES)],
            "oplaty": fee,
            "termin": deadline,
            "podstawa_prawna": "Kodeks postępowania administracyjnego &#40;tekst jednolity&#41;",
            "odwolanie": "Odwołanie do Samorządowego Kolegium Odwoławczego w ciągu 14 dni.",
            "link": f"{SITE}/sprawy/{700 + number}/",
        }
        for number, (name, office, fee, deadline) in enumerate(CARDS)
    ]
    return (_envelope("sprawy", "sprawa", rows),)


@lru_cache(maxsize=1)
def _street_names() -> list[str]:
    return _distinct(one.name for one in city.streets())


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


PATHS = {
    "rejestr-wnioskow-o-udostepnienie-informacji-publicznej": _requests,
    "zarzadzenia-prezydenta": _orders,
    "interpelacje": _interpellations,
    "sprawy": _procedures,
}
