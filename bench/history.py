"""What the past costs: a data set of one version beside the same with a hundred more, each of which changes a hundredth of it.

Two stores of SQLite in this process. The newest page of a thousand is asked of both, in turn; of the one with a past also the
page as it stood in the middle, and what has changed since the beginning.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.filled import key, opened, points
from bench.rounds import middle, milliseconds, ratio
from broker.app import Engine
from broker.model import Dataset, Record
from connectors.sip import Address

__all__ = ["measure"]

RECORDS, VERSIONS, SHARE = 20_000, 100, 0.01
PAGE = "{ addresses(first: 1000) { nodes { id street number geometry } } }"
THEN = "query($then: DateTime) { addresses(first: 1000, asOf: $then) { nodes { id street number geometry } } }"
SINCE = 'query($then: DateTime!) { changes(dataset: "sip.addresses", since: $then, first: 100) { counts { changed } nodes { id } } }'


async def measure() -> dict[str, Any]:
    """Every figure of the past, as the results file keeps it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.sqlite" for name in ("plain", "past")]
        plain, past = (opened(f"sqlite:///{file}") for file in files)
        records = _records()
        _publish(plain, records)
        took = _live(past, records)
        found = await _asked(plain, past)
        rows = RECORDS + int(RECORDS * SHARE) * VERSIONS
        for engine in (plain, past):
            engine.store.close()
        sizes = [file.stat().st_size for file in files]
    return {
        "records": RECORDS,
        "versions": VERSIONS,
        "rows_ratio": round(rows / RECORDS, 2),
        "size_mib": [round(one / (1 << 20), 1) for one in sizes],
        "size_ratio": round(sizes[1] / sizes[0], 2),
        "refresh_ms": {"first_ten": middle(took[:10]), "last_ten": middle(took[-10:])},
        "page_ms": {name: middle(values) for name, values in found.items()},
        "page_ratio": ratio(found["past"], found["plain"]),
        "then_ratio": ratio(found["then"], found["plain"]),
    }


def _records() -> list[Record]:
    nothing = {one.name: () if one.kind is tuple else None for one in _dataset().fields}
    return [
        Address(
            **{
                **nothing,
                _dataset().key: key(n),
                "name": f"Nr {n}",
                "street": "ul. Prosta",
                "number": str(n),
                "geometry": shape,
            }
        )
        for n, shape in enumerate(points(RECORDS, 1))
    ]


def _dataset() -> Dataset:
    return Address.__dataset__


def _publish(engine: Engine, records: Sequence[Record]) -> float:
    """Milliseconds that a refresh takes once its records are read."""
    started = time.perf_counter()
    draft = engine.store.draft(engine.catalog.datasets[_dataset().id], sample=False)
    try:
        draft.add(records)
        draft.publish()
    finally:
        draft.close()
    return (time.perf_counter() - started) * 1000


def _live(engine: Engine, records: list[Record]) -> list[float]:
    """The first version, then the others; how long each of these took."""
    _publish(engine, records)
    chance, took = random.Random(1), []
    nothing = {one.name: () if one.kind is tuple else None for one in _dataset().fields}
    for version in range(VERSIONS):
        for n in chance.sample(range(RECORDS), int(RECORDS * SHARE)):
            old = records[n]
            records[n] = Address(
                **{
                    **nothing,
                    **{one.name: getattr(old, one.name) for one in _dataset().fields},
                    "street": f"ul. {version}",
                }
            )
        took.append(_publish(engine, records))
    return took


async def _asked(plain: Engine, past: Engine) -> dict[str, list[float]]:
    begin, middle_ = _moments(past)
    ways = {
        "plain": partial(plain.endpoint.answer, PAGE),
        "past": partial(past.endpoint.answer, PAGE),
        "then": partial(past.endpoint.answer, THEN, {"then": middle_.isoformat()}),
        "changes": partial(past.endpoint.answer, SINCE, {"then": begin.isoformat()}),
    }
    for name, way in ways.items():
        if b'"errors"' in (answer := await way()):
            raise SystemExit(f"{name}: {answer[:300].decode()}")
    return await milliseconds(ways, rounds=5, times=5)


def _moments(engine: Engine) -> tuple[datetime, datetime]:
    """When the first version was published, and one in the middle."""
    dataset = engine.catalog.datasets[_dataset().id]
    begin, newest = engine.store.begins(dataset), engine.store.version(dataset).published_at
    assert begin is not None
    assert newest is not None
    return begin, begin + (newest - begin) / 2
