"""Query → one SELECT: the same SQL for every database, except what its `Dialect` says about places."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    type_coerce,
)

from broker.model import Dataset, Localized
from broker.query import (
    AREA,
    DISTRICT,
    GEOCODING,
    LENGTH,
    LOCATION,
    MENDED,
    ROW,
    Aggregation,
    And,
    Bbox,
    Compare,
    Condition,
    GroupBy,
    InDistrict,
    Measure,
    Near,
    Not,
    OfPlace,
    Operator,
    Or,
    Order,
    Query,
    RelatedTo,
    Shape,
    Slot,
    Version,
)
from broker.store.tables import ALL, GEOCODED, KEY, LOCAL, PLAIN
from broker.text import MARK, collation, fold

__all__ = [
    "RANGE",
    "Among",
    "Clause",
    "Place",
    "SortKey",
    "aggregate",
    "aggregate_related",
    "asked",
    "at",
    "by_key",
    "by_row",
    "condition",
    "count",
    "page",
    "positions",
    "repairs",
    "sort_columns",
]

Clause = ColumnElement[bool]


class Place(Protocol):
    """How a database answers questions of place."""

    def bbox(self, table: Table, box: Bbox) -> Clause:
        """Whose geometry meets the rectangle."""
        ...

    def near(self, table: Table, near: Near) -> Clause:
        """Whose geometry comes within the distance."""
        ...

    def shape(self, dataset: Dataset, version: Version, shape: Shape) -> Clause:
        """Whose geometry lies in this way to a given one."""
        ...

    def related_to(self, dataset: Dataset, version: Version, related_to: RelatedTo) -> Clause:
        """Which is linked to a matching record of another data set."""
        ...


def at(table: Table, version: Version | Slot) -> Clause:
    """The rows that live in this version."""
    since, until = table.c["_since"], table.c["_until"]
    number = version if isinstance(version, Slot) else version.number
    return and_(since <= _given(number, since), until > _given(number, until))


def _given(value: Any, column: ColumnElement[Any]) -> Any:  # noqa: ANN401 - a value, or what it will be bound to
    if isinstance(value, Slot):
        return bindparam(f"slot_{value.number}", type_=column.type)
    return literal(value, column.type) if isinstance(value, bool) else value  # a plain one is no operand of "greater"


def page(table: Table, query: Query, place: Place, columns: Iterable[ColumnElement[Any]]) -> Select[Any]:
    """These columns of the rows of a window, one more than its size, in reading direction."""
    keys = sort_columns(table, query.dataset, query.order)
    window = query.window
    statement = select(*columns).where(at(table, query.version))
    if query.where is not None:
        statement = statement.where(condition(table, query.dataset, query.version, query.where, place))
    if window.position is not None:
        statement = statement.where(_beyond(keys, window.position, backward=window.backward))
    for column, descending, _ in keys:
        statement = statement.order_by(_smallest_first(column, downwards=descending != window.backward))
    return statement.limit(window.size + 1)


def positions(table: Table, query: Query) -> list[ColumnElement[Any]]:
    """What a record's position in the order is made of, as ``o0``, ``o1`` and so on."""
    return [column.label(f"o{n}") for n, (column, *_) in enumerate(sort_columns(table, query.dataset, query.order))]


Among = Callable[[ColumnElement[Any], str], Clause]
"""Whether a column is among the values of a parameter, which are given as the database takes a list."""


def by_key(
    table: Table, dataset: Dataset, version: Version | Slot, columns: Iterable[ColumnElement[Any]], among: Among
) -> Select[Any]:
    """These columns of the records whose keys are in the parameter ``listed``."""
    return select(*columns).where(at(table, version), among(table.c[dataset.key], "listed"))


def by_row(table: Table, columns: Iterable[ColumnElement[Any]], among: Among) -> Select[Any]:
    """These columns of the records whose rows are in the parameter ``listed``."""
    return select(*columns).where(among(table.c[ROW], "listed"))


def repairs(table: Table, version: Version) -> Select[Any]:
    """What was put right in the records' places, and in how many, the most frequent first."""
    done, many = table.c[MENDED], func.count()
    statement = select(done, many).where(at(table, version), done.is_not(None))
    return statement.group_by(done).order_by(many.desc(), done)


def count(table: Table, query: Query, place: Place) -> Select[Any]:
    """How many records match, whatever the window."""
    statement = select(func.count()).select_from(table).where(at(table, query.version))
    return (
        statement
        if query.where is None
        else statement.where(condition(table, query.dataset, query.version, query.where, place))
    )


