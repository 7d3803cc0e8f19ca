"""Sample of Poznań Kontakt: the contact centre's workbook of an invented year, the same bytes every time."""

from datetime import date, time
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from broker.upstream import Request
from connectors.sample import city
from connectors.sample.kontakt_texts import TOPICS

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["answer"]

YEAR, CALLS = 2017, 574_318  # over 574 000 calls in 2017
PHONE = "61 646 33 44"
OPEN, CLOSE = time(7, 30), time(19, 30)  # twelve hours a day
WORKDAYS = "poniedziałek–piątek"
CHANNELS = (
    ("Telefon", PHONE, WORKDAYS, OPEN, CLOSE),
    ("E-mail", "kontakt@poznan.example", WORKDAYS, OPEN, CLOSE),
    ("Czat", "https://kontakt.poznan.example/czat", WORKDAYS, OPEN, CLOSE),
    ("SMS", "661 000 000", WORKDAYS, OPEN, CLOSE),
    ("Tłumacz języka migowego", "https://kontakt.poznan.example/migam", WORKDAYS, OPEN, CLOSE),
    ("Formularz", "https://kontakt.poznan.example/formularz", "codziennie", None, None),
)


def answer(request: Request) -> bytes:
    """The workbook; raises `LookupError` for any other file."""
    if request.url.endswith("/poznan-kontakt.xlsx"):
        return _workbook()
    raise LookupError("no such file")


@lru_cache(maxsize=1)
def _workbook() -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - it takes long to import, and a start makes no workbook

    book = Workbook(write_only=True)
    _sheet(book, "Tematy", ("Nr", "Temat", "Kategoria", "Kanały", "Telefon", "Godziny", "Odpowiedź"), _topics())
    channels = [(number, *channel) for number, channel in enumerate(CHANNELS, 1)]
    _sheet(book, "Kanały", ("Nr", "Kanał", "Adres lub numer", "Dni", "Od", "Do"), channels)
    _sheet(book, "Połączenia", ("Miesiąc", "Połączenia", "Odebrane", "Śr. czas oczekiwania [s]"), _calls())
    out = BytesIO()
    book.save(out)
    return _undated(out.getvalue())


def _sheet(book: "Workbook", title: str, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    sheet = book.create_sheet(title)
    sheet.append((f"Poznań Kontakt: {title.lower()}",))
    sheet.append(())
    sheet.append(header)
    for row in rows:
        sheet.append(row)


def _topics() -> list[tuple[Any, ...]]:
    return [
        (number, topic, category, channels, PHONE, f"{WORKDAYS} 7.30–19.30", text)
        for number, (category, topic, channels, text) in enumerate(TOPICS, 1)
    ]


def _calls() -> list[tuple[Any, ...]]:
    """Twelve months that add up to the year's calls; the last one takes what is left over."""
    pick = city.rng("kontakt")
    rows: list[tuple[Any, ...]] = []
    left = CALLS
    for month in range(1, 13):
        calls = left if month == 12 else round(CALLS / 12 * pick.uniform(0.9, 1.1))
        left -= calls
        rows.append((date(YEAR, month, 1), calls, round(calls * pick.uniform(0.88, 0.97)), pick.randint(25, 90)))
    return rows


def _undated(body: bytes) -> bytes:
    """The same workbook without the moment it was made."""
    out = BytesIO()
    with ZipFile(BytesIO(body)) as made, ZipFile(out, "w") as bare:
        for name in made.namelist():
            part = b"" if name == "docProps/core.xml" else made.read(name)
            core = b'<coreProperties xmlns="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
            bare.writestr(ZipInfo(name), part or core, ZIP_DEFLATED)
    return out.getvalue()
