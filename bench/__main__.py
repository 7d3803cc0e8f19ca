"""Measure everything, print it as tables and keep it in ``bench/results.json``: ``python -m bench [refresh|queries]``."""

import asyncio
import platform
import sys
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench import queries, refresh
from bench.process import ROOT

RESULTS = ROOT / "bench" / "results.json"
PARTS = {"refresh": refresh.measure, "queries": queries.measure}


def main(*asked: str) -> None:
    if unknown := set(asked) - set(PARTS):
        raise SystemExit(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    results: dict[str, Any] = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    results["python"] = platform.python_version()
    console = Console(width=140)
    for name in asked or PARTS:
        results[name] = asyncio.run(PARTS[name]())
        console.print(TABLES[name](results[name]))
    RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def refresh_table(found: dict[str, Any]) -> Table:
    table = Table("what", "seconds", "rows/s", "peak MiB", "of it at start", "first refresh takes … times this")
    rows, own = found["rows"], found["refresh"]
    table.title = f"{rows} contracts ({found['origin']}), {found['pages_mib']} MiB of pages"
    start = str(own["start_mib"])
    table.add_row(
        "first refresh", f"{own['first_seconds']:.2f}", str(own["rows_per_second"]), str(own["peak_mib"]), start, "1"
    )
    again = own["first_seconds"] / own["again_seconds"]
    table.add_row(
        "again, unchanged", f"{own['again_seconds']:.2f}", str(own["again_rows_per_second"]), "", "", f"{again:.1f}"
    )
    for name, one in found["parsers"].items():
        each = f"{rows / one['seconds']:.0f}"
        table.add_row(f"{name}.loads alone", f"{one['seconds']:.2f}", each, str(one["peak_mib"]), str(one["start_mib"]), str(found["ratios"][name]))  # fmt: skip
    return table


def queries_table(found: dict[str, Any]) -> Table:
    table = Table("query", "asked", "clients", "p50 ms", "p99 ms", "a second", "p50 to fixed bytes")
    table.title = f"The contract queries; every data set filled {found['filled_after_seconds']} s after the start on an empty store"
    for name, one in found.items():
        if not isinstance(one, dict):
            continue
        for way in ("same", "new", "fixed"):
            for clients, figures in one[way].items():
                ratio = one[f"{way}_to_fixed_p50"][clients] if way != "fixed" else 1
                table.add_row(name, way, clients, *(str(value) for value in figures.values()), str(ratio))
    return table


TABLES = {"refresh": refresh_table, "queries": queries_table}

if __name__ == "__main__":
    main(*sys.argv[1:])
