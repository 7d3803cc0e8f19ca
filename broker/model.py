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
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import (
    Any,
    ClassVar,
    Protocol,
    TypeVar,
    dataclass_transform,
    get_type_hints,
)

import orjson

from broker.errors import DeclarationError, RowError
from broker.fields import CITY_TIME, Field, Row, declared_field, field
from broker.geometry import Geometry, mended
from broker.text import Localized
from broker.upstream import Answer, Page, Upstream

__all__ = [
    "CC0",
    "CC_BY",
    "CITY_TIME",
    "PUBLIC_INFORMATION",
    "REPAIRED",
    "AddressFields",
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
    "Repaired",
    "Row",
    "Source",
    "Upstream",
    "dataset",
    "every",
    "field",
    "live",
]


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

    def stale(self, checked_at: datetime | None, now: datetime) -> bool:
        """Whether what was last confirmed then, in UTC, has not been for twice the interval, or never was.

        What is live is asked for when it is due, so that being older than once the interval means that it failed.
        """
        return checked_at is None or now - checked_at > (1 if self.live else 2) * self.interval


def every(*, minutes: float = 0, hours: float = 0, days: float = 0) -> Refresh:
    """Make a new version this often."""
    return Refresh(timedelta(minutes=minutes, hours=hours, days=days))


def live(*, seconds: float) -> Refresh:
    """Fetch when asked, unless what is there is younger than this."""
    return Refresh(timedelta(seconds=seconds), live=True)


@dataclass(frozen=True, slots=True)
class AddressFields:
    """Which fields of a record make it an address of the city: the street with its kind, the number, the postcode."""

    street: str
    number: str
    postcode: str | None = None


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

    @property
    def shown(self) -> str:
        """The row as JSON text, cut after 4 000 bytes; what JSON has no form for is written as Python prints it."""
        row = dict(self.row)
        try:
            text = orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:  # a number beyond 64 bits, half of a character
            text = orjson.dumps({ascii(name): ascii(value) for name, value in row.items()})
        return text[:4000].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A record whose row was not quite right, and what was done about it; only what is certain is done."""

    record: "Record"
    what: str


REPAIRED = "@repaired"
"""The name in a row under which a reader says what it had to put right."""


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
PLACE = frozenset({"location", "area", "length", "district", "distance", "geocoding"})


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
    gazetteer: AddressFields | None = None
    address: str | None = None
    generic: bool = False

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

    @property
    def geocode(self) -> tuple[str, ...]:
        """The fields that are read for an address where the source gives no place; none for most data sets."""
        return next((one.geocode for one in self.fields if one.kind is Geometry), ())

    def field(self, name: str) -> Field:
        """The field of this name; raises `KeyError`."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)

    def records(self, page: Page, names: Counter[str] | None = None) -> Iterator[Record | Repaired | Rejected]:
        """The page's rows as records, as repaired ones with what was done, or as rejected rows with the reason.

        ``names`` counts in how many rows each of the source's names occurs.
        """
        geometry = self.geometry
        for row in self.reader.rows(page):
            if names is not None:
                names.update(row.keys())
            done = row.get(REPAIRED)
            try:
                values = self.record.from_row(row)
                if geometry is not None and values[geometry] is not None:
                    values[geometry], mending = _mended(geometry, values[geometry])
                    done = "; ".join(filter(None, (done, mending)))
                record = self.record(**values)
            except RowError as error:
                yield Rejected(row, str(error))
            else:
                yield Repaired(record, done) if done else record


def _mended(name: str, shape: Geometry) -> tuple[Geometry, str | None]:
    try:
        return mended(shape)
    except ValueError as error:
        raise RowError(f"{name}: {error}") from error


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
    gazetteer: AddressFields | None = None,
    address: str | None = None,
    generic: bool = False,
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
        gazetteer: it is the city's register of addresses, by which records that have only an address get a place.
        address: where it is asked, when that is not the source's base URL.
        generic: it was added without code: it is asked through ``layer(id:)`` and has no root field and type of its own.

    Raises `DeclarationError` when the declaration contradicts itself.
    """

    def declare(cls: type[R]) -> type[R]:
        made = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        fields = tuple(declared_field(made.__name__, one, hint, key) for one, hint in _hints(made))
        _check(made, name, key, fields)
        _check_addresses(made, fields, gazetteer)
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
            gazetteer=gazetteer, address=address, generic=generic,
        )  # fmt: skip
        return made

    return declare


def _check(cls: type[Record], name: str, key: str, fields: tuple[Field, ...]) -> None:
    """Refuse a declaration that contradicts itself. Raises `DeclarationError` that names the record and the remedy."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise DeclarationError(f"{cls.__name__}: the data set's name {name!r} must be lower case with underscores")
    names = {one.name for one in fields}
    taken = RESERVED | (PLACE if any(one.kind is Geometry for one in fields) else frozenset())
    if clash := sorted(names & taken):
        raise DeclarationError(
            f"{cls.__name__}: every record has a {clash[0]!r} of the broker's; name the field otherwise"
        )
    if key not in names:
        raise DeclarationError(f"{cls.__name__}: key {key!r} is none of its fields")
    earlier = Counter(was for one in fields for was in one.was)
    if twice := sorted(was for was, many in earlier.items() if was in names or many > 1):
        raise DeclarationError(f"{cls.__name__}: was={twice[0]!r} names a field that it still has, or is said twice")
    if sum(one.kind is Geometry for one in fields) > 1:
        raise DeclarationError(f"{cls.__name__}: a record has one place, so one field of type Geometry")
    if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(f"{cls.__name__}("):
        raise DeclarationError(f"{cls.__name__}: say what one record is, in a docstring")


def _check_addresses(cls: type[Record], fields: tuple[Field, ...], gazetteer: AddressFields | None) -> None:
    """Refuse addresses that cannot be read. Raises `DeclarationError` that names the record and the remedy."""
    texts = {one.name for one in fields if one.kind in (str, Localized)}
    for one in fields:
        if one.geocode and (one.kind is not Geometry or not one.optional):
            raise DeclarationError(f"{cls.__name__}.{one.name}: geocode= belongs to a field of type `Geometry | None`")
        if unknown := sorted(set(one.geocode) - texts):
            raise DeclarationError(f"{cls.__name__}.{one.name}: geocode names {unknown[0]!r}, which is no text of it")
    if gazetteer is None:
        return
    named = {gazetteer.street, gazetteer.number} | ({gazetteer.postcode} if gazetteer.postcode else set())
    if unknown := sorted(named - texts):
        raise DeclarationError(f"{cls.__name__}: gazetteer names {unknown[0]!r}, which is no text of it")
    if all(one.kind is not Geometry for one in fields):
        raise DeclarationError(f"{cls.__name__}: a gazetteer needs places; give it a field of type Geometry")


def _hints(cls: type[Record]) -> Iterator[tuple["dataclasses.Field[Any]", Any]]:
    hints = get_type_hints(cls)
    for one in dataclasses.fields(cls):  # type: ignore[arg-type]  # made a dataclass just above
        yield one, hints[one.name]
