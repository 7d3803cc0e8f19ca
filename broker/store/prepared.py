"""Statements compiled once for all questions of one form, which differ in their values only.

A question is taken apart into its form, a `Query` with slots in place of values, and the values. What has no such form, because
its SQL hangs on its values (places, lists, texts within texts, exact decimals), is compiled each time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, Select

from broker.model import Dataset, Localized
from broker.query import And, Compare, Condition, InDistrict, Not, Operator, Or, Query, Slot
from broker.store.statements import RANGE
from broker.text import collation

__all__ = ["Prepared", "form"]

SIMPLE = RANGE | {Operator.EQ, Operator.NE}


class Prepared:
    """A statement as the driver takes it; a value it does not get anew is the one it was compiled with."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._positional = compiled.positiontup is not None
        names = compiled.positiontup or list(compiled.binds)
        self._given = [
            (name, compiled.binds[name].value, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in names
        ]

    def execute(self, connection: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the driver, as its cursor
        """Execute it on the driver's own connection; raises what the driver does."""
        given = []
        for name, default, process in self._given:
            value = values.get(name, default)
            given.append(value if process is None else process(value))
        cursor = connection.cursor()
        cursor.execute(
            self.sql, given if self._positional else dict(zip((one[0] for one in self._given), given, strict=True))
        )
        return cursor


def form(query: Query) -> tuple[Query, dict[str, Any]] | None:
    """The question's form and its values by the names of their slots; None when its SQL hangs on its values."""
    values: list[Any] = [query.version if isinstance(query.version, Slot) else query.version.number]
    where = query.where and _form(query.dataset, query.where, values)
    if where is None and query.where is not None:
        return None
    window, position = query.window, query.window.position
    if position is not None:
        slots = tuple(None if one is None else _slot(one, values) for one in position)
        window = replace(window, position=slots)
    formed = replace(query, version=Slot(0), where=where, window=window)
    return formed, {f"slot_{number}": value for number, value in enumerate(values)}


def _slot(value: Any, values: list[Any]) -> Slot:  # noqa: ANN401 - a value of any kind
    values.append(value)
    return Slot(len(values) - 1)


def _form(dataset: Dataset, one: Condition, values: list[Any]) -> Condition | None:
    match one:
        case And(parts) | Or(parts):
            formed = _forms(dataset, parts, values)
            return None if formed is None else type(one)(formed)
        case Not(part):
            inner = _form(dataset, part, values)
            return None if inner is None else Not(inner)
        case InDistrict(key):
            return InDistrict(_slot(key, values))  # type: ignore[arg-type]  # a form
        case Compare():
            return _compare(dataset, one, values)
    return None


def _forms(dataset: Dataset, parts: Sequence[Condition], values: list[Any]) -> tuple[Condition, ...] | None:
    formed = []
    for part in parts:
        one = _form(dataset, part, values)
        if one is None:
            return None
        formed.append(one)
    return tuple(formed)


def _compare(dataset: Dataset, one: Compare, values: list[Any]) -> Compare | None:
    if one.operator is Operator.IS_NULL:
        return one
    kind = dataset.field(one.field).kind
    if one.operator not in SIMPLE or kind is Decimal:
        return None
    value = collation(one.value) if kind in (str, Localized) and one.operator in RANGE else one.value
    return replace(one, value=_slot(value, values))
