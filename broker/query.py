"""What resolvers say and stores hear: frozen values, no SQL, no GraphQL.

A condition is a tree of `Compare`, `Bbox`, `Near`, `InDistrict`, `Shape`, `RelatedTo` under `And`, `Or`, `Not`. Names in it
are the fields' names as declared; values are already of the field's kind.

In every question of place the subject is the record that is selected: with `Predicate.WITHIN` it lies within the other.
Predicates are taken in the plane of EPSG:4326, distances and areas in metres of EPSG:2177.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeAlias

from broker.geometry import Geometry
from broker.model import Dataset

__all__ = [
    "AREA",
    "DISTRICT",
    "GEOCODING",
    "GEOJSON",
    "LENGTH",
    "LOCATION",
    "MENDED",
    "ROW",
    "Aggregation",
    "And",
    "Bbox",
    "Columns",
    "Compare",
    "Condition",
    "Find",
    "Found",
    "Group",
    "GroupBy",
    "InDistrict",
    "Link",
    "Measure",
    "Near",
    "Not",
    "OfPlace",
    "Operator",
    "Or",
    "Order",
    "Pair",
    "Predicate",
    "Query",
    "Read",
    "Related",
    "RelatedTo",
    "Row",
    "Selection",
    "Shape",
    "Slot",
    "Term",
    "Version",
    "Window",
    "reads",
]

# What a located record has beside its declared fields; asked for by these names among a query's columns.
AREA = "_area"
LENGTH = "_length"
LOCATION = "_location"
DISTRICT = "_district"
GEOCODING = "_geocoding"  # of what the store located by an address: how, how surely, which address, or why not
MENDED = "_repaired"  # what had to be put right in the record's place
GEOJSON = "_geojson"  # the record's geometry as an answer has it, in degrees
ROW = "_row"  # a row's number in the store, by which joined records are fetched

Row: TypeAlias = dict[str, Any]
"""A record as the store gives it: values by column name."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for a value that is given only when a statement is executed."""

    number: int


class Version(NamedTuple):
    """Names a version for good: its number in the data set, and an id.

    A failover may lose the newest version, and its number is then given to another one, whose id differs. An empty id stands for
    whichever version has the number.
    """

    number: int
    id: str = ""


Read: TypeAlias = tuple[str, Version]
"""A data set's id, and the version that is read of it."""


class Operator(StrEnum):
    """How a field is compared with a value."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS_WITH = "startsWith"
    IS_NULL = "isNull"
    HAS = "has"


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value; ``contains`` and ``startsWith`` ignore case and Polish marks."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """None but this."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class Bbox:
    """Whose geometry meets this rectangle, in degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Near:
    """Whose geometry comes within ``distance`` metres of a point in degrees."""

    lon: float
    lat: float
    distance: float


@dataclass(frozen=True, slots=True)
class InDistrict:
    """Whose place lies in the district of this key."""

    key: str


class Predicate(StrEnum):
    """How one geometry lies to another, as OGC Simple Features (OGC 06-103r4) defines it."""

    INTERSECTS = "intersects"
    WITHIN = "within"
    CONTAINS = "contains"
    DISJOINT = "disjoint"
    TOUCHES = "touches"
    CROSSES = "crosses"
    OVERLAPS = "overlaps"


@dataclass(frozen=True, slots=True)
class Shape:
    """Whose geometry lies in this way to a given one (EPSG:4326)."""

    geometry: Geometry
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Link:
    """What joins two records by their places: a predicate, a distance of at most so many metres, or both; neither joins all."""

    predicate: Predicate | None = None
    distance: float | None = None


@dataclass(frozen=True, slots=True)
class RelatedTo:
    """Which is linked to at least one record of another data set that matches, at that one's version."""

    dataset: Dataset
    version: Version
    link: Link
    where: "Condition | None" = None


OfPlace: TypeAlias = Bbox | Near | InDistrict | Shape | RelatedTo
Condition: TypeAlias = And | Or | Not | Compare | OfPlace


@dataclass(frozen=True, slots=True)
class Order:
    """Order by a field; an absent value counts as the smallest."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the ordered records: ``size`` of them after (or before) a position, forward or backward.

    A position is the values of the order's fields and the key of the record there.
    """

    size: int
    position: tuple[Any, ...] | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A page of a data set's records, at one version."""

    dataset: Dataset
    version: Version | Slot
    columns: frozenset[str]
    window: Window
    where: Condition | None = None
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A page of records, and whether there are more beyond it in the direction asked."""

    rows: list[Row]
    more: bool
    positions: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Columns:
    """Records as columns by name, each value in the form that an answer has it (see `broker.store.wire`)."""

    values: Mapping[str, Sequence[Any]]
    size: int
    more: bool = False
    positions: Sequence[tuple[Any, ...]] = ()


@dataclass(frozen=True, slots=True)
class Related:
    """The records of a data set that are linked to each of some records of another (or the same) one, the parents."""

    dataset: Dataset
    version: Version
    parents: Dataset
    parent_version: Version
    keys: tuple[Any, ...]
    link: Link
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A parent's key, a row linked to it, the metres between them and the square metres they share, when these were asked."""

    parent: Any
    row: int
    distance: float | None = None
    shared: float | None = None


Part = Literal["year", "month"]


@dataclass(frozen=True, slots=True)
class GroupBy:
    """Group by a field's value, or by the year or month of a date."""

    field: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One number over a group."""

    function: Literal["sum", "avg", "min", "max"]
    field: str


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Counts and measures over the records that match, by group."""

    dataset: Dataset
    version: Version
    where: Condition | None = None
    group_by: tuple[GroupBy, ...] = ()
    measures: tuple[Measure, ...] = ()
    limit: int = 10_000


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a data set's records: its key (one text a grouping), how many they are, and the measures asked for."""

    dataset: Dataset
    key: tuple[str | None, ...]
    count: int
    measures: dict[Measure, Any]

    def named(self, by: Sequence["GroupBy"], names: Mapping[Any, str]) -> "Group":
        """The same with districts called by their names instead of their keys."""
        parts = zip(by, self.key, strict=True)
        return replace(self, key=tuple(names.get(part, part) if one.field == DISTRICT else part for one, part in parts))


@dataclass(frozen=True, slots=True)
class Term:
    """One word that is looked for: any of these stems, or a word that begins like this."""

    stems: tuple[str, ...]
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """Records of several data sets in which every term occurs; those with all of them in the title come first."""

    terms: tuple[Term, ...]
    versions: Mapping[str, Version]
    size: int
    skip: int = 0
    titles_only: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was found: its key, its title and its other searched text; ``score`` is better when higher."""

    dataset: str
    key: Any
    title: str
    text: str
    score: float


def reads(asked: Query | Aggregation | Related) -> tuple[Read, ...]:
    """The versions that an answer is read from, those that its conditions mention too."""
    own = () if isinstance(asked.version, Slot) else ((asked.dataset.id, asked.version),)
    parents = ((asked.parents.id, asked.parent_version),) if isinstance(asked, Related) else ()
    return (*own, *parents, *_mentioned(asked.where))


def _mentioned(where: Condition | None) -> Iterator[Read]:
    match where:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _mentioned(part)
        case Not(part):
            yield from _mentioned(part)
        case RelatedTo():
            yield where.dataset.id, where.version
            yield from _mentioned(where.where)
