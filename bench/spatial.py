"""Layers joined by place, through the broker's endpoint on both stores, beside what one would write by hand, in one run.

Warm is the median of several runs, cold the first one after the start, which reads the shapes from the store. By hand: PostGIS
in raw SQL on the broker's own tables, geopandas' `sjoin`, a bare STRtree of shapely; each has its data ready in memory or in
its indexes before the clock starts. Results are compared before they are timed.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import geopandas
import numpy as np
import psycopg
import shapely

from bench.process import child, peak_mib, report
from broker.app import Engine
from broker.geometry import CITY
from broker.model import Record
from broker.settings import Settings
from connectors.legal_aid import LegalAidPoint
from connectors.mim import District, Place, Stop
from connectors.sample import city
from connectors.sip import Address
from tests.city import postgres

__all__ = ["measure"]

POINTS, PLACES, STOPS, ASKED = 200_000, 10_000, 3_000, 1_000
VERTICES = 15_000
TIMES = 7
SIZES = (10_000, 100_000, 1_000_000)
COUNT = "{ districts(first: 100) { nodes { key: id related { addresses(predicate: WITHIN) { totalCount } } } } }"
NEAREST = "{ addresses(first: 1000) { nodes { related { legalAidPoints(first: 5, orderBy: DISTANCE) { nodes { number distance } } } } } }"
WITHIN_300 = "query($after: String) { places(first: 1000, after: $after) { pageInfo { endCursor hasNextPage } nodes { related { stops(distance: 300, first: 100) { nodes { name } } } } } }"
PAGE = "query($west: Float!, $east: Float!) { addresses(first: 1000, where: {bbox: {west: $west, south: 52.29, east: $east, north: 52.51}}) { nodes { id street number location { lon lat } } } }"


async def measure() -> dict[str, Any]:
    """Every figure of the spatial part, as the results file keeps it."""
    found: dict[str, Any] = {"points": POINTS, "vertices": int(shapely.get_num_coordinates(_polygons()).sum())}
    with tempfile.TemporaryDirectory() as folder, postgres.running() as cluster:
        urls = {"sqlite": f"sqlite:///{folder}/city.sqlite", "postgis": cluster.database()}
        for kind, url in urls.items():
            await child("bench.spatial", "fill", url, str(POINTS))
            found[kind] = await child("bench.spatial", "ask", url)
        found["by_hand"] = _by_hand(urls["postgis"])
        found["page"] = {}
        for size in SIZES:
            url = f"sqlite:///{folder}/{size}.sqlite"
            await child("bench.spatial", "fill", url, str(size))
            found["page"][str(size)] = await child("bench.spatial", "page", url)
    warm = found["sqlite"]["count_warm_ms"]
    found["ratios"] = {
        **{
            f"sqlite to {name}": round(warm / found["by_hand"][f"{name}_ms"], 2)
            for name in ("postgis_sql", "sjoin", "strtree")
        },
        "page of the largest to that of the smallest, time": _last_to_first(found["page"], "narrow_ms"),
        "page of the largest to that of the smallest, whole city": _last_to_first(found["page"], "wide_ms"),
        "page of the largest to that of the smallest, memory": _last_to_first(found["page"], "peak_mib"),
    }
    return found


def _last_to_first(pages: dict[str, dict[str, float]], name: str) -> float:
    return round(pages[str(SIZES[-1])][name] / pages[str(SIZES[0])][name], 2)


# data: the sample's city, its borders made as winding as real ones


def _polygons() -> np.ndarray[Any, Any]:
    """The districts with about 15 000 vertices; a border that two share stays the same for both."""
    plain = np.array([one.polygon for one in city.districts()], dtype=object)
    fine = shapely.segmentize(plain, float(shapely.length(plain).sum()) / VERTICES)

    def winding(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = points[:, 0] * 900, points[:, 1] * 1300
        return points + np.column_stack([np.sin(x + 2 * y), np.cos(2 * x - y)]) * 2e-4

    polygons: np.ndarray[Any, Any] = shapely.make_valid(shapely.transform(fine, winding))
    return polygons


def _points(count: int, seed: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    points: np.ndarray[Any, Any] = shapely.points(
        random.uniform([CITY.west, CITY.south], [CITY.east, CITY.north], (count, 2))
    )
    return points


def _records(size: int) -> dict[str, Iterator[Record]]:
    def made(cls: type[Record], shapes: Sequence[Any], **texts: str) -> Iterator[Record]:
        nothing = {one.name: () if one.kind is tuple else None for one in cls.__dataset__.fields}
        for n, shape in enumerate(shapes):
            given = {name: value.format(n=n) for name, value in texts.items()}
            yield cls(**{**nothing, cls.__dataset__.key: f"{n:07}", **given, str(cls.__dataset__.geometry): shape})

    names = {"name": "Nr {n}"}
    return {
        "mim.districts": made(District, list(_polygons()), **names),
        "sip.addresses": made(Address, list(_points(size, 1)), **names, street="ul. Prosta", number="{n}"),
        "mim.places": made(Place, list(_points(PLACES, 2)), **names, class_id="1"),
        "mim.stops": made(Stop, list(_points(STOPS, 3)), **names, kind="bus"),
        "legal_aid.legal_aid_points": made(
            LegalAidPoint, list(_points(33, 4)), **names, address="ul. Prosta 1", run_by="NGO"
        ),
    }


def _fill(url: str, size: int) -> None:
    engine = _engine(url)
    for id, records in _records(size).items():
        draft = engine.store.draft(engine.catalog.datasets[id], sample=False)
        try:
            draft.add(records)
            draft.publish()
        finally:
            draft.close()
    engine.store.close()
    report(filled=size)


def _engine(url: str) -> Engine:
    return Engine.open(Settings.load(store=url, sample=False, log_level="error"))


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
    engine = _engine(url)

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
    engine = _engine(url)
    size = engine.store.version(engine.catalog.datasets["sip.addresses"]).records
    width = (CITY.east - CITY.west) * 2_000 / size

    async def ask(west: float, east: float) -> None:
        given = await engine.endpoint.run(PAGE, {"west": west, "east": east})
        assert len(given["data"]["addresses"]["nodes"]) == 1000

    _, narrow = await _timed(lambda: ask(16.9, 16.9 + width))
    _, wide = await _timed(lambda: ask(CITY.west, CITY.east))
    report(narrow_ms=narrow, wide_ms=wide, peak_mib=round(peak_mib()))


# by hand


def _by_hand(url: str) -> dict[str, float]:
    points, polygons = _points(POINTS, 1), _polygons()
    figures: dict[str, float] = {}
    counts: dict[str, int] = {}

    def timed(name: str, work: Callable[[], int]) -> None:
        taken = []
        for _ in range(TIMES):
            started = time.perf_counter()
            counts[name] = work()
            taken.append((time.perf_counter() - started) * 1000)
        figures[f"{name}_ms"] = round(statistics.median(taken), 1)

    sql = "SELECT d.key, count(*) FROM mim_districts d JOIN sip_addresses a ON ST_Within(a.geometry, d.geometry) GROUP BY d.key"
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("ANALYZE")
        timed("postgis_sql", lambda: sum(row[1] for row in connection.execute(sql)))
    left = geopandas.GeoDataFrame(geometry=points, crs=4326)
    right = geopandas.GeoDataFrame({"key": range(len(polygons))}, geometry=polygons, crs=4326)
    timed("sjoin", lambda: int(geopandas.sjoin(left, right, predicate="within").groupby("key").size().sum()))
    tree = shapely.STRtree(points)
    timed("strtree", lambda: int(np.bincount(tree.query(polygons, predicate="contains")[0]).sum()))
    timed(
        "strtree_built_too",
        lambda: int(np.bincount(shapely.STRtree(points).query(polygons, predicate="contains")[0]).sum()),
    )
    assert len(set(counts.values())) == 1, counts
    return {**figures, "inside": counts["strtree"]}


def _main(what: str, url: str, *size: str) -> None:
    if what == "fill":
        _fill(url, int(size[0]))
    else:
        asyncio.run({"ask": _ask, "page": _page}[what](url))


if __name__ == "__main__":
    _main(*sys.argv[1:])
