"""Measure the peers alone and print a table: ``python -m bench.peers``."""

import asyncio

import orjson
from rich.console import Console
from rich.table import Table

from bench.peers.comparison import compared, peers
from bench.peers.content import QUERY, answer
from bench.peers.servers import fixed
from bench.rounds import middle


def main() -> None:
    data = asyncio.run(answer())
    with peers(data) as servers, fixed(len(orjson.dumps({"data": data}))) as bare:
        found = compared(servers, data, bare)
    table = Table("peer", "a second", "p50 ms", "p99 ms", title=QUERY)
    for name, one in found.items():
        table.add_row(name, *(str(middle(one[figure])) for figure in ("per_second", "p50_ms", "p99_ms")))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
