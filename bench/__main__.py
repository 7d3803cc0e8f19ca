"""Measure everything, print it as tables and keep it in ``bench/results.json``: ``python -m bench [PART]…``."""

import asyncio
import importlib
import platform
import sys
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.process import ROOT

RESULTS = ROOT / "bench" / "results.json"
PARTS = ("speed", "refresh", "queries", "spatial", "geocoding", "history", "stores")


def main(*asked: str) -> None:
    if unknown := set(asked) - set(PARTS):
        raise SystemExit(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    results: dict[str, Any] = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    results["python"] = platform.python_version()
    console = Console(width=140)
    for name in asked or PARTS:
        results[name] = asyncio.run(
            importlib.import_module(f"bench.{name}").measure()
        )  # each needs what the others do not
        console.print(TABLES[name](results[name]))
    RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def speed_table(found: dict[str, Any]) -> Table:
    table = Table("work", "against", "aim", "measured", "least to most", "broker", "other", "met")
    machine = found["machine"]
    table.title = f"{machine['processor']}, {machine['cores']} cores, {found['others_share']:.0%} of it taken by others"
    for one in found["aims"]:
        value, least = f"{one['value']:g} {one['unit']}", f"{one['low']:g} to {one['high']:g}"
        met = "yes" if one["met"] else "no"
        table.add_row(one["work"], one["against"], one["aim"], value, least, one["ours"], one["theirs"], met)
    for name, one in found["queries"].items():
        anew, kept = one["anew"], f"kept: {one['kept']['value']:g} ms"
        value, least = f"{anew['value']:g} ms", f"{anew['low']:g} to {anew['high']:g}"
        aim, met = f"under {one['bound']} ms", "yes" if one["met"] else "no"
        table.add_row(f"{name}.graphql", "", aim, value, least, kept, "", met)
    return table


def spatial_table(found: dict[str, Any]) -> Table:
    table = Table("what", "cold ms", "warm ms", "the broker on SQLite takes … times this")
    turn, ratios = found["in_turn"], found["ratios"]
    table.title = f"{found['points']} points in 42 areas of {found['vertices']} vertices; pages of 1 000 out of a box"
    for kind in ("sqlite", "postgis"):
        for name, about in (
            ("count", "points in areas"),
            ("nearest", "5 nearest of 33 for 1 000"),
            ("within_300", "within 300 m of each of 10 000"),
        ):
            table.add_row(
                f"broker on {kind}: {about}", str(found[kind][f"{name}_cold_ms"]), str(found[kind][f"{name}_warm_ms"])
            )
    for name, about in (
        ("endpoint", "the broker on SQLite"),
        ("postgis_sql", "PostGIS, SQL by hand"),
        ("sjoin", "geopandas sjoin"),
        ("strtree", "a bare STRtree"),
    ):
        one = ratios.get(f"endpoint to {name}")
        times = f"{one['value']:g} ({one['low']:g} to {one['high']:g})" if one else ""
        table.add_row(f"in turn, {about}: points in areas", "", f"{turn[name]['value']:g}", times)
    for size, one in found["page"].items():
        table.add_row(f"page of a box, out of {size} ({one['peak_mib']} MiB)", "", str(one["narrow_ms"]))
        table.add_row(f"page of the whole city, out of {size}", "", str(one["wide_ms"]))
    return table


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


def geocoding_table(found: dict[str, Any]) -> Table:
    table = Table("kind of noise", "texts", "matched %", "not found %", "wrong %")
    table.title = (
        f"{found['texts']} texts against {found['addresses']} addresses: {found['rows_per_second']} a second, "
        f"the gazetteer built in {found['build_seconds']} s"
    )
    for kind, one in {**found["kinds"], "all": found}.items():
        shares = (one["matched"], one["not_found"]) if one["with_truth"] else ("", "")
        table.add_row(kind, str(one["texts"]), *(str(share) for share in shares), str(one["wrong"]))
    return table


def history_table(found: dict[str, Any]) -> Table:
    table = Table("what", "one version", f"and {found['versions']} more, each a hundredth of it", "times")
    table.title = f"The past of {found['records']} records"
    size, page, took = found["size_mib"], found["page_ms"], found["refresh_ms"]
    table.add_row("the store, MiB", str(size[0]), str(size[1]), str(found["size_ratio"]))
    table.add_row("its rows", "", "", str(found["rows_ratio"]))
    table.add_row("a page of 1 000, ms", str(page["plain"]), str(page["past"]), str(found["page_ratio"]["value"]))
    table.add_row("the same as it stood in the middle, ms", "", str(page["then"]), str(found["then_ratio"]["value"]))
    table.add_row("100 of the changes since the beginning, with counts, ms", "", str(page["changes"]), "")
    table.add_row("a refresh, first ten and last ten, ms", str(took["first_ten"]), str(took["last_ten"]), "")
    return table


def stores_table(found: dict[str, Any]) -> Table:
    table = Table("a kept answer", "µs of CPU", "times SQLite's")
    one = found["postgis to sqlite"]
    table.add_row("SQLite", str(found["kept_us"]["sqlite"]), "1")
    table.add_row(
        "PostgreSQL", str(found["kept_us"]["postgis"]), f"{one['value']:g} ({one['low']:g} to {one['high']:g}; aim 1.3)"
    )
    return table


TABLES = {
    "speed": speed_table,
    "refresh": refresh_table,
    "queries": queries_table,
    "spatial": spatial_table,
    "geocoding": geocoding_table,
    "history": history_table,
    "stores": stores_table,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
