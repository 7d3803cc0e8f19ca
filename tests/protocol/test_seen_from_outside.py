"""What an operator sees: metrics, log lines, readiness; and that what is shown is what happened."""

import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from structlog.testing import capture_logs

from broker.errors import Unavailable
from broker.metrics import REGISTRY
from broker.probes import Probes
from broker.telemetry import configure
from broker.upstream import Request
from tests.protocol.counted import Broker, asked, running

MODULE = pytest.mark.asyncio(loop_scope="module")
Asker = Callable[..., Callable[..., Awaitable[Any]]]
REQUESTS = "broker_requests_total"
NAMED = "query Names { districts(first: 3) { nodes { name } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory, asker: Asker) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("outside"), asker) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _telling() -> None:
    """Whatever a command in this process has set the level to."""
    configure("info", "console")


@pytest.fixture
def probe(broker: Broker, asker: Asker) -> Callable[[str], Awaitable[Any]]:
    """Ask one of the routes for who watches."""
    engine = broker.engine
    watched = Probes(engine.store, engine.endpoint, engine.refresher)
    ask = asker(Starlette(routes=watched.routes(metrics=True)))
    return lambda path: ask(method="GET", path=path)


@contextmanager
def counted(**outcomes: int) -> Iterator[None]:
    """What is done within ends in these requests and in no others."""
    before = outcomes_now()
    yield
    assert outcomes_now() - before == Counter(outcomes)


def outcomes_now() -> Counter[str]:
    (family,) = (one for one in REGISTRY.collect() if one.name == "broker_requests")
    return Counter({one.labels["outcome"]: int(one.value) for one in family.samples})


@MODULE
async def test_each_request_is_counted_once_by_how_it_ended(broker: Broker) -> None:
    params = asked("{ stops(first: 4) { nodes { name } } }")
    with counted(made=1):
        first = await broker.ask(params=params)
    with counted(kept=2):
        for _ in range(2):
            await broker.ask(params=params)
    with counted(unchanged=1):
        again = await broker.ask(params=params, headers={"if-none-match": first.headers["etag"]})
    assert again.status == 304
    with counted(refused=3):
        await broker.ask({"query": "{ nothing }"})
        await broker.ask(raw=b"{")
        await broker.ask(method="DELETE")


