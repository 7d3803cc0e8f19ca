"""How fast the broker answers, row by row of what it aims at: each beside what it is compared with, in the same minutes.

A figure is the median over several rounds with the least and the most; the rounds of all that is compared take turns. What is
measured without HTTP is in `bench.inside`, what over HTTP in `bench.served`, one process's memory and start in `bench.worker`.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench import served, worker
from bench.machine import Others, machine
from bench.process import child
from bench.rounds import middle, ratio, spread

__all__ = ["measure"]

MILLION, FEWER = 1_000_000, 10_000
PAGE = "1 000 records of 6 fields with geometry, no answer kept"
JOINED = "100 records, each with a joined record of another source, no answer kept"
REPEATED = "the same, asked again and again"
DEEP = "page 1 000 of 1 000 000 records"
LARGE = "page 1 of 1 000 000 records"
PLAIN = "the same schema, resolved value by value"
FASTER = "faster"
QUERY_MS = 10


@dataclass(frozen=True, slots=True)
class Aim:
    """A row: the work, what it is compared with, the aim in words, the bound that the value is to keep.

    The value is a ratio of what took or gave so much, or where there is a ``unit`` a figure of its own.
    """

    work: str
    against: str
    aim: str
    bound: float
    most: bool = False
    unit: str = ""
    value: float = 0
    low: float = 0
    high: float = 0
    ours: str = ""
    theirs: str = ""

    def row(self) -> dict[str, Any]:
        """As the results file keeps it."""
        met = self.value <= self.bound if self.most else self.value >= self.bound
        return {**asdict(self), "met": met}


async def measure() -> dict[str, Any]:
    """Every figure of the speed part, as the results file keeps it."""
    others = Others()
    with tempfile.TemporaryDirectory() as folder:
        sample, million, fewer = (f"{folder}/{name}.sqlite" for name in ("sample", "million", "fewer"))
        await child("bench.inside", "fill", sample)
        inside = await child("bench.inside", "sample", sample)
        outside = served.measure(sample)
        for file, size in ((fewer, FEWER), (million, MILLION)):
            await child("bench.filled", f"sqlite:///{file}", str(size))
        deep = await child("bench.inside", "deep", million, fewer)
        held = worker.memory(million)
        starts = worker.first_answers({"sample": {"file": sample}, "million": {"file": million, "sample": "false"}})
    aims = [*_inside(inside), *_outside(outside), *_deep(deep), *_worker(held, starts)]
    return {
        "machine": machine(),
        "others_share": others.share(),
        "aims": [one.row() for one in aims],
        "queries": {name: _query(one) for name, one in outside["queries"].items()},
        "alone_ms": {name: spread(one["p50_ms"]) for name, one in outside["joined_alone"].items()},
        "memory_mb": held,
    }


def _faster(aim: Aim, ours: Sequence[float], theirs: Sequence[float]) -> Aim:
    """With how many times as long the other takes, in milliseconds; or how many times its own, when that is bounded."""
    told = ratio(ours, theirs) if aim.most else ratio(theirs, ours)
    return replace(aim, **told, ours=f"{middle(ours):g} ms", theirs=f"{middle(theirs):g} ms")


def _busier(aim: Aim, ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> Aim:
    """With how many times as many answers a second."""
    told, other = ours["per_second"], theirs["per_second"]
    return replace(aim, **ratio(told, other), ours=f"{middle(told):,.0f}/s", theirs=f"{middle(other):,.0f}/s")


def _inside(found: dict[str, Any]) -> list[Aim]:
    page, small = found["page"], found["small"]
    plain = Aim(PAGE, PLAIN, "15 times as fast", 15)
    floor = Aim(PAGE, "SQL by hand and orjson, the same bytes", "at most 1.5 times as long", 1.5, most=True)
    one = Aim("one record by a value, another one each time", PLAIN, "5 times as fast", 5)
    return [
        _faster(plain, page["shaped"], page["plain"]),
        _faster(floor, page["shaped"], page["floor"]),
        _faster(one, small["shaped"], small["plain"]),
    ]


def _outside(found: dict[str, Any]) -> list[Aim]:
    rows = (
        ("joined", "mercurius", JOINED, "Mercurius with its JIT and a loader", FASTER, 1.0),
        ("joined", "tailcall", JOINED, "Tailcall", FASTER, 1.0),
        ("repeated", "mercurius", REPEATED, "Mercurius with its cache too", FASTER, 1.0),
        ("repeated", "tailcall", REPEATED, "Tailcall with its cache", FASTER, 1.0),
        ("repeated", "fixed", REPEATED, "bare uvicorn, as many fixed bytes", "at least 0.7 of it", 0.7),
        (
            "unchanged",
            "fixed",
            "`If-None-Match` with what is still true",
            "bare uvicorn, 304",
            "at least 0.8 of it",
            0.8,
        ),
    )
    return [
        _busier(Aim(work, against, aim, bound), found[part]["broker"], found[part][other])
        for part, other, work, against, aim, bound in rows
    ]


def _deep(found: dict[str, Any]) -> list[Aim]:
    rows = (
        (DEEP, "page 1", "at most 1.1 times as long", 1.1, "deep", "first"),
        (f"{DEEP}, by name", "page 1", "at most 1.1 times as long", 1.1, "deep_by_name", "first_by_name"),
        (LARGE, "page 1 of 10 000", "at most 1.5 times as long", 1.5, "first", "small"),
        (f"{LARGE}, by name", "page 1 of 10 000", "at most 1.5 times as long", 1.5, "first_by_name", "small_by_name"),
    )
    return [
        _faster(Aim(work, against, aim, bound, most=True), found[ours], found[theirs])
        for work, against, aim, bound, ours, theirs in rows
    ]


def _worker(held: dict[str, float], starts: dict[str, list[float]]) -> list[Aim]:
    memory = Aim("memory of a process that gives 1 000 000 records", "", "under 250 MB", 250, most=True, unit="MB")
    first = Aim("first answer after a start, the sample stored", "", "under 1.5 s", 1.5, most=True, unit="s")
    return [
        replace(memory, **spread([held["pages"]])),
        replace(memory, work="the same, without what it maps of files", **spread([held["pages_own"]])),
        replace(first, **spread(starts["sample"])),
        replace(first, work="the same, 1 000 000 records stored", **spread(starts["million"])),
    ]


def _query(found: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds until one client has its answer: made anew, or kept."""
    anew, kept = (spread(found[way]["p50_ms"]) for way in ("anew", "kept"))
    return {"anew": anew, "kept": kept, "bound": QUERY_MS, "met": anew["value"] <= QUERY_MS}
