"""Measure the peers alone and print a table: ``python -m bench.peers``."""

import asyncio

from rich.console import Console
from rich.table import Table

from bench.peers.comparison import measure
from bench.peers.content import QUERY, answer


def main() -> None:
    table = Table("peer", "a second", "p50 ms", "p99 ms", title=QUERY)
    for name, one in measure(asyncio.run(answer())).items():
        table.add_row(name, f"{one['per_second']:.0f}", str(one["p50_ms"]), str(one["p99_ms"]))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