def aggregate(table: Table, query: Aggregation, place: Place) -> Select[Any]:
    """Groups, largest first: the columns of the key, the count, then the measures in order (an average as its sum and count)."""
    groups, figures = _figures(table, query)
    statement = select(*groups, *figures).where(at(table, query.version))
    if query.where is not None:
        statement = statement.where(condition(table, query.dataset, query.version, query.where, place))
    order = [_smallest_first(one, downwards=False) for one in groups]
    return statement.group_by(*groups).order_by(figures[0].desc(), *order).limit(query.limit + 1)


def aggregate_related(table: Table, query: Aggregation, relation: FromClause) -> Select[Any]:
    """The same over the records related to each parent: the parent's position first. Which records, the relation says."""
    groups, figures = _figures(table, query)
    parent = relation.c.parent
    statement = select(parent, *groups, *figures).join_from(table, relation, table.c[ROW] == relation.c.row)
    order = [_smallest_first(one, downwards=False) for one in groups]
    return statement.group_by(parent, *groups).order_by(parent, figures[0].desc(), *order).limit(query.limit + 1)


def _figures(table: Table, query: Aggregation) -> tuple[list[ColumnElement[Any]], list[ColumnElement[Any]]]:
    groups = [_group(table, one) for one in query.group_by]
    measures = [column for one in query.measures for column in _measure(table, one)]
    return groups, [func.count().label("count"), *measures]


def asked(table: Table, dataset: Dataset, names: frozenset[str]) -> list[ColumnElement[Any]]:
    """The key and the columns that a record's values of these names are made of."""
    columns: list[ColumnElement[Any]] = [table.c[dataset.key].label(dataset.key)]
    for name in sorted(names - {dataset.key}):
        if name == LOCATION:
            columns += [table.c[one].label(one) for one in ("_lon", "_lat")]
        elif name == GEOCODING:
            columns += [table.c[one].label(one) for one, _ in GEOCODED[:-1]]
        elif name in (AREA, LENGTH, DISTRICT, MENDED):
            columns.append(table.c[name].label(name))
        else:
            found = [name + suffix for suffix in ("", PLAIN, ALL) if name + suffix in table.c]
            columns += [table.c[one].label(one) for one in found]
    return columns


def _smallest_first(column: ColumnElement[Any], *, downwards: bool) -> ColumnElement[Any]:
    """In this direction, an absent value as the smallest, in every database."""
    return column.desc().nulls_last() if downwards else column.asc().nulls_first()


class SortKey(NamedTuple):
    """One thing rows are ordered by: whether downwards, and whether a row may lack it."""

    column: ColumnElement[Any]
    descending: bool
    optional: bool


def sort_columns(table: Table, dataset: Dataset, order: Sequence[Order]) -> list[SortKey]:
    """What to order by: texts in Polish order; the key last, so that the order is total."""
    keys = [SortKey(_sortable(table, one.field), one.descending, _lacking(table, dataset, one.field)) for one in order]
    return [*keys, SortKey(table.c[dataset.key], keys[-1].descending if keys else False, optional=False)]


def _lacking(table: Table, dataset: Dataset, field: str) -> bool:
    """Whether a row may lack a field: an optional one, or one that came after the row's version."""
    return dataset.field(field).optional or bool(table.c[field].info.get("late"))


def _sortable(table: Table, field: str) -> ColumnElement[Any]:
    return table.c[field + KEY] if field + KEY in table.c else table.c[field]


def _beyond(keys: Sequence[SortKey], position: Sequence[Any], *, backward: bool) -> Clause:
    """Rows after (before, when backward) the position; an absent value is the smallest."""
    (key, *rest), (value, *values) = keys, position
    column, upwards = key.column, key.descending == backward
    same: Clause = column.is_(None) if value is None else column == _given(value, column)
    further = _further(key, value, upwards=upwards)
    if not rest:
        return further if further is not None else false()
    equal = and_(same, _beyond(rest, values, backward=backward))
    beyond = equal if further is None else or_(further, equal)
    if value is None or (key.optional and not upwards):
        return beyond
    # Said once more for the first key alone, so that an index is entered at the position and not read up to it.
    held = _given(value, column)
    return and_(column >= held if upwards else column <= held, beyond)


def _further(key: SortKey, value: Any, *, upwards: bool) -> Clause | None:  # noqa: ANN401 - a value of any kind
    """Which rows are further by this key alone; None when there can be none."""
    column = key.column
    if value is None:
        return column.is_not(None) if upwards else None
    held = _given(value, column)
    further: Clause = column > held if upwards else column < held
    return or_(further, column.is_(None)) if key.optional and not upwards else further


