"""BIP, the Public Information Bulletin: what the city must publish by law.

The site mirrors itself: ``/bip/<path>/`` is a page for people, ``/api-json/bip/<path>/`` is the same as JSON.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from lxml import html as lxml_html
from lxml.etree import ParserError

from broker.errors import SourceError, Unreadable
from broker.model import CC0, PUBLIC_INFORMATION, Geometry, Page, Record, Row, Source, Upstream, dataset, every, field
from connectors.protocols.bip_json import Pages, entries
from connectors.protocols.values import day, days_between, markup, money, text, texts
from connectors.sample import bip as sample

__all__ = [
    "BIP",
    "Contract",
    "ContractPages",
    "InformationRequest",
    "Interpellation",
    "MayorOrder",
    "Notice",
    "Procedure",
]

BIP = Source(
    "bip",
    "Biuletyn Informacji Publicznej",
    "https://bip.poznan.pl/api-json/bip",
    "Registers, notices and service cards that the city publishes by law.",
    sample=sample.answer,
)

T = TypeVar("T")

REGISTER = "rejestr-umow/"
REGISTER_FORM = (
    f"../../bip/{REGISTER}"  # the search form, in the mirror for people: the only place that names the units
)
UNIT_CHOICE = "ru_jednostka_in"
EVER = {"co": "search", "ru_data_zawarcia_od_in": "2000-01-01", "ru_data_zawarcia_do_in": "2099-12-31"}


@dataclass(frozen=True)
class ContractPages(Pages):
    """Pages of the contracts register, whose entries name their unit by number; the names are in its search form."""

    async def units(self, upstream: Upstream) -> Mapping[str, str]:
        """Names of the city's units by number.

        The names are another page's than the contracts: where it cannot be read, the contracts come all the same, and
        each says its unit's number in place of the name.
        """
        for _ in range(1 + self.patience):
            try:
                page = await upstream.get(REGISTER_FORM, html=True)
                return dict(_choices(page, UNIT_CHOICE))
            except Unreadable:
                await asyncio.sleep(self.pause)
            except SourceError:
                break
        return {}

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for the names of the units, then for every page. Raises `SourceError`."""
        names = await self.units(upstream)
        async with aclosing(self.to_the_end(upstream, names)) as pages:
            async for page in pages:
                yield page

    def rows(self, page: Page) -> Iterator[Row]:
        """The page's contracts, each with its unit's name as ``jednostka``."""
        names = page.asked
        for one in entries(page, self.section, self.entry):
            yield {**one, "jednostka": names.get(str(one.get("or_id")))}


def _choices(page: Page, name: str) -> Iterator[tuple[str, str]]:
    """Values and texts of a choice in a form. Raises `Unreadable` when the page has no such choice."""
    try:
        tree = lxml_html.document_fromstring(page.text)
    except (ParserError, ValueError) as error:
        raise Unreadable(f"{page.url}: not a page with a form: {page.looks_like}") from error
    found = [select for select in tree.iter("select") if select.get("name") == name]
    if not found:
        raise Unreadable(f"{page.url}: the form has no choice {name!r}")
    for option in found[0].iter("option"):
        if value := option.get("value", "").strip():
            yield value, " ".join("".join(map(str, option.itertext())).split())


def _entry(system: Any, register: Any) -> str | None:  # noqa: ANN401 - as the upstream has it
    """The key over both series: pulled from the document system (its number is positive), or entered by hand."""
    number = int(system or 0)
    if number > 0:
        return f"u{number}"
    return f"l{int(register)}" if register not in ("", None) else None


def _link(link: Any, system: Any, register: Any) -> str | None:  # noqa: ANN401 - as the upstream has it
    if link:
        return str(link)
    entry = _entry(system, register)
    if entry is None:
        return None
    series = "umw_id" if entry[0] == "u" else "local_id"
    return f"https://bip.poznan.pl/bip/rejestr_umow.html?co=print&{series}={entry[1:]}"


def _unit(name: Any, number: Any) -> str | None:  # noqa: ANN401 - as the upstream has it
    """The unit's name, or its number said as a number where the register names none."""
    return str(name) if name else f"or_id {number}" if number not in ("", None) else None


