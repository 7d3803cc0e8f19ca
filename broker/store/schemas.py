"""What a data set's table holds, and how it follows a declaration that has changed.

A `TableSchema` says which column of the table each field of a data set is in. It is kept in the store, numbered, one for each
declaration that the table has followed. `evolve` gives the next one: pure, it touches no database. A column is never given
another meaning: a renamed field stays in its column, a field of another kind gets a column of its own, and the column of a field
that has gone stays until the versions that read it have expired. So a broker that knows an earlier schema goes on reading.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import orjson

from broker.model import Dataset, Field, Geometry, Localized

__all__ = [
    "ChangeKind",
    "FieldSchema",
    "RetiredColumn",
    "SchemaChange",
    "SetAside",
    "TableSchema",
    "converts_exactly",
    "evolve",
    "initial",
    "kind_of",
    "scale_of",
]

LONGEST_COLUMN = 40
"""Letters of a column's name: with its suffix, and in the name of an index, it fits the 63 that PostgreSQL takes."""

KINDS: Mapping[type, str] = {
    str: "text", Localized: "localized", tuple: "list", int: "integer", float: "float", bool: "boolean", date: "date",
    datetime: "moment", Geometry: "geometry",
}  # fmt: skip


def kind_of(one: Field) -> str:
    """The kind of a field's values in the store, such as ``text`` or ``decimal(2)``."""
    return f"decimal({one.scale})" if one.kind is Decimal else KINDS[one.kind]


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """A field and the column that holds it; versions up to ``since`` may have no value of it, 0 when every version has."""

    name: str
    column: str
    kind: str
    optional: bool
    html: bool = False
    search: str | None = None
    since: int = 0

    @property
    def declared(self) -> tuple[object, ...]:
        """What its declaration says of it, without where it is stored."""
        return self.name, self.kind, self.optional, self.html, self.search


@dataclass(frozen=True, slots=True)
class RetiredColumn:
    """The column of a field that has gone or is of another kind now: read by no version after ``until``."""

    name: str
    column: str
    kind: str
    html: bool
    until: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """A table whose history has ended because the key changed, and the moment (ISO 8601, UTC) when it did."""

    table: str
    at: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The table of a data set; version numbers of its history are greater than ``floor``."""

    number: int
    table: str
    key: str
    fields: tuple[FieldSchema, ...]
    geocode: tuple[str, ...] = ()
    retired: tuple[RetiredColumn, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    floor: int = 0

    def field(self, name: str) -> FieldSchema | None:
        """The field of this name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def declaration(self) -> tuple[object, ...]:
        """What a declaration says that a table follows; the order of its fields says nothing."""
        return self.key, frozenset(one.declared for one in self.fields), self.geocode

    @property
    def geometry(self) -> FieldSchema | None:
        """The field that holds a record's place."""
        return next((one for one in self.fields if one.kind == "geometry"), None)

    def dumped(self) -> str:
        """As JSON text, to be kept."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def loaded(cls, text: str) -> "TableSchema":
        """From JSON text."""
        kept: dict[str, Any] = orjson.loads(text)
        return cls(
            number=kept["number"],
            table=kept["table"],
            key=kept["key"],
            fields=tuple(FieldSchema(**one) for one in kept["fields"]),
            geocode=tuple(kept["geocode"]),
            retired=tuple(RetiredColumn(**one) for one in kept["retired"]),
            set_aside=tuple(SetAside(**one) for one in kept["set_aside"]),
            floor=kept["floor"],
        )


class ChangeKind(StrEnum):
    """What a table followed."""

    ADOPTED = "adopted"
    FIELD_ADDED = "field_added"
    FIELD_RESTORED = "field_restored"
    FIELD_RENAMED = "field_renamed"
    FIELD_RETYPED = "field_retyped"
    FIELD_REMOVED = "field_removed"
    FIELD_OPTIONAL = "field_optional"
    FIELD_REQUIRED = "field_required"
    MARKUP = "markup"
    SEARCH = "search"
    GEOCODING = "geocoding"
    KEY = "key"


ADDS = frozenset(
    {ChangeKind.FIELD_ADDED, ChangeKind.FIELD_RENAMED, ChangeKind.FIELD_OPTIONAL, ChangeKind.FIELD_REQUIRED}
)
"""What a table need not have followed before a version may be written: a column that is missing holds nothing."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One thing that a table followed, in words; ``field`` is the field's name as it is declared now."""

    kind: ChangeKind
    text: str
    field: str | None = None
    converted: RetiredColumn | None = None
    """Where the values were that can be converted converts_exactly."""

    @property
    def adds(self) -> bool:
        """Whether brokers that know the table before and after it may both write."""
        return self.kind in ADDS


