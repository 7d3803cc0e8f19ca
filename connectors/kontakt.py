"""Poznań Kontakt, the city's contact centre: what people ask, where they can ask it, and how often they call.

The centre publishes one workbook (XLSX) of three sheets, each with a title above its header. Hours are local times of
Europe/Warsaw; the answers are HTML.
"""

import re
from datetime import date

from broker.model import PUBLIC_INFORMATION, Record, Source, dataset, every, field
from connectors.protocols.sheets import Sheet
from connectors.protocols.values import markup, text
from connectors.sample.kontakt import answer

__all__ = ["KONTAKT", "CallCount", "ContactChannel", "ContactTopic"]

KONTAKT = Source(
    id="kontakt",
    title="Poznań Kontakt",
    base_url="https://www.poznan.pl/opendata/download",
    description="The city's contact centre: its topics, its channels and its count of calls, published as a workbook",
    sample=answer,
)

WORKBOOK = "poznan-kontakt.xlsx"


def names(value: object) -> tuple[str, ...]:
    """The names in a list divided by commas, semicolons or line breaks."""
    return tuple(one for part in re.split(r"[,;\n]", str(value or "")) if (one := part.strip()))


def clock(value: object) -> str | None:
    """A time of day as ``07:30``; none when absent. Raises ``ValueError``."""
    written = str(value or "").strip()
    if not written:
        return None
    found = re.fullmatch(r"(\d{1,2})(?:[.:](\d{2}))?(?::\d{2})?", written)
    if found is None or int(found[1]) >= 24 or int(found[2] or 0) >= 60:  # noqa: PLR2004 - hours and minutes of a clock
        raise ValueError(f"{value!r} is not a time of day such as 7:30")
    return f"{int(found[1]):02d}:{found[2] or '00'}"


def hours_a_day(start: object, end: object) -> float | None:
    """Hours between two times of a day. Raises ``ValueError`` when they are the wrong way round."""
    opens, closes = clock(start), clock(end)
    if opens is None or closes is None:
        return None
    if closes <= opens:
        raise ValueError(f"it closes at {closes}, before it opens at {opens}")
    minutes = [int(one[:2]) * 60 + int(one[3:]) for one in (opens, closes)]
    return (minutes[1] - minutes[0]) / 60


def month(value: object) -> str:
    """A month as ``2017-01``, from a day in it, ``2017-01`` or ``01.2017``. Raises ``ValueError``."""
    written = str(value or "").strip()
    if dotted := re.fullmatch(r"(\d{1,2})[./](\d{4})", written):
        written = f"{dotted[2]}-{int(dotted[1]):02d}"
    try:
        return date.fromisoformat(written if len(written) > len("2017-01") else f"{written}-01").isoformat()[:7]
    except ValueError:
        raise ValueError(f"{value!r} is not a month such as 2017-01") from None


def count(value: object) -> int | None:
    """A whole number, also with blanks between the thousands. Raises ``ValueError``."""
    digits = re.sub(r"\s", "", str("" if value is None else value))
    if digits and not digits.isdecimal():
        raise ValueError(f"{value!r} is not a whole number")
    return int(digits) if digits else None


@dataset(
    KONTAKT,
    "contact_topics",
    key="key",
    reader=Sheet(WORKBOOK, sheet="Tematy", required=("Nr", "Temat", "Odpowiedź")),
    refresh=every(days=1),
    licence=PUBLIC_INFORMATION,
)
class ContactTopic(Record):
    """A matter that people ask the contact centre about, with the answer they are given."""

    key: str = field("Number of the topic", of="Nr")
    topic: str = field("What is asked", of="Temat", read=text, search="title")
    category: str = field("Field of city life it belongs to", of="Kategoria", read=text, search="text")
    channels: tuple[str, ...] = field("Names of the channels on which it is answered", of="Kanały", read=names)
    phone: str | None = field("Telephone", of="Telefon")
    hours: str | None = field("When the channels are open", of="Godziny", read=text)
    answer: str | None = field("The answer", of="Odpowiedź", read=markup, html=True, search="text")


@dataset(
    KONTAKT,
    "contact_channels",
    key="key",
    reader=Sheet(WORKBOOK, sheet="Kanały", required=("Nr", "Kanał")),
    refresh=every(days=1),
    licence=PUBLIC_INFORMATION,
)
class ContactChannel(Record):
    """A way to reach the contact centre: telephone, e-mail, chat, text message, a visit."""

    key: str = field("Number of the channel", of="Nr")
    channel: str = field("Name of the channel", of="Kanał", read=text, search="title")
    address: str = field("Number, e-mail or web address, or place", of="Adres lub numer", read=text, search="text")
    days: str | None = field("Days on which it is open", of="Dni", read=text)
    opens: str | None = field("Time of opening, such as 07:30", of="Od", read=clock)
    closes: str | None = field("Time of closing, such as 19:30", of="Do", read=clock)
    hours_a_day: float | None = field("Hours it is open on such a day", of=("Od", "Do"), read=hours_a_day, unit="h")


@dataset(
    KONTAKT,
    "call_counts",
    key="month",
    reader=Sheet(WORKBOOK, sheet="Połączenia", required=("Miesiąc", "Połączenia")),
    refresh=every(days=1),
    licence=PUBLIC_INFORMATION,
)
class CallCount(Record):
    """How often the contact centre was called in one month."""

    month: str = field("The month, such as 2017-01", of="Miesiąc", read=month, search="title")
    calls: int = field("Calls that came in", of="Połączenia", read=count, unit="calls")
    answered: int | None = field("Calls that were answered", of="Odebrane", read=count, unit="calls")
    waiting: int | None = field("Mean time until an answer", of="Śr. czas oczekiwania [s]", read=count, unit="s")
