"""Layers joined by place, through the broker's endpoint on both stores, beside what one would write by hand, in one run.

Warm is the median of several runs, cold the first one after the start, which reads the shapes from the store. By hand: PostGIS
in raw SQL on the broker's own tables, geopandas' `sjoin`, a bare STRtree of shapely; each has its data ready in memory or in
its indexes before the clock starts. These and the endpoint do the same work in turn, in one process, and their results are compared.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

import geopandas
import numpy as np
import psycopg
import shapely

from bench.filled import opened, points, polygons
from bench.process import child, peak_mib, report
from bench.rounds import milliseconds, ratio, spread
from broker.geometry import CITY
from tests.city import postgres

__all__ = ["measure"]

POINTS = 200_000
TIMES = 7
ROUNDS, TIMES_A_ROUND = 7, 3
SIZES = (10_000, 100_000, 1_000_000)
COUNT = "{ districts(first: 100) { nodes { key: id related { addresses(predicate: WITHIN) { totalCount } } } } }"
NEAREST = "{ addresses(first: 1000) { nodes { related { legalAidPoints(first: 5, orderBy: DISTANCE) { nodes { number distance } } } } } }"
WITHIN_300 = "query($after: String) { places(first: 1000, after: $after) { pageInfo { endCursor hasNextPage } nodes { related { stops(distance: 300, first: 100) { nodes { name } } } } } }"
PAGE = "query($west: Float!, $east: Float!) { addresses(first: 1000, where: {bbox: {west: $west, south: 52.29, east: $east, north: 52.51}}) { nodes { id street number location { lon lat } } } }"


async def measure() -> dict[str, Any]:
    """Every figure of the spatial part, as the results file keeps it."""
    found: dict[str, Any] = {"points": POINTS, "vertices": int(shapely.get_num_coordinates(polygons()).sum())}
    with tempfile.TemporaryDirectory() as folder, postgres.running() as cluster:
        urls = {"sqlite": f"sqlite:///{folder}/city.sqlite", "postgis": cluster.database()}
        for kind, url in urls.items():
            await child("bench.filled", url, str(POINTS))
            found[kind] = await child("bench.spatial", "ask", url)
        in_turn = await child("bench.spatial", "turn", urls["sqlite"], urls["postgis"])
        found["in_turn"] = in_turn["milliseconds"]
        found["page"] = {}
        for size in SIZES:
            url = f"sqlite:///{folder}/{size}.sqlite"
            await child("bench.filled", url, str(size))
            found["page"][str(size)] = await child("bench.spatial", "page", url)
    found["ratios"] = {
        **in_turn["ratios"],
        "page of the largest to that of the smallest, time": _last_to_first(found["page"], "narrow_ms"),
        "page of the largest to that of the smallest, whole city": _last_to_first(found["page"], "wide_ms"),
        "page of the largest to that of the smallest, memory": _last_to_first(found["page"], "peak_mib"),
    }
    return found


def _last_to_first(pages: dict[str, dict[str, float]], name: str) -> float:
    return round(pages[str(SIZES[-1])][name] / pages[str(SIZES[0])][name], 2)


# through the endpoint


async def _timed(ask: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """Milliseconds of the first run, and the median of the following ones."""
    taken = []
    for _ in range(TIMES + 1):
        started = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - started) * 1000)
    return round(taken[0], 1), round(statistics.median(taken[1:]), 1)


async def _ask(url: str) -> None:
    engine = opened(url)

    async def answer(query: str, **variables: object) -> Any:  # noqa: ANN401 - an answer
        given = await engine.endpoint.run(query, variables)
        assert "errors" not in given, given["errors"]
        return given["data"]

    async def every_place() -> None:
        after, more = None, True
        while more:
            page = (await answer(WITHIN_300, after=after))["places"]["pageInfo"]
            after, more = page["endCursor"], page["hasNextPage"]

    figures: dict[str, float] = {}
    for name, ask in (
        ("count", lambda: answer(COUNT)),
        ("nearest", lambda: answer(NEAREST)),
        ("within_300", every_place),
    ):
        figures[f"{name}_cold_ms"], figures[f"{name}_warm_ms"] = await _timed(ask)
    counted = await answer(COUNT)
    inside = sum(one["related"]["addresses"]["totalCount"] for one in counted["districts"]["nodes"])
    report(**figures, inside=inside, peak_mib=round(peak_mib()))


async def _page(url: str) -> None:
    """A page out of about 2 000 features, however dense they are; and one out of the whole city."""
    engine = opened(url)
    size = engine.store.version(engine.catalog.datasets["sip.addresses"]).records
    width = (CITY.east - CITY.west) * 2_000 / size

    async def ask(west: float, east: float) -> None:
        given = await engine.endpoint.run(PAGE, {"west": west, "east": east})
        assert len(given["data"]["addresses"]["nodes"]) == 1000

    _, narrow = await _timed(lambda: ask(16.9, 16.9 + width))
    _, wide = await _timed(lambda: ask(CITY.west, CITY.east))
    report(narrow_ms=narrow, wide_ms=wide, peak_mib=round(peak_mib()))


# by hand


async def _turn(url: str, postgis: str) -> None:
    """The counts through the endpoint and by hand, in turn."""
    engine = opened(url)
    left, right = points(POINTS, 1), polygons()
    sql = "SELECT d.key, count(*) FROM mim_districts d JOIN sip_addresses a ON ST_Within(a.geometry, d.geometry) GROUP BY d.key"
    frame = geopandas.GeoDataFrame(geometry=left, crs=4326)
    areas = geopandas.GeoDataFrame({"key": range(len(right))}, geometry=right, crs=4326)
    tree = shapely.STRtree(left)
    counts: dict[str, int] = {}

    async def endpoint() -> None:
        found = (await engine.endpoint.run(COUNT))["data"]["districts"]["nodes"]
        counts["endpoint"] = sum(one["related"]["addresses"]["totalCount"] for one in found)

    async def by_sql() -> None:
        counts["postgis_sql"] = sum(row[1] for row in connection.execute(sql))

    async def sjoin() -> None:
        counts["sjoin"] = int(geopandas.sjoin(frame, areas, predicate="within").groupby("key").size().sum())

    async def strtree() -> None:
        counts["strtree"] = int(np.bincount(tree.query(right, predicate="contains")[0]).sum())

    with psycopg.connect(postgis.replace("+psycopg", "")) as connection:
        connection.execute("ANALYZE")
        ways = {"endpoint": endpoint, "postgis_sql": by_sql, "sjoin": sjoin, "strtree": strtree}
        found = await milliseconds(ways, ROUNDS, TIMES_A_ROUND)
    assert len(set(counts.values())) == 1, counts
    report(
        milliseconds={name: spread(one) for name, one in found.items()},
        ratios={f"endpoint to {name}": ratio(found["endpoint"], found[name]) for name in found if name != "endpoint"},
    )


if __name__ == "__main__":
    asyncio.run({"ask": _ask, "page": _page, "turn": _turn}[sys.argv[1]](*sys.argv[2:]))