def condition(table: Table, dataset: Dataset, version: Version | Slot, where: Condition, place: Place) -> Clause:
    """A condition tree on the rows of a version as SQL; every value is a bound parameter."""

    def read(one: Condition) -> Clause:
        match one:
            case And(parts):
                return and_(true(), *(read(part) for part in parts))
            case Or(parts):
                return or_(false(), *(read(part) for part in parts))
            case Not(part):
                return not_(func.coalesce(read(part), false()))
            case Compare():
                return _compare(table, dataset, one)
            case _:
                return _placed(table, dataset, version, one, place)

    return read(where)


def _placed(table: Table, dataset: Dataset, version: Version | Slot, one: OfPlace, place: Place) -> Clause:
    match one:
        case Bbox():
            return place.bbox(table, one)
        case Near():
            return place.near(table, one)
        case InDistrict(key):
            within: Clause = table.c[DISTRICT] == _given(key, table.c[DISTRICT])
            return within
        case Shape():
            return place.shape(dataset, _certain(version), one)
        case RelatedTo():
            return place.related_to(dataset, _certain(version), one)


def _certain(version: Version | Slot) -> Version:
    assert not isinstance(version, Slot)  # noqa: S101 - what asks a layer is compiled for its version
    return version


def _compare(table: Table, dataset: Dataset, one: Compare) -> Clause:
    column = table.c[one.field]
    kind = dataset.field(one.field).kind
    if one.operator is Operator.IS_NULL:
        return column.is_(None) if one.value else column.is_not(None)
    if kind is Decimal:
        one = _representable(one, dataset.field(one.field).scale)
    if one.operator is Operator.IN:
        return column.in_(one.value)
    if one.operator is Operator.HAS:
        return column.contains(orjson.dumps(one.value).decode(), autoescape=True)
    if one.operator in (Operator.CONTAINS, Operator.STARTS_WITH):
        folded = func.replace(table.c[one.field + KEY], MARK, "")
        word = fold(one.value)
        contains = one.operator is Operator.CONTAINS
        return folded.contains(word, autoescape=True) if contains else folded.startswith(word, autoescape=True)
    value = one.value
    if kind in (str, Localized) and one.operator in RANGE:
        column, value = table.c[one.field + KEY], value if isinstance(value, Slot) else collation(value)
    compared: Clause = COMPARE[one.operator](column, _given(value, column))
    return compared


RANGE = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
LARGE = Decimal(10) ** 15


def _representable(one: Compare, scale: int) -> Compare:
    """The same comparison with values that the column can hold: one with more digits, or beyond all, equals none of its own."""
    step = Decimal(1).scaleb(-scale)

    def floor(value: Decimal) -> Decimal:
        return min(max(value, -LARGE), LARGE).quantize(step, ROUND_FLOOR)

    if one.operator is Operator.IN:
        return replace(one, value=[value for value in one.value if floor(value) == value])
    held = floor(one.value)
    if held == one.value:
        return one
    if one.operator is Operator.EQ:
        return replace(one, operator=Operator.IN, value=[])
    if one.operator is Operator.NE:  # as every record is, with a value or without
        return replace(one, value=-LARGE)
    above = one.operator in (Operator.GT, Operator.GTE)
    return Compare(one.field, Operator.GT if above else Operator.LTE, held)


COMPARE: dict[Operator, Callable[[ColumnElement[Any], Any], Clause]] = {
    Operator.EQ: lambda column, value: column == value,
    Operator.NE: lambda column, value: or_(column != value, column.is_(None)),
    Operator.GT: lambda column, value: column > value,
    Operator.GTE: lambda column, value: column >= value,
    Operator.LT: lambda column, value: column < value,
    Operator.LTE: lambda column, value: column <= value,
}


def _group(table: Table, by: GroupBy) -> ColumnElement[Any]:
    column = table.c[by.field]
    if by.part is None:
        return column
    if by.field + LOCAL in table.c:
        column = table.c[by.field + LOCAL]
    digits = 4 if by.part == "year" else 7  # of an ISO date: YYYY, YYYY-MM
    return func.substr(cast(type_coerce(column, String), Text), 1, digits)


def _measure(table: Table, one: Measure) -> Iterator[ColumnElement[Any]]:
    column = table.c[one.field]
    if one.function == "avg":  # exact in every database: the sum and how many, divided by the reader
        yield _sum(column)
        yield func.count(column)
    elif one.function == "sum":
        yield _sum(column)
    else:
        yield getattr(func, one.function)(column, type_=column.type)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    total = func.sum(column, type_=column.type)
    return cast(total, column.type) if isinstance(column.type, Integer) else total
