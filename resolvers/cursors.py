"""Cursors: where a page ended, as the values it is ordered by and the record's key. They outlive a refresh."""

import base64
import binascii
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from broker.errors import BadArgument
from broker.model import Dataset
from broker.query import Order

__all__ = ["decode", "encode"]


def _signature(order: Sequence[Order]) -> str:
    return ",".join(f"{'-' if one.descending else ''}{one.field}" for one in order)


def encode(dataset: Dataset, order: Sequence[Order], position: Sequence[Any]) -> str:
    """An opaque text for a position in this order of a data set."""
    raw = orjson.dumps([f"{dataset.id}|{_signature(order)}", *position], default=str)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(dataset: Dataset, order: Sequence[Order], cursor: str, argument: str) -> tuple[Any, ...]:
    """The position of a cursor. Raises `BadArgument` for what is no cursor, or one of another collection or order."""
    try:
        read = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        signature, *values = read
    except (ValueError, TypeError, binascii.Error):
        raise BadArgument(f"{argument}: {cursor[:60]!r} is not a cursor; take it from `pageInfo` or `edges`") from None
    if signature != f"{dataset.id}|{_signature(order)}" or len(values) != len(order) + 1:
        raise BadArgument(f"{argument}: this cursor belongs to another collection or another `orderBy`; begin anew")
    kinds = [dataset.field(one.field).kind for one in order] + [dataset.field(dataset.key).kind]
    try:
        return tuple(None if raw is None else _value(kind, raw) for kind, raw in zip(kinds, values, strict=True))
    except (ValueError, TypeError, ArithmeticError):
        raise BadArgument(
            f"{argument}: the cursor was changed on its way; take it from `pageInfo` or `edges`"
        ) from None


def _value(kind: type, raw: Any) -> Any:  # noqa: ANN401 - as JSON has it
    if kind in (date, datetime):
        return kind.fromisoformat(raw)
    if kind is Decimal:
        return Decimal(raw)
    if kind in (int, float, bool):
        if not isinstance(raw, int | float):
            raise TypeError(raw)
        return kind(raw)
    if not isinstance(raw, str):
        raise TypeError(raw)
    return raw
