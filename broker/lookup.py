"""Lookups: what a source is asked about one record at a time, passed on and never stored.

Where a source tells what is live only for what it is asked about, nobody could keep a whole data set of it young. A connector
declares what it tells as an item, and the data set whose records it is asked about gets a field of that name:

    @lookup(ZTM, "departures", on="mim.stops", by="name", ordered_by="departs_at", reader=..., refresh=live(seconds=20), licence=...)
    class Departure(Item):
        \"\"\"A vehicle that is about to leave a stop.\"\"\"

        line: str = field("Line")
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform, get_type_hints

from broker.errors import DeclarationError, RowError
from broker.fields import Field, Row, declared_field, field
from broker.geometry import Geometry
from broker.model import Licence, Refresh, Rejected, Source
from broker.text import Localized
from broker.upstream import Page, Upstream

__all__ = ["Item", "Lookup", "LookupReader", "lookup"]


class LookupReader(Protocol):
    """How a source is asked about one record, in two halves as a data set's `Reader`: only the first one touches the network."""

    async def fetch(self, upstream: Upstream, key: str) -> Page:
        """Ask about one record; raises `SourceError`."""
        ...

    def rows(self, page: Page) -> Iterator[Row]:
        """Turn the answer into rows; raises `Unreadable` when it is not what it should be."""
        ...


class Item:
    """Base of what lookups give: declared with `lookup`, frozen, one row."""

    __slots__ = ()
    __lookup__: ClassVar["Lookup"]


I = TypeVar("I", bound=Item)  # noqa: E741 - an item


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """What a source is asked about the records of a data set, as declared.

    ``by`` is the field that it knows them by, ``ordered_by`` the item's field that what it tells is ordered by.
    """

    source: Source
    name: str
    item: type[Item]
    on: str
    by: str
    ordered_by: str
    fields: tuple[Field, ...]
    reader: LookupReader
    refresh: Refresh
    licence: Licence
    title: str
    description: str

    @property
    def id(self) -> str:
        """Its name everywhere: ``ztm.departures``."""
        return f"{self.source.id}.{self.name}"

    @property
    def type_name(self) -> str:
        """The GraphQL type of what it gives: the class's name."""
        return self.item.__name__

    def items(self, page: Page) -> Iterator[dict[str, Any] | Rejected]:
        """The answer's rows as values by field, or as rejected rows with the reason."""
        for row in self.reader.rows(page):
            try:
                yield {one.name: one.value(row) for one in self.fields}
            except RowError as error:
                yield Rejected(row, str(error))


@dataclass_transform(field_specifiers=(field,), frozen_default=True, kw_only_default=True)
def lookup(
    source: Source,
    name: str,
    *,
    on: str,
    by: str,
    ordered_by: str,
    reader: LookupReader,
    refresh: Refresh,
    licence: Licence,
    title: str = "",
) -> Callable[[type[I]], type[I]]:
    """Make a class an item and declare its lookup.

    Args:
        source: the system that is asked.
        name: lower case with underscores, plural; the field on the records is the same in camel case.
        on: the id of the data set about whose records it is asked.
        by: the field of these records, a text, by which the source knows them; records with the same are asked about once.
        ordered_by: the item's field that they are given in the order of, the least first.
        reader: how it is asked.
        refresh: how old an answer may be before it is asked again; `live`.
        licence: the terms of use.
        title: what people call it; from the name when left out.

    Raises `DeclarationError` when the declaration contradicts itself.
    """

    def declare(cls: type[I]) -> type[I]:
        made = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        hints = get_type_hints(made)
        declared = tuple(declared_field(made.__name__, one, hints[one.name]) for one in fields(made))  # type: ignore[arg-type]  # a dataclass since above
        _check(made, name, ordered_by, declared, refresh)
        made.__lookup__ = Lookup(
            source=source,
            name=name,
            item=made,
            on=on,
            by=by,
            ordered_by=ordered_by,
            fields=declared,
            reader=reader,
            refresh=refresh,
            licence=licence,
            title=title or name.replace("_", " ").capitalize(),
            description=" ".join((cls.__doc__ or "").split()),
        )
        return made

    return declare


def _check(cls: type[Item], name: str, ordered_by: str, declared: tuple[Field, ...], refresh: Refresh) -> None:
    """Refuse a declaration that contradicts itself. Raises `DeclarationError` that names the item and the remedy."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise DeclarationError(f"{cls.__name__}: the lookup's name {name!r} must be lower case with underscores")
    if not refresh.live:
        raise DeclarationError(
            f"{cls.__name__}: a lookup is asked when a query asks; give it refresh=live(seconds=...)"
        )
    if all(one.name != ordered_by or one.optional for one in declared):
        raise DeclarationError(f"{cls.__name__}: ordered_by {ordered_by!r} is none of the fields that every item has")
    for one in declared:
        if one.kind in (Geometry, Localized) or one.html or one.to is not None:
            raise DeclarationError(
                f"{cls.__name__}.{one.name}: an item holds plain values; places, markup, languages and references belong to records"
            )
    if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(f"{cls.__name__}("):
        raise DeclarationError(f"{cls.__name__}: say what one item is, in a docstring")