def initial(dataset: Dataset, number: int = 1) -> TableSchema:
    """The schema of a table that is made for a declaration; ``number`` is above 1 when another table was there before."""
    table = dataset.id.replace(".", "_") + (f"__{number}" if number > 1 else "")
    taken: set[str] = set()
    fields = [_placed(one, _free(one.name, taken)) for one in dataset.fields]
    return TableSchema(number, table, dataset.key, _sorted(fields), dataset.geocode)


def _placed(one: Field, column: str, since: int = 0) -> FieldSchema:
    return FieldSchema(one.name, column, kind_of(one), one.optional, one.html, one.search, since)


def _sorted(fields: Iterable[FieldSchema]) -> tuple[FieldSchema, ...]:
    return tuple(sorted(fields, key=lambda one: one.name))


def _free(name: str, taken: set[str]) -> str:
    """A column's name that is not taken; takes it."""
    cut = name if len(name) <= LONGEST_COLUMN else f"{name[:31]}_{blake2b(name.encode(), digest_size=4).hexdigest()}"
    found, number = cut, 2
    while found in taken:
        found, number = f"{cut}__{number}", number + 1
    taken.add(found)
    return found


class _Evolution:
    """The next schema of a table while it is worked out, field by field."""

    def __init__(self, stored: TableSchema, newest: int) -> None:
        self.stored = stored
        self.newest = newest
        self.changes: list[SchemaChange] = []
        self.retired = list(stored.retired)
        self.taken = {one.column for one in stored.fields} | {one.column for one in stored.retired}
        self.met: set[str] = set()

    def note(self, kind: ChangeKind, text: str, name: str, converted: RetiredColumn | None = None) -> None:
        self.changes.append(SchemaChange(kind, text, name, converted))

    def follow(self, one: Field, names: frozenset[str]) -> FieldSchema:
        """Where a declared field is; ``names`` are those of all declared fields."""
        before = self.stored.field(one.name)
        if before is None:
            earlier = (self.stored.field(name) for name in one.was if name not in names)
            before = next((there for there in earlier if there is not None and there.name not in self.met), None)
        if before is None:
            return self._new(one)
        self.met.add(before.name)
        if before.name != one.name:
            self.note(ChangeKind.FIELD_RENAMED, f"the field {before.name} is called {one.name}", one.name)
        if not _same_column(before.kind, kind_of(one)):
            return self._retyped(one, before)
        return self._kept(one, before)

    def _kept(self, one: Field, before: FieldSchema) -> FieldSchema:
        after = _placed(one, before.column, before.since)
        if before.kind != after.kind:
            self.note(
                ChangeKind.FIELD_RETYPED,
                f"{one.name} is {after.kind}, and was {before.kind}; every value stays",
                one.name,
            )
        if before.html != after.html:
            what = "is markup, and was plain text" if after.html else "is plain text, and was markup"
            self.note(ChangeKind.MARKUP, f"{one.name} {what}", one.name)
        if before.search != after.search:
            what = f"searched as {after.search}" if after.search else "no longer searched"
            self.note(ChangeKind.SEARCH, f"{one.name} is {what}", one.name)
        if after.optional and not before.optional:
            self.note(ChangeKind.FIELD_OPTIONAL, f"a record may lack {one.name}", one.name)
        if before.optional and not after.optional:
            self.note(ChangeKind.FIELD_REQUIRED, f"every record has {one.name}; {self._up_to} may lack it", one.name)
            return replace(after, since=max(self.newest, before.since))
        return after

    def _new(self, one: Field) -> FieldSchema:
        kind, optional = kind_of(one), "" if one.optional else ", which every record has from now on"
        if (back := self._restored(one)) is not None:
            return back
        self.note(
            ChangeKind.FIELD_ADDED,
            f"the field {one.name} ({kind}) was added{optional}; {self._up_to} have no value of it",
            one.name,
        )
        return _placed(one, _free(one.name, self.taken), self.newest)

    def _restored(self, one: Field) -> FieldSchema | None:
        """The field in a column that it had before it went, or was of another kind."""
        for back in reversed(self.retired):
            if (back.name, back.kind, back.html) == (one.name, kind_of(one), one.html):
                self.retired.remove(back)
                text = f"the field {one.name} ({back.kind}) is back, with its values of versions up to {back.until}"
                self.note(ChangeKind.FIELD_RESTORED, text, one.name)
                return _placed(one, back.column, self.newest)
        return None

    def _retyped(self, one: Field, before: FieldSchema) -> FieldSchema:
        kind = kind_of(one)
        exact = converts_exactly(before.kind, kind)
        if not exact and (back := self._restored(one)) is not None:
            self.retire(before)
            return back
        what = "its values were converted" if exact else f"{self._up_to} have no value of it"
        retired = self.retire(before)
        text = f"{one.name} is {kind}, and was {before.kind}; {what}"
        self.note(ChangeKind.FIELD_RETYPED, text, one.name, retired if exact else None)
        return _placed(one, _free(one.name, self.taken), self.newest)

    def retire(self, before: FieldSchema) -> RetiredColumn:
        """Keep a column for the versions that have it."""
        self.retired.append(RetiredColumn(before.name, before.column, before.kind, before.html, self.newest))
        return self.retired[-1]

    @property
    def _up_to(self) -> str:
        return f"versions up to {self.newest}"


