"""The words of the broker: source, data set, record, field, reader, licence, refresh policy.

A connector declares a record once; its table, indexes, GraphQL type, filters, search entry and documentation follow:

    @dataset(BIP, "contracts", key="entry", reader=..., refresh=every(hours=6), licence=CC0)
    class Contract(Record):
        \"\"\"A contract the city signed.\"\"\"

        entry: str = field("Register entry", of=("umw_id", "local_id"), read=entry)
        amount: Decimal | None = field("Gross value", of="wartosc", read=money, unit="PLN")
"""

import dataclasses
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from types import NoneType, UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from broker.errors import DeclarationError, RowError
from broker.geometry import Geometry
from broker.text import Localized, safe_html
from broker.upstream import Answer, Page, Upstream

__all__ = [
    "CC0",
    "CC_BY",
    "PUBLIC_INFORMATION",
    "Dataset",
    "Field",
    "Geometry",
    "Licence",
    "Localized",
    "Page",
    "Reader",
    "Record",
    "Refresh",
    "Rejected",
    "Row",
    "Source",
    "Upstream",
    "dataset",
    "every",
    "field",
    "live",
]

Row = Mapping[str, Any]
"""One row as the upstream names and writes it."""


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms a data set may be used."""

    id: str
    title: str
    url: str


CC0 = Licence("CC0-1.0", "Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
CC_BY = Licence("CC-BY-4.0", "Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/")
PUBLIC_INFORMATION = Licence(
    "PL-public-information",
    "Public sector information, free re-use with the source named (Act of 11 August 2021)",
    "https://isap.sejm.gov.pl/isap.nsf/DocDetails.xsp?id=WDU20210001641",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A city system: its id, its title, what it holds, where it answers, and its sample in the same wire form."""

    id: str
    title: str
    base_url: str
    description: str
    sample: Answer | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """How often a new version is made; a live data set is asked for again when a query needs it and it is older."""

    interval: timedelta
    live: bool = False


def every(*, minutes: float = 0, hours: float = 0, days: float = 0) -> Refresh:
    """Make a new version this often."""
    return Refresh(timedelta(minutes=minutes, hours=hours, days=days))


def live(*, seconds: float) -> Refresh:
    """Fetch when asked, unless what is there is younger than this."""
    return Refresh(timedelta(seconds=seconds), live=True)


class Reader(Protocol):
    """How a data set is read, in two halves: only the first one touches the network."""

    def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for the pages; raises `SourceError`. Nothing else of a source may use the network."""
        ...

    def rows(self, page: Page) -> Iterator[Row]:
        """Turn a page into rows, the same ones each time; raises `Unreadable` when the page is not what it should be."""
        ...


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be read, and why."""

    row: Row
    reason: str


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
        return self._safe(value) if self.html else value

    def _safe(self, value: Any) -> Any:  # noqa: ANN401 - a text or texts
        if isinstance(value, Localized):
            return Localized({language: safe_html(text) for language, text in value.items()})
        return safe_html(value)


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
        }
    )


class Record:
    """Base of every record: declared with `dataset`, frozen, one row."""

    __slots__ = ()
    __dataset__: ClassVar["Dataset"]

    @classmethod
    def from_row(cls, row: Row) -> dict[str, Any]:
        """The values of one upstream row by field name; override when fields depend on one another. Raises `RowError`."""
        return {one.name: one.value(row) for one in cls.__dataset__.fields}


R = TypeVar("R", bound=Record)

RESERVED = frozenset({"id", "provenance"})
PLACE = frozenset({"location", "area", "length", "district", "distance"})


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """One collection of a source, as declared."""

    source: Source
    name: str
    record: type[Record]
    key: str
    fields: tuple[Field, ...]
    reader: Reader
    refresh: Refresh
    licence: Licence
    title: str
    description: str
    page: str | None
    partition: bool

    @property
    def id(self) -> str:
        """The data set's name everywhere: ``bip.contracts``."""
        return f"{self.source.id}.{self.name}"

    @property
    def root(self) -> str:
        """The root field of the graph: ``informationRequests``."""
        head, *tail = self.name.split("_")
        return head + "".join(part.capitalize() for part in tail)

    @property
    def type_name(self) -> str:
        """The GraphQL type of its records: the class's name."""
        return self.record.__name__

    @property
    def geometry(self) -> str | None:
        """The field that holds a record's place, when it has one."""
        return next((one.name for one in self.fields if one.kind is Geometry), None)

    @property
    def located(self) -> bool:
        """Whether its records have a place."""
        return self.geometry is not None

    def field(self, name: str) -> Field:
        """The field of this name; raises `KeyError`."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)

    def records(self, page: Page) -> Iterator[Record | Rejected]:
        """The page's rows as records, or as rejected rows with the reason."""
        for row in self.reader.rows(page):
            try:
                yield self.record(**self.record.from_row(row))
            except RowError as error:
                yield Rejected(row, str(error))


@dataclass_transform(field_specifiers=(field,), frozen_default=True, kw_only_default=True)
def dataset(
    source: Source,
    name: str,
    *,
    key: str,
    reader: Reader,
    refresh: Refresh,
    licence: Licence,
    title: str = "",
    page: str | None = None,
    partition: bool = False,
) -> Callable[[type[R]], type[R]]:
    """Make a class a record and declare its data set.

    Args:
        source: the system it comes from.
        name: lower case with underscores, plural; the root field of the graph is the same in camel case.
        key: the field that identifies a record, across refreshes.
        reader: how it is read.
        refresh: how often.
        licence: the terms of use.
        title: what people call the data set; from the name when left out.
        page: the address of a record's own page, with fields in braces: ``https://…/{entry}``.
        partition: its polygons divide the city; every located record is told which one it lies in.

    Raises `DeclarationError` when the declaration contradicts itself.
    """

    def declare(cls: type[R]) -> type[R]:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise DeclarationError(f"{cls.__name__}: the data set's name {name!r} must be lower case with underscores")
        made = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        fields = tuple(_field(made, one, hint) for one, hint in _hints(made))
        names = {one.name for one in fields}
        taken = RESERVED | (PLACE if any(one.kind is Geometry for one in fields) else frozenset())
        if clash := sorted(names & taken):
            raise DeclarationError(
                f"{cls.__name__}: every record has a {clash[0]!r} of the broker's; name the field otherwise"
            )
        if key not in names:
            raise DeclarationError(f"{cls.__name__}: key {key!r} is none of its fields")
        if sum(one.kind is Geometry for one in fields) > 1:
            raise DeclarationError(f"{cls.__name__}: a record has one place, so one field of type Geometry")
        if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(f"{cls.__name__}("):
            raise DeclarationError(f"{cls.__name__}: say what one record is, in a docstring")
        made.__dataset__ = Dataset(
            source=source,
            name=name,
            record=made,
            key=key,
            fields=fields,
            reader=reader,
            refresh=refresh,
            licence=licence,
            title=title or name.replace("_", " ").capitalize(),
            description=" ".join((cls.__doc__ or "").split()),
            page=page,
            partition=partition,
        )
        return made

    return declare


def _hints(cls: type[Record]) -> Iterator[tuple["dataclasses.Field[Any]", Any]]:
    hints = get_type_hints(cls)
    for one in dataclasses.fields(cls):  # type: ignore[arg-type]  # made a dataclass just above
        yield one, hints[one.name]


def _field(cls: type[Record], declared: "dataclasses.Field[Any]", hint: Any) -> Field:  # noqa: ANN401 - a type expression
    where = f"{cls.__name__}.{declared.name}"
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