@MODULE
async def test_an_unforeseen_failure_is_counted(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker.engine.endpoint.documents, "read", lambda _: 1 // 0)
    before = REGISTRY.get_sample_value("broker_internal_errors_total") or 0
    with counted(failed=1):
        assert (await broker.ask({"query": "{ sources { id } }"})).status == 500
    assert REGISTRY.get_sample_value("broker_internal_errors_total") == before + 1


@MODULE
async def test_metrics_tell_of_requests_refreshes_and_data_sets(broker: Broker, probe: Any) -> None:
    await broker.ask({"query": NAMED})
    reply = await probe("/metrics")
    assert reply.type.startswith("text/plain; version=0.0.4")
    families = {one.name: one for one in text_string_to_metric_families(reply.raw.decode())}
    found = {(one.name, one.labels.get("dataset")): one.value for family in families.values() for one in family.samples}
    assert found["broker_dataset_records", "mim.stops"] == 1708
    assert found["broker_dataset_stale", "mim.stops"] == found["broker_dataset_failing", "mim.stops"] == 0
    assert found["broker_dataset_age_seconds", "mim.stops"] >= 0
    assert ("broker_dataset_age_seconds", "mim.places") not in found  # it was never read
    assert found["broker_store_readable", None] == 1
    assert found["broker_kept_bytes", None] > 0
    assert found["broker_request_seconds_count", None] == found["broker_request_records_count", None] >= 1
    published = [one for one in families["broker_refreshes"].samples if one.labels["outcome"] == "published"]
    assert {"mim.districts", "mim.stops"} <= {one.labels["dataset"] for one in published}
    assert "process_resident_memory_bytes" in families or sys.platform != "linux"


@MODULE
async def test_a_failing_refresh_is_seen_in_metrics_and_log(broker: Broker, probe: Any) -> None:
    broker.source.spoil = lambda *_: b"<!DOCTYPE html><html></html>"
    try:
        with capture_logs() as lines:
            assert await broker.refresh("mim.parking_meters") == "failed"
    finally:
        broker.source.spoil = lambda _, body: body
    assert b'broker_dataset_failing{dataset="mim.parking_meters"} 1.0' in (await probe("/metrics")).raw
    (line,) = (one for one in lines if one["event"] == "refresh.finished")
    assert (line["dataset"], line["outcome"]) == ("mim.parking_meters", "failed")
    assert await broker.refresh("mim.parking_meters") == "unchanged"
    assert b'broker_dataset_failing{dataset="mim.parking_meters"} 0.0' in (await probe("/metrics")).raw


def _first_ten(request: Request, body: bytes) -> bytes:
    if request.params.get("co") != "parking_meters":
        return body
    layer = orjson.loads(body)
    return orjson.dumps(layer | {"features": layer["features"][:10]})


@MODULE
async def test_what_is_held_is_seen_and_heals(broker: Broker, probe: Any) -> None:
    query = """{ dataset(id: "mim.parking_meters") { status recordCount lastError
        quarantine { doubts { kind reason } agreed needed recordCount added changed removed rejectedCount heldAt seenAt } } }"""
    await broker.refresh("mim.parking_meters")
    broker.source.spoil = _first_ten
    try:
        assert await broker.refresh("mim.parking_meters") == "quarantined"
    finally:
        broker.source.spoil = lambda _, body: body
    told = (await broker.ask({"query": query})).json["data"]["dataset"]
    held = told["quarantine"]
    assert (told["status"], told["recordCount"]) == ("HELD", 620)
    assert held["doubts"][0]["kind"] == "LOSS"
    assert held["doubts"][0]["reason"].startswith("610 of 620 records would be gone")
    assert told["lastError"].endswith("If that is true: broker accept mim.parking_meters")
    figures = {name: held[name] for name in ("agreed", "needed", "recordCount", "added", "changed", "removed")}
    assert figures == {"agreed": 1, "needed": 3, "recordCount": 10, "added": 0, "changed": 0, "removed": 610}
    assert b'broker_dataset_quarantined{dataset="mim.parking_meters"} 1.0' in (await probe("/metrics")).raw
    assert await broker.refresh("mim.parking_meters") == "unchanged"
    assert (await broker.ask({"query": query})).json["data"]["dataset"]["quarantine"] is None
    assert b'broker_dataset_quarantined{dataset="mim.parking_meters"} 0.0' in (await probe("/metrics")).raw


@MODULE
async def test_a_source_that_is_left_alone_is_seen(broker: Broker, probe: Any) -> None:
    def circuit(metrics: bytes) -> float:
        return float(re.search(rb'broker_source_circuit{source="mim"} ([0-9.]+)', metrics)[1])  # type: ignore[index]

    assert circuit((await probe("/metrics")).raw) == 0
    network = broker.engine.refresher._network
    assert network is not None
    breaker = network.transport("mim").gate.breaker
    for _ in range(broker.engine.settings.upstream.circuit_failures):
        with suppress(Unavailable), breaker.watching("GET /"):
            raise Unavailable("no connection")
    assert circuit((await probe("/metrics")).raw) == 2
    shown = (await broker.ask({"query": "{ sources { id circuit } }"})).json["data"]["sources"]
    assert {one["circuit"] for one in shown if one["id"] == "mim"} == {"OPEN"}
    breaker._answered()
    assert circuit((await probe("/metrics")).raw) == 0


@MODULE
async def test_a_store_that_does_not_answer_is_told(broker: Broker, probe: Any) -> None:
    with broker.without_versions():
        metrics, ready = await probe("/metrics"), await probe("/health/ready")
    assert (metrics.status, ready.status, ready.json["status"]) == (200, 503, "not ready")
    assert b"broker_store_readable 0.0" in metrics.raw
    assert b"broker_dataset_records{" not in metrics.raw


@MODULE
async def test_a_clock_that_is_off_is_told(broker: Broker, probe: Any) -> None:
    clock = broker.engine.store.clock
    clock.offset = timedelta(seconds=-7)
    told = (await probe("/health/ready")).json, (await probe("/metrics")).raw
    clock.offset = timedelta(seconds=1)
    usual = (await probe("/health/ready")).json
    clock.offset = timedelta(0)
    assert told[0]["clock"] == "this host's clock is 7.0 s ahead of the database's"
    assert b"broker_clock_ahead_seconds 7.0" in told[1]
    assert "clock" not in usual


@MODULE
async def test_stale_data_are_ready_and_said_to_be_stale(broker: Broker, probe: Any) -> None:
    fresh = (await probe("/health/ready")).json
    broker.age("mim.events", 90 * 86_400)
    reply = await probe("/health/ready")
    assert (fresh["status"], reply.status) == ("ready", 200)
    assert reply.json == {**fresh, "status": "stale", "stale": ["mim.events"]}
    assert b'broker_dataset_stale{dataset="mim.events"} 1.0' in (await probe("/metrics")).raw
    await broker.refresh("mim.events")
    assert (await probe("/health/ready")).json == fresh


@MODULE
async def test_a_made_answer_is_one_line_and_a_kept_one_is_none(broker: Broker) -> None:
    query = "query Meters { parkingMeters(first: 6) { nodes { id } } }"
    with capture_logs() as lines:
        for _ in range(2):
            await broker.ask(params=asked(query))
    (line,) = lines
    expected = {"event": "request.answered", "operation": "Meters", "records": 6, "status": 200, "errors": 0}
    assert {name: line[name] for name in expected} == expected
    assert line["milliseconds"] > 0


@MODULE
async def test_a_refused_request_is_a_line_with_its_reason(broker: Broker) -> None:
    with capture_logs() as lines:
        await broker.ask({"query": "{ nothing }"})
        await broker.ask(raw=b"[]")
    first, second = lines
    assert (first["event"], first["code"], first["log_level"]) == ("request.refused", "BAD_REQUEST", "info")
    assert first["reason"].startswith("Cannot query field 'nothing'")
    assert "batches are not accepted" in second["reason"]


def test_every_name_of_a_metric_is_ours_or_the_process_and_is_described() -> None:
    families = list(REGISTRY.collect())
    assert [one.name for one in families if not re.match(r"(broker|process)_[a-z_]+$", one.name)] == []
    assert [one.name for one in families if not one.documentation.endswith(".") and one.name.startswith("broker")] == []