@dataset(
    BIP,
    "contracts",
    key="entry",
    reader=ContractPages(REGISTER, "rejestr_umow", "umowa", method="POST", form=EVER, counter="p"),
    refresh=every(hours=6),
    licence=CC0,
    title="Contracts register",
    page="{link}",
)
class Contract(Record):
    """A contract the city or one of its units signed, from the public register (from 2014)."""

    entry: str = field(
        "Register entry, unique over both of the register's series: u and the document system's number, or l and the register's own",
        of=("umw_id", "local_id"),
        read=_entry,
    )
    number: str | None = field("Number of the contract as the unit gives it", of="numer", read=text, search="text")
    signed_on: date = field("Day of signing", of="data_zawarcia", read=day)
    contractor: str | None = field("The other party, as entered", of="kontrahent", read=text, search="text")
    subject: str | None = field("What the contract is about", of="przedmiot", read=text, search="title")
    amount: Decimal | None = field(
        "Gross value; negative when an annex lowers it", of="wartosc", read=money, unit="PLN"
    )
    unit: str | None = field("The city's organisational unit", of=("jednostka", "or_id"), read=_unit)
    starts_on: date | None = field("First day of the term, as entered", of="termin_od", read=day)
    ends_on: date | None = field("Last day of the term, as entered", of="termin_do", read=day)
    term: str | None = field("Kind of the term, e.g. fixed or indefinite", of="typ_terminu", read=text)
    annex: str | None = field("What the register says about annexes", of="informacja_o_aneksie", read=text)
    link: str = field("The entry's page in the register", of=("link", "umw_id", "local_id"), read=_link)


MODES = {
    "informacja prosta": ("simple", 14),
    "ponowne wykorzystywanie": ("re-use", 20),
    "informacja przekształcona": ("transformed", 60),
    "informacja przetworzona": ("processed", 60),
}
OUTCOMES = {
    "udostępniono": "granted",
    "udostępniono częściowo": "granted in part",
    "odmówiono": "refused",
    "umorzono": "discontinued",
    "przekazano": "passed on",
    "w toku": "pending",
}


def _known(value: object, known: Mapping[str, T]) -> T | None:
    written = (text(value) or "").lower()
    if not written:
        return None
    if written not in known:
        raise ValueError(f"{written!r} is none of {', '.join(known)}")
    return known[written]


def _mode(value: object) -> str | None:
    found = _known(value, MODES)
    return found[0] if found else None


def _limit(value: object) -> int | None:
    found = _known(value, MODES)
    return found[1] if found else None


def _outcome(value: object) -> str | None:
    return _known(value, OUTCOMES)


@dataset(
    BIP,
    "information_requests",
    key="number",
    reader=Pages(
        "rejestr-wnioskow-o-udostepnienie-informacji-publicznej/{page}/", "rejestr_wnioskow", "wniosek", first=1
    ),
    refresh=every(hours=12),
    licence=PUBLIC_INFORMATION,
    title="Register of requests for public information",
    page="https://bip.poznan.pl/bip/rejestr-wnioskow-o-udostepnienie-informacji-publicznej/",
)
class InformationRequest(Record):
    """A request for public information to the city hall, how it was settled and in how many days; never who asked."""

    number: str = field("Number in the register", of="numer", read=text, search="text")
    received_on: date = field("Day it arrived", of="data_wplywu", read=day)
    answered_on: date | None = field("Day it was answered", of="data_odpowiedzi", read=day)
    mode: str = field("In which way: simple, re-use, transformed or processed", of="tryb", read=_mode)
    response_days: int | None = field(
        "Days from arrival to answer", of=("data_wplywu", "data_odpowiedzi"), read=days_between, unit="days"
    )
    statutory_days: int = field("Days the law allows in this mode", of="tryb", read=_limit, unit="days")
    outcome: str | None = field(
        "How it ended: granted, granted in part, refused, discontinued, passed on or pending",
        of="rozstrzygniecie",
        read=_outcome,
    )
    subject: str = field("What was asked for", of="przedmiot", read=text, search="title")
    unit: str | None = field("The department that answers", of="wydzial", read=text)


NOTICES = {"8380": "komunikaty i ogłoszenia", "8440": "lokalizacja inwestycji celu publicznego"}


@dataset(
    BIP,
    "notices",
    key="number",
    reader=Pages(
        "news/-,c,{category}/", "komunikaty_i_ogloszenia", "komunikat_ogloszenie", each=("category", tuple(NOTICES))
    ),
    refresh=every(hours=1),
    licence=PUBLIC_INFORMATION,
    title="Notices",
    page="{link}",
)
class Notice(Record):
    """A public notice of the city, for as long as it must be displayed."""

    number: str = field("Number of the notice", of="id", read=text)
    title: str = field("Title", of="nw_title", read=text, search="title")
    content: str | None = field("The notice", of="nw_text", read=markup, html=True, search="text")
    category: str = field("Kind of notice, as the bulletin calls it", read=lambda code: NOTICES.get(code, code))
    valid_from: date | None = field("First day it is displayed", of="nw_from_date", read=day)
    valid_until: date | None = field("Last day it is displayed", of="nw_to_date", read=day)
    link: str | None = field("The notice's page", read=text)
    geometry: Geometry | None = field("The place its title names, found by the address", geocode=("title",))


