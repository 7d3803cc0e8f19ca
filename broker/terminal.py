"""What the commands print: tables on the standard output, lines about what went wrong on the error stream, JSON for programs."""

import sys
from typing import Any

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from broker.model import Dataset
from broker.refresh import FAILED, QUARANTINED
from broker.store import Published, RefreshRecord

__all__ = ["Located", "described", "err", "out", "print_json", "show_located", "show_refreshes"]

out, err = Console(), Console(stderr=True)
Located = dict[str, dict[str | None, int]]
"""By data set, how many records were located by their address, by method; None for those that were not."""


def show_located(located: Located) -> None:
    """How many records of each data set were located by their address, and how."""
    for id, found in located.items():
        total = sum(found.values())
        if total:
            ways = ", ".join(
                f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(found.items(), key=str) if name
            )
            out.print(
                f"{id}: {total - found.get(None, 0):,} of {total:,} located by their address{f' ({ways})' if ways else ''}"
            )


def show_refreshes(records: list[RefreshRecord]) -> None:
    """How each refresh went, and why those that did not go well did not."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("Data set", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    for name in ("Records", "Changes", "Repaired", "Rejected", "Seconds"):
        table.add_column(name, justify="right")
    for one in sorted(records, key=lambda record: record.dataset):
        colour = "red" if one.outcome in (FAILED, QUARANTINED) else "green"
        changes = one.changes
        moved = f"+{changes.added:,} ~{changes.changed:,} −{changes.removed:,}"
        seconds = f"{(one.finished_at - one.started_at).total_seconds():.1f}"
        counts = (f"{changes.records:,}", moved, f"{changes.repaired:,}", f"{changes.rejected:,}", seconds)
        table.add_row(one.dataset, f"[{colour}]{one.outcome}[/]", *counts)
    out.print(table)
    for one in records:
        if one.error:
            err.print(f"{one.dataset}: {one.error}", style="red", markup=False, highlight=False, soft_wrap=True)


def described(dataset: Dataset, published: Published, last: RefreshRecord | None) -> dict[str, Any]:
    """A data set as JSON has it."""
    return {
        "id": dataset.id,
        "title": dataset.title,
        "description": dataset.description,
        "source": dataset.source.id,
        "root": dataset.root,
        "licence": dataset.licence.id,
        "live": dataset.refresh.live,
        "refreshSeconds": int(dataset.refresh.interval.total_seconds()),
        "records": published.records,
        "version": published.number,
        "sample": published.sample,
        "fetchedAt": published.checked_at,
        "lastOutcome": last.outcome if last else None,
        "lastError": last.error if last else None,
    }


def print_json(value: object) -> None:
    """A value as indented JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
