"""The broker as it is put together: what it answers from the first moment on, and under which headers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from broker.app import Engine, create_app
from broker.errors import SettingError
from broker.settings import Settings

MODULE = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Started:
    """What the first moments of an empty broker were like, and how to go on asking it."""

    ask: Any
    first_ready: Any
    first_answer: Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(tmp_path_factory: pytest.TempPathFactory, asker: Callable[..., Any]) -> AsyncIterator[Started]:
    folder = tmp_path_factory.mktemp("app")
    app = create_app(Settings.load(store=f"sqlite:///{folder}/store.sqlite", refresh={"schedule": True}))
    ask = asker(app)
    async with app.router.lifespan_context(app):
        ready = await ask(method="GET", path="/health/ready")
        answer = await ask({"query": "{ districts { totalCount } stops { totalCount } }"})
        async with asyncio.timeout(120):
            while (await ask(method="GET", path="/health/ready")).status != 200:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.1)
        yield Started(ask, ready, answer)


@MODULE
async def test_a_query_waits_for_what_it_reads_while_the_broker_is_filled(started: Started) -> None:
    assert (started.first_ready.status, started.first_ready.json["status"]) == (503, "not ready")
    assert started.first_ready.json["filled"] < started.first_ready.json["datasets"]
    counts = {name: one["totalCount"] for name, one in started.first_answer.json["data"].items()}
    assert counts["districts"] == 42
    assert counts["stops"] >= 1500


@MODULE
async def test_then_it_is_ready_and_every_data_set_is_there(started: Started) -> None:
    ready = (await started.ask(method="GET", path="/health/ready")).json
    assert ready == {"status": "ready", "datasets": ready["datasets"], "filled": ready["datasets"]}
    reply = await started.ask({"query": "{ datasets { id sample recordCount lastError } }"})
    assert {(one["sample"], one["lastError"]) for one in reply.json["data"]["datasets"]} == {(True, None)}
    assert min(one["recordCount"] for one in reply.json["data"]["datasets"]) > 0


@MODULE
@pytest.mark.parametrize("path", ["/graphql", "/health/live", "/graphiql", "/nowhere"])
async def test_security_headers(started: Started, path: str) -> None:
    headers = (await started.ask(method="GET", path=path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    if path != "/graphql":  # which gives data, never what a browser shows
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none'")


@MODULE
async def test_the_root_leads_to_graphiql(started: Started) -> None:
    reply = await started.ask(method="GET", path="/")
    assert (reply.status, reply.headers["location"]) == (307, "graphiql")


async def test_without_graphiql(tmp_path: Path, asker: Callable[..., Any]) -> None:
    app = create_app(Settings.load(store=f"sqlite:///{tmp_path}/store.sqlite", graphiql=False))
    assert (await asker(app)(method="GET", path="/graphiql")).status == 404
    assert (await asker(app)(method="GET", path="/health/live")).status == 200


@pytest.mark.parametrize(("served", "status"), [(True, 200), (False, 404)])
async def test_metrics_are_served_unless_they_are_switched_off(
    tmp_path: Path,
    asker: Callable[..., Any],
    served: bool,  # noqa: FBT001 - a case
    status: int,
) -> None:
    app = create_app(Settings.load(store=f"sqlite:///{tmp_path}/store.sqlite", metrics=served))
    assert (await asker(app)(method="GET", path="/metrics")).status == status


async def test_introspection_switched_off(tmp_path: Path, asker: Callable[..., Any]) -> None:
    app = create_app(Settings.load(store=f"sqlite:///{tmp_path}/store.sqlite", introspection=False))
    reply = await asker(app)({"query": "{ __schema { queryType { name } } }"})
    assert "introspection has been disabled" in reply.message


async def test_real_sources_are_not_ready_before_the_first_refresh(tmp_path: Path, asker: Callable[..., Any]) -> None:
    settings = Settings.load(store=f"sqlite:///{tmp_path}/s.sqlite", sample=False, refresh={"schedule": False})
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        reply = await asker(app)(method="GET", path="/health/ready")
        assert (reply.status, reply.json["filled"]) == (503, 0)
        asked = await asker(app)({"query": "{ stops { totalCount } }"})
        assert asked.code == "SOURCE_UNAVAILABLE"
        assert asked.message.startswith("mim.stops has not been read from its source yet")


async def test_two_processes_on_one_store_fill_it_once(tmp_path: Path) -> None:
    settings = Settings.load(store=f"sqlite:///{tmp_path}/store.sqlite")
    one, other = Engine.open(settings), Engine.open(settings)
    async with one.running(), other.running():
        records = other.store.last_refreshes()
        assert {record.outcome for record in records.values()} == {"published"}
        assert {version.number for version in other.store.versions().values()} == {1}


async def test_an_unknown_source_in_the_settings(tmp_path: Path) -> None:
    settings = Settings.load(
        store=f"sqlite:///{tmp_path}/store.sqlite", sources={"mmi": {"base_url": "http://127.0.0.1:9"}}
    )
    with pytest.raises(SettingError, match=r"^sources.mmi: there is no such source; there are bip, "):
        Engine.open(settings)