def evolve(
    dataset: Dataset, stored: TableSchema, newest: int, now: datetime
) -> tuple[TableSchema, tuple[SchemaChange, ...]]:
    """The schema that follows a declaration, and what is changed for it; the stored one and nothing when it follows already.

    Args:
        dataset: as it is declared now.
        stored: the schema of its table.
        newest: the number of its newest version.
        now: the moment, in UTC.
    """
    work = _Evolution(stored, newest)
    names = frozenset(one.name for one in dataset.fields)
    fields = _sorted([work.follow(one, names) for one in dataset.fields])
    key, before = next(one for one in fields if one.name == dataset.key), stored.field(stored.key)
    if before is None or key.column != before.column or key.kind != before.kind:
        return _begun_anew(dataset, stored, newest, now)
    for gone in stored.fields:
        if gone.name not in work.met:
            work.note(
                ChangeKind.FIELD_REMOVED,
                f"the field {gone.name} has gone; its column stays for the versions that have it",
                gone.name,
            )
            work.retire(gone)
    if stored.geocode != dataset.geocode:
        read = ", ".join(dataset.geocode)
        text = f"addresses are looked up by {read}" if read else "no address is looked up"
        work.changes.append(SchemaChange(ChangeKind.GEOCODING, text))
    if not work.changes:
        return stored, ()
    made = replace(
        stored, number=stored.number + 1, key=dataset.key, fields=fields, geocode=dataset.geocode, retired=tuple(work.retired)
    )  # fmt: skip
    return made, tuple(work.changes)


def _begun_anew(
    dataset: Dataset, stored: TableSchema, newest: int, now: datetime
) -> tuple[TableSchema, tuple[SchemaChange, ...]]:
    made = initial(dataset, stored.number + 1)
    floor, aside = max(newest, stored.floor), (*stored.set_aside, SetAside(stored.table, now.isoformat()))
    text = (
        f"records are identified by {dataset.key}, and were by {stored.key}: a new history begins after version {floor}"
    )
    return replace(made, floor=floor, set_aside=aside), (SchemaChange(ChangeKind.KEY, text, dataset.key),)


def _same_column(before: str, after: str) -> bool:
    """Whether values of the kind before are as they are values of the kind after: a text is one in a single language."""
    return before == after or (before, after) == ("text", "localized")


def converts_exactly(before: str, after: str) -> bool:
    """Whether each value of one kind is converts_exactly one of the other: a whole number with decimals, a decimal with more of them."""
    if not after.startswith("decimal"):
        return False
    return before == "integer" or (before.startswith("decimal") and scale_of(before) < scale_of(after))


def scale_of(kind: str) -> int:
    """The digits after the point of a kind like ``decimal(2)``."""
    return int(kind.removeprefix("decimal(").removesuffix(")"))
