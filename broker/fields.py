"""One field of a record: its kind and unit, where it comes from, and how its value is read from a row.

A value that cannot be read is a `RowError` that names the field and what the source wrote; a field that is declared
wrongly is a `DeclarationError` with the remedy.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from broker.errors import DeclarationError, RowError
from broker.geometry import Geometry
from broker.text import Localized, safe_html

__all__ = ["CITY_TIME", "LARGEST", "Field", "Read", "Row", "Search", "declared_field", "field"]

CITY_TIME = ZoneInfo("Europe/Warsaw")
"""What a moment without an offset is meant in, and what days, months and years are counted in."""

NUL, TOO_LARGE = "a text with a NUL in it", "a number beyond 64 bits"
NO_TEXT, NO_MOMENT = "half of a character (a lone surrogate)", "a moment beyond the calendar's first or last year"
LARGEST = 2**63 - 1
"""The largest whole number that every store holds."""
LONGEST_KEY = 1000
"""Bytes of a text that records are found by; PostgreSQL's indexes take 2 700 of all their columns together."""

Row = Mapping[str, Any]
"""One row as the upstream names and writes it."""


Search = Literal["title", "text"]
Read = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, as declared: everything that is derived is derived from this."""

    name: str
    kind: type
    optional: bool
    description: str
    of: tuple[str, ...]
    read: Read | None = None
    unit: str | None = None
    html: bool = False
    search: Search | None = None
    to: str | None = None
    scale: int = 2
    geocode: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    """Names it had in earlier declarations."""
    finds: bool = False
    """Whether records are found by it: a key, or a reference to one."""

    @property
    def localized(self) -> bool:
        """Whether the field holds a text in several languages."""
        return self.kind is Localized

    def value(self, row: Row) -> Any:  # noqa: ANN401 - one of the kinds
        """This field's value in a row. Raises `RowError` that names the field and the upstream's value."""
        raw = [row.get(name) for name in self.of]
        try:
            value = self.read(*raw) if self.read else READ[self.kind](raw[0])
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            shown = ", ".join(f"{name}={_short(one)}" for name, one in zip(self.of, raw, strict=True))
            raise RowError(f"{self.name}: {error} ({shown})") from error
        if value is None or value == "":
            if self.optional:
                return None
            raise RowError(f"{self.name}: missing ({', '.join(self.of)})")
        if isinstance(value, datetime) and value.tzinfo is None:  # the city's systems write the city's time
            value = value.replace(tzinfo=CITY_TIME)
        if unkept := _unkept(value, self.scale) or self._too_long(value):
            raise RowError(f"{self.name}: {unkept} ({', '.join(self.of)})")
        return self._safe(value) if self.html else value

    def _too_long(self, value: Any) -> str:  # noqa: ANN401 - a value of any kind
        if not self.finds or not isinstance(value, str) or len(value.encode()) <= LONGEST_KEY:
            return ""
        return f"a text of more than {LONGEST_KEY} bytes, by which no record can be found"

    def _safe(self, value: Any) -> Any:  # noqa: ANN401 - a text or texts
        if isinstance(value, Localized):
            return Localized({language: safe_html(text) for language, text in value.items()})
        return safe_html(value)


def _unkept(value: object, scale: int) -> str:
    """Why there is a store that cannot keep this value; empty when each can. One such row must not cost the others."""
    match value:
        case str():
            return _unkept_text(value)
        case int():
            return "" if -LARGEST <= value <= LARGEST else TOO_LARGE
        case Decimal():
            return "" if value.is_finite() and abs(value) <= LARGEST // 10**scale else TOO_LARGE
        case float():
            return "" if isfinite(value) else "a number without end"
        case datetime():
            return "" if _in_calendar(value) else NO_MOMENT
        case tuple():
            return next(filter(None, map(_unkept_text, value)), "")
        case Localized():
            return next(filter(None, map(_unkept_text, (*value, *value.values()))), "")
    return ""


def _unkept_text(text: str) -> str:
    if "\0" in text:
        return NUL
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return NO_TEXT
    return ""


def _in_calendar(moment: datetime) -> bool:
    """Whether it is a moment in UTC and in the city's time too: years go from 1 to 9999."""
    if MINYEAR < moment.year < MAXYEAR:
        return True
    try:
        moment.astimezone(UTC), moment.astimezone(CITY_TIME)
    except OverflowError:
        return False
    return True


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits an error's line


