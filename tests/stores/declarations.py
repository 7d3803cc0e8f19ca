"""Declarations that change: records of a town's library, declared from a list of fields, and what their versions must hold."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import shapely

from broker.model import CC0, Dataset, Geometry, Localized, Record, dataset, every
from broker.model import field as declare
from broker.query import Find, Query, Term, Version, Window
from broker.store import SqlStore
from tests.stores.town import TOWN, Nothing, put

KINDS: dict[str, Any] = {
    "text": str, "number": int, "decimal": Decimal, "finer": Decimal, "day": date, "yes": bool, "localized": Localized,
    "list": tuple[str, ...], "place": Geometry,
}  # fmt: skip
EXACT = {("number", "decimal"), ("number", "finer"), ("decimal", "finer"), ("text", "localized")}


@dataclass(frozen=True)
class Column:
    """A field as it is declared; ``content`` names what it holds, whatever the field is called."""

    name: str
    kind: str
    content: int
    optional: bool = True
    search: str | None = None
    was: str | None = None


@dataclass
class Library:
    """What a test declares, and what each version must hold: by key, by what a field holds."""

    columns: list[Column]
    versions: list[dict[str, dict[int, Any]]] = field(default_factory=list)
    retired: dict[tuple[str, str], int] = field(default_factory=dict)
    """What a field of a name held when it was of another kind."""
    restored: set[int] = field(default_factory=set)
    """What is held again, in the column it was in: a record that did not change meanwhile has its old value in the versions between."""

    def declared(self) -> Dataset:
        body: dict[str, Any] = {"__doc__": "A book.", "__annotations__": {"code": str}, "code": declare("Code")}
        for one in self.columns:
            body["__annotations__"][one.name] = KINDS[one.kind] | None if one.optional else KINDS[one.kind]
            rest: dict[str, Any] = {"unit": "1"} if one.kind in ("number", "decimal", "finer") else {}
            rest |= {"scale": 4} if one.kind == "finer" else {}
            rest |= {"was": one.was} if one.was else {}
            body[one.name] = declare("What it holds", search=one.search, **rest)
        made = type("Book", (Record,), body)
        return dataset(TOWN, "books", key="code", reader=Nothing(), refresh=every(days=1), licence=CC0)(
            made
        ).__dataset__

    def records(self, content: dict[str, dict[int, Any]]) -> list[Record]:
        cls = self.declared().record
        return [
            cls(code=key, **{one.name: written(one, values.get(one.content)) for one in self.columns})
            for key, values in content.items()
        ]

    def put(self, store: SqlStore, content: dict[str, dict[int, Any]]) -> Any:
        """Publish a version that holds this."""
        published, changes = put(store, self.declared(), *self.records(content))
        if published.number > len(self.versions):
            known = {one.content for one in self.columns}
            self.versions.append(
                {key: {c: v for c, v in values.items() if c in known} for key, values in content.items()}
            )
        return changes

    def check(self, store: SqlStore) -> None:
        """Every version holds what it held, as far as it is declared now, and is found by its words."""
        declared = self.declared()
        for number, content in enumerate(self.versions, 1):
            query = Query(declared, Version(number), frozenset(one.name for one in self.columns), Window(100))
            rows = {row["code"]: row for row in store.select(query).rows}
            assert rows.keys() == content.keys(), number
            for key, values in content.items():
                for one in self.columns:
                    found = rows[key][one.name]
                    if one.content in self.restored and (found is None or one.content not in values):
                        continue
                    assert same(found, values.get(one.content), one.kind), (number, key, one)
            assert store.count(query) == len(content)
        words = {f"slowo{one.content}" for one in self.columns if one.search}
        title = any(one.search == "title" for one in self.columns)
        for one in self.columns:
            if one.kind in ("text", "localized"):
                word = f"slowo{one.content}"
                newest = {k for k, v in self.versions[-1].items() if v.get(one.content)} if self.versions else set()
                if one.content in self.restored:
                    continue
                hits, _ = store.find(Find((Term((word,), None),), {declared.id: Version(len(self.versions))}, 100))
                assert {hit.key for hit in hits} == (newest if title and word in words else set()), one


def written(column: Column, content: Any) -> Any:
    """What a record holds: a text of a field that has several languages now is one in Polish."""
    return Localized(pl=content) if column.kind == "localized" and isinstance(content, str) else content


def same(found: Any, expected: Any, kind: str) -> bool:
    """Whether a value that was read is the one that was put."""
    if found is None or expected is None:
        return found is expected
    if kind == "place":
        return bool(shapely.from_wkb(bytes(found)) == expected)
    if kind == "list":
        return tuple(found) == expected
    if kind in ("decimal", "finer"):
        return isinstance(found, Decimal) and found == Decimal(expected)
    if kind == "localized":
        return isinstance(found, Localized) and found.best() == (
            expected if isinstance(expected, str) else expected.best()
        )
    return bool(found == expected)


def value(column: Column, dice: Any) -> Any:
    """Some value of a kind; texts hold a word by which the field is found."""
    if column.optional and dice.random() < 0.3:
        return None
    word = f"słowo{column.content} {dice.randint(0, 99)}"
    made: dict[str, Any] = {
        "text": word, "number": dice.randint(-9, 9), "decimal": Decimal(dice.randint(-999, 999)) / 100,
        "finer": Decimal(dice.randint(-9999, 9999)) / 10000, "day": date(2017, 1, dice.randint(1, 28)), "yes": dice.random() < 0.5,
        "localized": Localized(pl=word), "list": (word,), "place": shapely.Point(16.9 + dice.randint(0, 9) / 100, 52.4),
    }  # fmt: skip
    return made[column.kind]


def changed(library: Library, dice: Any, fresh: int) -> list[Column]:
    """The declaration with one thing changed at random; ``fresh`` names new content."""
    columns = list(library.columns)
    place = dice.randrange(len(columns)) if columns else 0
    what = dice.choice(["add", "add", "remove", "rename", "retype", "optional", "search", "swap"])
    if what == "add" or not columns:
        free = [kind for kind in KINDS if kind != "place" or all(one.kind != "place" for one in columns)]
        return [Column(f"f{fresh}", dice.choice(free), fresh, dice.random() < 0.7), *columns]
    one = columns.pop(place)
    if what == "remove":
        return columns
    if what == "swap":
        return [one, *columns]
    if what == "rename":
        one = replace(one, name=f"{one.name.partition('x')[0]}x{fresh}", was=one.name)
    elif what == "optional":
        one = replace(one, optional=not one.optional)
    elif what == "search" and one.kind in ("text", "localized"):
        title = any(other.search == "title" for other in columns)
        one = replace(one, search=dice.choice([None, "text"] if title else [None, "text", "title"]))
    elif what == "retype" and one.kind != "place":
        kind = dice.choice([kind for kind in KINDS if kind not in (one.kind, "place")])
        exact = (one.kind, kind) in EXACT
        content = one.content if exact else library.retired.get((one.name, kind), fresh)
        if not exact and content != fresh:
            library.restored.add(content)
        if (one.kind, kind) != ("text", "localized"):
            library.retired[one.name, one.kind] = one.content
        one = replace(one, kind=kind, content=content, search=one.search if kind in ("text", "localized") else None)
    columns.insert(place, one)
    return columns
