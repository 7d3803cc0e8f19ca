"""Traces reach from who asks to the source that is asked, when an SDK collects them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from broker import telemetry
from broker.errors import Unavailable
from broker.settings import UpstreamSettings
from broker.transport import connect
from broker.upstream import Upstream
from tests.protocol.counted import running

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans that are collected."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("broker"))
    yield exporter
    provider.shutdown()


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = (one for one in exporter.get_finished_spans() if one.name == name)
    return found


def trace_of(one: ReadableSpan) -> str:
    assert one.context is not None
    return f"{one.context.trace_id:032x}"


def parent_of(one: ReadableSpan) -> str | None:
    return None if one.parent is None else f"{one.parent.span_id:016x}"


async def test_from_a_request_over_a_refresh_to_the_source(
    tmp_path: Path, asker: Any, spans: InMemorySpanExporter
) -> None:
    async with running(tmp_path, asker) as broker:
        spans.clear()
        query = "query Bikes { bikeStations(first: 1) { nodes { id } } }"
        await broker.ask({"query": query}, headers={"traceparent": PARENT})
    request, refresh = named(spans, "Bikes"), named(spans, "refresh nextbike.bike_stations")
    asked = named(spans, "GET 127.0.0.1")
    assert (parent_of(request), request.kind.name) == (SPAN, "SERVER")
    assert {trace_of(one) for one in (request, refresh, asked)} == {TRACE}
    assert refresh.context is not None
    assert parent_of(asked) == f"{refresh.context.span_id:016x}"
    assert asked.kind.name == "CLIENT"
    assert str((asked.attributes or {})["url"]).startswith("GET http://127.0.0.1:")


async def test_a_kept_answer_has_no_span(tmp_path: Path, asker: Any, spans: InMemorySpanExporter) -> None:
    async with running(tmp_path, asker) as broker:
        for _ in range(3):
            await broker.ask({"query": "query Kept { districts { totalCount } }"})
    assert parent_of(named(spans, "Kept")) is None


@pytest.mark.parametrize("collected", [True, False])
async def test_the_source_is_told_the_trace_with_an_sdk_or_without(
    collected: bool,  # noqa: FBT001 - a case
    request: pytest.FixtureRequest,
) -> None:
    if collected:
        request.getfixturevalue("spans")
    told: list[str | None] = []

    async def serve(asked: web.Request) -> web.Response:
        told.append(asked.headers.get("traceparent"))
        return web.Response(status=503 if len(told) == 1 else 200, body=b"{}")

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with connect(UpstreamSettings()) as network:
            source = Upstream(f"http://127.0.0.1:{runner.addresses[0][1]}/", network.transport("city"), attempts=1)
            with telemetry.span("caller", parent=telemetry.caller([(b"traceparent", PARENT.encode())])):
                with pytest.raises(Unavailable):
                    await source.get()
                await source.get()
    finally:
        await runner.cleanup()
    assert [str(one)[:36] for one in told] == [f"00-{TRACE}-"] * 2


async def test_a_request_without_a_caller_begins_a_trace_and_a_wrong_one_is_no_matter(
    tmp_path: Path, asker: Any, spans: InMemorySpanExporter
) -> None:
    async with running(tmp_path, asker) as broker:
        for number, headers in enumerate(({}, {"traceparent": "00-nonsense-01"})):
            reply = await broker.ask({"query": f"query Q{number} {{ __typename }}"}, headers=headers)
            assert reply.status == 200
    assert {parent_of(named(spans, f"Q{number}")) for number in range(2)} == {None}
