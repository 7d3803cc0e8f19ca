"""Ways to do the same work, measured in turn: whatever slows the machine for a while slows all of them.

A round does the work by every way, some times over, and keeps the median of each; a ratio is that of two medians of one round.
What is given is the median over the rounds, and the least and the most there was.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

__all__ = ["Figures", "middle", "milliseconds", "ratio", "spread"]

Figures = dict[str, list[float]]
"""A number a round, by the name of the way."""


async def milliseconds(ways: Mapping[str, Callable[[], Awaitable[Any]]], rounds: int, times: int) -> Figures:
    """How long each way takes, after a round that is not counted."""
    found: Figures = {name: [] for name in ways}
    for counted in (False, *[True] * rounds):
        took: Figures = {name: [] for name in ways}
        for name, way in ways.items():
            for _ in range(times):
                started = time.perf_counter()
                await way()
                took[name].append((time.perf_counter() - started) * 1000)
        for name in ways if counted else ():
            found[name].append(statistics.median(took[name]))
    return found


def middle(values: Sequence[float]) -> float:
    """The median with three digits, which is more than is certain."""
    return _short(statistics.median(values))


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median, the least and the most."""
    return {"value": middle(values), "low": _short(min(values)), "high": _short(max(values))}


def ratio(one: Sequence[float], other: Sequence[float]) -> dict[str, float]:
    """How many times the other is in the one, round by round."""
    return spread([left / right for left, right in zip(one, other, strict=True)])


def _short(value: float) -> float:
    return float(f"{value:.3g}") if value < 1000 else round(value)
