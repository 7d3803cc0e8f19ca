"""The city's stops over HTTP, refreshed into a store: the real ones where they are at hand, else the project's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from broker.catalog import Catalog
from broker.refresh import FAILED, PUBLISHED, QUARANTINED, UNCHANGED, Refresher
from broker.settings import Settings, SourceSettings, UpstreamSettings
from broker.store import open_store
from broker.upstream import Request
from connectors.mim import MIM, Stop

REAL = Path(__file__).parents[3] / "shared" / "data" / "mim-cluster.geojson"
DATASET = Stop.__dataset__


def stops() -> tuple[bytes, int]:
    """The layer as the city sends it, and how many stops are in it."""
    if REAL.exists():
        return REAL.read_bytes(), 2864
    assert MIM.sample is not None
    body = MIM.sample(Request("GET", f"{MIM.base_url}/plan/map_service.html", {"co": "cluster"}))
    return body, len(orjson.loads(body)["features"])


@asynccontextmanager
async def city(answer: Callable[[], web.Response]) -> AsyncIterator[str]:
    """A map service on loopback that gives this answer; its base URL."""

    async def answering(request: web.Request) -> web.Response:
        assert dict(request.query) == {"mtype": "pub_transport", "co": "cluster"}
        return answer()

    app = web.Application()
    app.router.add_get("/mim/plan/map_service.html", answering)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}/mim"
    finally:
        await runner.cleanup()


BAD = {
    "html": (b"<!DOCTYPE html><html><body>Przepraszamy</body></html>", "it is an HTML page"),
    "report": (b"<ExceptionReport><ExceptionText>no</ExceptionText></ExceptionReport>", "it is an exception report"),
    "cut short": (b'{"features": [{"id": "AWF41", "geometry": {"coord', "is not JSON"),
    "charset": ('{"features": [{"id": "Ż ż"}]}'.encode("cp852"), "is in a charset that is not known"),
    "unknown": (b'{"error_msg": "brak serwisu: cluster"}', "answered with an error: brak serwisu: cluster"),
    "empty": (b'{"features": [], "type": "FeatureCollection"}', "records would be gone"),
    "oversized": (b" " * (2 << 20), "larger than"),
}


@pytest.mark.parametrize("fault", BAD)
async def test_stops_arrive_once_and_a_bad_answer_leaves_them(tmp_path: Path, fault: str) -> None:
    body, count = stops()
    answers = {"now": body}
    bad, says = BAD[fault]
    async with city(lambda: web.Response(body=answers["now"])) as address:
        catalog = Catalog.of([DATASET])
        settings = Settings(
            sample=False,
            store=f"sqlite:///{tmp_path}/store.sqlite",
            sources={"mim": SourceSettings(base_url=address)},
            upstream=UpstreamSettings(max_body_mib=1, attempts=1),
        )
        store = open_store(settings.store, catalog)
        try:
            async with Refresher(catalog, store, settings) as refresher:
                first = await refresher.refresh(DATASET)
                again = await refresher.refresh(DATASET)
                answers["now"] = bad
                broken = await refresher.refresh(DATASET)
            kept = store.version(DATASET)
        finally:
            store.close()
    assert (first.outcome, first.changes.records, first.changes.added, first.changes.rejected) == (
        PUBLISHED,
        count,
        count,
        0,
    )
    assert (again.outcome, again.changes.unchanged, again.changes.rejected) == (UNCHANGED, count, 0)
    assert broken.outcome == (QUARANTINED if fault == "empty" else FAILED)
    assert says in str(broken.error)
    assert (kept.number, kept.records) == (1, count)