def field(
    description: str,
    *,
    of: str | tuple[str, ...] = (),
    read: Read | None = None,
    unit: str | None = None,
    html: bool = False,
    search: Search | None = None,
    to: str | None = None,
    scale: int = 2,
    geocode: tuple[str, ...] = (),
    was: str | tuple[str, ...] = (),
) -> Any:  # noqa: ANN401 - stands where a value of the field's type will be
    """Declare a field of a record.

    Args:
        description: what a citizen's developer reads in the graph.
        of: the upstream's name, or several when ``read`` takes several; the field's own name when left out.
        read: turns the upstream's value(s) into the field's; raises ``ValueError`` to reject the row.
        unit: the unit of a number, e.g. ``PLN``, ``dB``, ``days``.
        html: the text is markup: it is made safe, and offered as plain text too.
        search: whether the search looks here, and whether it is the record's title.
        to: the id of the data set whose key this field holds, e.g. ``mim.places``.
        scale: decimals kept of a ``Decimal``.
        was: the name it had, or the names, the latest first: a store that has a field of that name keeps its values.
        geocode: of a place, the record's fields whose texts hold its address; read where the source gives no place itself.
    """
    names = (of,) if isinstance(of, str) else of
    return dataclasses.field(
        metadata={
            "of": names,
            "about": description,
            "read": read,
            "unit": unit,
            "html": html,
            "search": search,
            "to": to,
            "scale": scale,
            "geocode": geocode,
            "was": (was,) if isinstance(was, str) else was,
        }
    )


def declared_field(owner: str, declared: "dataclasses.Field[Any]", hint: Any, key: str = "") -> Field:  # noqa: ANN401 - a type expression
    """The field as a record's class declares it, ``key`` being the name of the record's key.

    Raises `DeclarationError` that names the record, the field and the remedy.
    """
    where = f"{owner}.{declared.name}"
    if "about" not in declared.metadata or declared.default is not MISSING:
        raise DeclarationError(f'{where}: declare it as `{declared.name}: type = field("what it is")`')
    optional = False
    if get_origin(hint) in (Union, UnionType):
        choices = [one for one in get_args(hint) if one is not NoneType]
        optional = len(choices) < len(get_args(hint))
        hint = choices[0] if len(choices) == 1 else hint
    kind = tuple if get_origin(hint) is tuple else hint
    if kind not in READ:
        accepted = ", ".join(one.__name__ for one in READ)
        raise DeclarationError(f"{where}: type {hint!r} is not one of {accepted} (or one of them and None)")
    about = dict(declared.metadata)
    if kind in (int, float, Decimal) and about["unit"] is None:
        raise DeclarationError(f'{where}: a number needs its unit, e.g. unit="m" (unit="1" for a plain count)')
    names = about["of"] or (declared.name,)
    if len(names) > 1 and about["read"] is None:
        raise DeclarationError(f"{where}: read from {len(names)} upstream values, so it needs `read=`")
    return Field(
        name=declared.name,
        kind=kind,
        optional=optional,
        description=about["about"],
        of=names,
        read=about["read"],
        unit=about["unit"],
        html=about["html"],
        search=about["search"],
        to=about["to"],
        scale=about["scale"],
        geocode=about["geocode"],
        was=about["was"],
        finds=declared.name == key or about["to"] is not None,
    )


def _absent(read: Callable[[str], Any]) -> Read:
    """Read a text with ``read``; absent is what the upstreams write for it: nothing, or an empty text."""

    def reading(value: Any) -> Any:  # noqa: ANN401 - as the upstream has it
        text = "" if value is None else str(value).strip()
        return read(text) if text else None

    return reading


def _boolean(text: str) -> bool:
    known = {"true": True, "t": True, "1": True, "tak": True, "false": False, "f": False, "0": False, "nie": False}
    if text.lower() not in known:
        raise ValueError(f"{text!r} is not yes or no")
    return known[text.lower()]


def _finite(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def reading(text: str) -> Any:  # noqa: ANN401 - a float or a Decimal
        if not isfinite(value := kind(text)):
            raise ValueError(f"{text!r} is not a number")
        return value

    return reading


def _instance(kind: type) -> Read:
    def reading(value: Any) -> Any:  # noqa: ANN401 - as the reader gives it
        if value is None or isinstance(value, kind):
            return value
        raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")

    return reading


READ: dict[type, Read] = {
    str: _absent(str),
    int: _absent(int),
    float: _absent(_finite(float)),
    bool: _absent(_boolean),
    Decimal: _absent(_finite(Decimal)),
    date: _absent(date.fromisoformat),
    datetime: _absent(datetime.fromisoformat),
    tuple: _instance(tuple),
    Localized: _instance(Localized),
    Geometry: _instance(Geometry),
}
"""The kinds a field can have, and how each is read when the declaration does not say."""