@dataset(
    BIP,
    "orders",
    key="number",
    reader=Pages("zarzadzenia-prezydenta/{page}/", "zarzadzenia", "zarzadzenie", first=1),
    refresh=every(hours=6),
    licence=PUBLIC_INFORMATION,
    title="Mayor's orders",
    page="{link}",
)
class MayorOrder(Record):
    """An order of the mayor."""

    number: str = field("The bulletin's number of the order", of="id", read=text)
    symbol: str | None = field("Number of the order, e.g. 123/2017/P", of="numer", read=text, search="text")
    title: str = field("What it orders", of="tytul", read=text, search="title")
    signed_on: date | None = field("Day of signing", of="data_podpisania", read=day)
    in_force: bool | None = field("Whether it is in force", of="obowiazuje")
    link: str | None = field("The order's page", read=text)


def _attached(value: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - as the upstream has it
    """Attachments lie in an envelope of their own, and one is again an object and several are a list."""
    items = value.get("items") if isinstance(value, dict) else None
    for item in items if isinstance(items, list) else [items]:
        one = item.get("zalacznik") if isinstance(item, dict) else None
        yield from (part for part in (one if isinstance(one, list) else [one]) if isinstance(part, dict))


def _attachments(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - as the upstream has it
    return texts([one.get("link") for one in _attached(value)])


def _answered(value: Any) -> bool:  # noqa: ANN401 - as the upstream has it
    """Only the file's name tells an answer: ``odpowiedz_na_interpelacje_nr_174.rtf``."""
    return any("odpowied" in str(one.get("nazwa", "")).lower() for one in _attached(value))


@dataset(
    BIP,
    "interpellations",
    key="number",
    reader=Pages("interpelacje/{page}/", "interpelacje", "interpelacja", first=1),
    refresh=every(hours=6),
    licence=PUBLIC_INFORMATION,
    title="Councillors' interpellations",
    page="{link}",
)
class Interpellation(Record):
    """A question or demand of a city councillor to the mayor, with its documents."""

    number: str = field("Number of the note", of="noteid", read=text)
    symbol: str | None = field("Number in the term, e.g. 174/2017", read=text, search="text")
    subject: str = field("What it is about", of="temat", read=text, search="title")
    received_on: date | None = field("Day it arrived", of="data_wplywu", read=day)
    councillor: str | None = field("Who asks, family name first", of="wnioskodawca", read=text, search="text")
    term: str | None = field("Term of the council", of="kadencja", read=text)
    attachments: tuple[str, ...] = field("Addresses of its documents", of="zalaczniki", read=_attachments)
    answered: bool = field("Whether an answer is among its documents", of="zalaczniki", read=_answered)
    link: str | None = field("The interpellation's page", read=text)
    geometry: Geometry | None = field("The place it is about, found by the address", geocode=("subject",))


@dataset(
    BIP,
    "procedures",
    key="number",
    reader=Pages("sprawy/", "sprawy", "sprawa"),
    refresh=every(hours=24),
    licence=PUBLIC_INFORMATION,
    title="How to settle a matter",
    page="{link}",
)
class Procedure(Record):
    """A service card: how to settle one matter at the city hall, with what, where, by when and for how much."""

    number: str = field("Number of the card", of="id", read=text)
    title: str = field("The matter", of="nazwa", read=text, search="title")
    office: str | None = field("The office in charge", of="jednostka", read=text, search="text")
    description: str | None = field("How it goes", of="opis", read=markup, html=True, search="text")
    documents: str | None = field("What to bring", of="wymagane_dokumenty", read=markup, html=True)
    address: str | None = field("Where to bring it", of="miejsce_zlozenia", read=text)
    fee: str | None = field("What it costs, in words", of="oplaty", read=text)
    deadline: str | None = field("How long it takes, in words", of="termin", read=text)
    legal_basis: str | None = field("Acts it rests on", of="podstawa_prawna", read=text)
    appeal: str | None = field("How to appeal", of="odwolanie", read=text)
    link: str | None = field("The card's page", read=text)
    geometry: Geometry | None = field("The office to bring it to, found by its address", geocode=("address",))
