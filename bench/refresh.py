"""How fast the contracts register becomes a version of the store, beside reading the same bytes as JSON and no more.

The register is served over HTTP by the tests' replica in this process; a child process refreshes from it into a fresh
SQLite store, then refreshes again (when nothing has changed). Two more children read the same pages as JSON alone.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import orjson

from bench.process import child, peak_mib, report

__all__ = ["measure"]

T = TypeVar("T")

ROWS = 116_719
DATASET = "bip.contracts"
PARSERS: dict[str, Callable[[bytes], Any]] = {"orjson": orjson.loads, "json": json.loads}
CUT = 8  # bytes that say how long a page is, in the file of pages


async def measure() -> dict[str, Any]:
    """Every figure of the refresh, as the results file keeps it."""
    from tests.city.register import Register, real_rows, real_units  # noqa: PLC0415 - the children do without the replica

    rows, units = real_rows(), real_units()
    origin = "real" if rows else "generated"
    rows = rows or await _generated(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        pages = Path(folder) / "pages"
        async with Register(
            rows, units=units or {str(one["or_id"]): f"Jednostka {one['or_id']}" for one in rows}
        ) as register:
            with pages.open("wb") as file:
                for page in register.pages:
                    file.write(len(page).to_bytes(CUT, "big") + page)
            refresh = await child("bench.refresh", "refresh", register.base_url, f"sqlite:///{folder}/store.sqlite")
        alone = {name: await child("bench.refresh", name, str(pages)) for name in PARSERS}
        size = pages.stat().st_size
    first, again = refresh["first_seconds"], refresh["again_seconds"]
    return {
        "rows": len(rows),
        "origin": origin,
        "pages_mib": round(size / (1 << 20), 1),
        "refresh": refresh
        | {"rows_per_second": round(len(rows) / first), "again_rows_per_second": round(len(rows) / again)},
        "parsers": alone,
        "ratios": {name: round(first / one["seconds"], 1) for name, one in alone.items()},
    }


async def _generated(count: int) -> list[dict[str, Any]]:
    """As many rows as the real register has, from the sample's, each with a number of its own."""
    from broker.upstream import Sample, Upstream  # noqa: PLC0415 - the parsers alone do without the broker
    from connectors.bip import BIP, Contract  # noqa: PLC0415 - as above
    from connectors.protocols.bip_json import entries  # noqa: PLC0415 - as above

    dataset = Contract.__dataset__
    assert BIP.sample is not None
    sample: list[dict[str, Any]] = []
    async for page in dataset.reader.fetch(Upstream(BIP.base_url, Sample(BIP.sample))):
        sample.extend(entries(page, "rejestr_umow", "umowa"))
    rows = []
    for number in range(1, count + 1):
        row = dict(sample[number % len(sample)])
        series = "umw_id" if int(row["umw_id"] or 0) > 0 else "local_id"
        rows.append(row | {series: number})
    return rows


async def _refresh(base_url: str, store_url: str) -> None:
    """The child that refreshes, twice."""
    from broker.catalog import Catalog  # noqa: PLC0415 - the parsers alone do without the broker
    from broker.refresh import PUBLISHED, UNCHANGED, Refresher  # noqa: PLC0415 - as above
    from broker.settings import Settings  # noqa: PLC0415 - as above
    from broker.store import open_store  # noqa: PLC0415 - as above
    from broker.telemetry import configure  # noqa: PLC0415 - as above

    settings = Settings.load(
        sample=False,
        store=store_url,
        log_level="warning",
        sources={"bip": {"base_url": base_url}},
        upstream={"per_second": 1_000_000},  # the pace that spares a source would be all that is measured
    )
    configure(settings.log_level, settings.log_format)
    catalog = Catalog.load()
    store = open_store(settings.store, catalog)
    start_mib = peak_mib()
    async with Refresher(catalog, store, settings) as refresher:
        dataset = catalog.dataset(DATASET)
        first, first_seconds = await _timed(refresher.refresh(dataset))
        highest_mib = peak_mib()
        again, again_seconds = await _timed(refresher.refresh(dataset))
    store.close()
    if (first.outcome, again.outcome) != (PUBLISHED, UNCHANGED):
        raise SystemExit(f"the refreshes ended as {first.outcome}, {again.outcome}: {first.error or again.error}")
    report(
        first_seconds=round(first_seconds, 2),
        again_seconds=round(again_seconds, 2),
        records=first.changes.records,
        peak_mib=round(highest_mib),
        start_mib=round(start_mib),
    )


async def _timed(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    started = time.perf_counter()
    return await work, time.perf_counter() - started


def _parse(read: Callable[[bytes], Any], path: str) -> None:
    """The child that reads every page as JSON and keeps nothing."""
    body = Path(path).read_bytes()
    before = peak_mib()
    started = time.perf_counter()
    at = 0
    while at < len(body):
        start = at + CUT
        at = start + int.from_bytes(body[at:start], "big")
        read(body[start:at])
    report(seconds=round(time.perf_counter() - started, 3), peak_mib=round(peak_mib()), start_mib=round(before))


def main(what: str, *arguments: str) -> None:
    """Be one of the children."""
    if what == "refresh":
        asyncio.run(_refresh(*arguments))
    else:
        _parse(PARSERS[what], *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
