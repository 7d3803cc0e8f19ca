"""How Polish registers write money, days, numbers and texts, read once for every source.

Each function takes one upstream value and gives ``None`` for what is absent; what cannot be read raises `ValueError` with
the text as it came. They run for every row of a register, so the usual form takes the shortest way.
"""

import re
from datetime import date
from decimal import Decimal
from html import unescape

__all__ = ["day", "days_between", "markup", "money", "text", "texts"]

# A thousands separator is a blank of any width: plain, no-break, narrow no-break, thin, figure. The minus may be typeset.
AMOUNT = str.maketrans(
    {
        " ": None,
        "\t": None,
        "\u00a0": None,
        "\u202f": None,
        "\u2009": None,
        "\u2007": None,
        ",": ".",
        "\u2212": "-",
        "\u2013": "-",
    }
)
PLAIN = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", re.ASCII)
CURRENCY = re.compile(r"(?:zł|pln)\.?$", re.IGNORECASE)
REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

MONTHS = {
    "stycznia": 1,
    "lutego": 2,
    "marca": 3,
    "kwietnia": 4,
    "maja": 5,
    "czerwca": 6,
    "lipca": 7,
    "sierpnia": 8,
    "września": 9,
    "października": 10,
    "listopada": 11,
    "grudnia": 12,
}
DOTTED = re.compile(r"([0-9]{1,2})[.\-/]([0-9]{1,2})[.\-/]([0-9]{4})(?:\s*r\.?)?(?:[ T].*)?", re.ASCII)
SPELT = re.compile(r"([0-9]{1,2})\s+(\w+)\s+([0-9]{4})(?:\s*r(?:\.|oku)?)?")
NO_DAY = frozenset({"", "0000-00-00", "0001-01-01", "-", "null"})
ISO_LENGTH = len("2017-01-31")


def money(value: object) -> Decimal | None:
    """An amount: ``1 234 567,89``, ``,50``, ``-,50``, ``1 200,``, ``-3 271,00 zł``; empty is none.

    Raises `ValueError` for anything else, also for a point as the thousands separator, which could mean two amounts.
    """
    if value is None:
        return None
    written = str(value).translate(AMOUNT)
    if not written:
        return None
    if not PLAIN.fullmatch(written):
        written = CURRENCY.sub("", written)
        if not PLAIN.fullmatch(written):
            raise ValueError(f"{value!r} is not an amount such as '1 234 567,89'")
    return Decimal(written)


def day(value: object) -> date | None:
    """A day: ``2017-03-01`` (a time after it is left out), ``1.03.2017``, ``1 marca 2017 r.``; no day is none."""
    if value is None:
        return None
    written = str(value).strip()
    if written in NO_DAY:
        return None
    try:
        if written[4:5] == "-":
            return date.fromisoformat(written[:ISO_LENGTH])
        if found := DOTTED.fullmatch(written):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if (found := SPELT.fullmatch(written)) and found[2].lower() in MONTHS:
            return date(int(found[3]), MONTHS[found[2].lower()], int(found[1]))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a day: {error}") from error
    raise ValueError(f"{value!r} is not a day such as '2017-03-01'")


def days_between(start: object, end: object) -> int | None:
    """Whole days from one day to another; none when either is absent. Raises `ValueError` when the end comes first."""
    first, last = day(start), day(end)
    if first is None or last is None:
        return None
    if last < first:
        raise ValueError(f"{last} is before {first}")
    return (last - first).days


def text(value: object) -> str | None:
    """A text with its character references read (``&#40;b&#41;``, ``&amp;``) and blanks trimmed; empty is none.

    Only references closed by a semicolon are read: a firm called ``A&Copy`` keeps its name.
    """
    if value is None:
        return None
    written = str(value)
    if "&" in written:
        written = REFERENCE.sub(lambda found: unescape(found[0]), written)
    return written.strip() or None


def markup(value: object) -> str | None:
    """HTML, also when it comes with its tags escaped; made safe by the field that is declared as HTML."""
    if value is None:
        return None
    written = str(value).strip()
    if "<" not in written and "&lt;" in written:
        written = unescape(written)
    return written or None


def texts(values: object) -> tuple[str, ...]:
    """The texts of a list, or of one text, in their order and without the empty ones."""
    many = values if isinstance(values, (list, tuple)) else [values]
    return tuple(one for one in map(text, many) if one)
