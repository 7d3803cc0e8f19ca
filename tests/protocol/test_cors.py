"""Pages of other origins may ask the graph when they are allowed to, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.app import create_app
from broker.settings import Settings

Opened = Callable[..., Any]
PAGE = "https://www.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


@pytest.fixture
def opened(tmp_path: Path, asker: Callable[..., Any]) -> Opened:
    def opened(*origins: str) -> Any:
        store = f"sqlite:///{tmp_path}/store.sqlite"
        return asker(create_app(Settings.load(store=store, sample=False, cors_origins=origins)))

    return opened


async def test_without_origins_nothing_is_allowed(opened: Opened) -> None:
    reply = await opened()({"query": "{ __typename }"}, headers={"origin": PAGE})
    preflight = await opened()(method="OPTIONS", headers={"origin": PAGE, **PREFLIGHT})
    assert (reply.status, preflight.status) == (200, 405)
    assert [one for one in (*reply.headers, *preflight.headers) if one.startswith("access-control")] == []


@pytest.mark.parametrize(("origins", "allowed"), [([PAGE], PAGE), (["https://a.example", PAGE], PAGE), (["*"], "*")])
async def test_a_page_of_an_allowed_origin_asks(opened: Opened, origins: list[str], allowed: str) -> None:
    ask = opened(*origins)
    preflight = await ask(method="OPTIONS", headers={"origin": PAGE, **PREFLIGHT})
    reply = await ask({"query": "{ __typename }"}, headers={"origin": PAGE})
    assert (preflight.status, reply.json) == (200, {"data": {"__typename": "Query"}})
    assert preflight.headers["access-control-allow-origin"] == reply.headers["access-control-allow-origin"] == allowed
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    assert reply.headers["access-control-expose-headers"] == "etag, retry-after, x-request-id"
    assert "access-control-allow-credentials" not in reply.headers


async def test_a_page_of_another_origin_does_not(opened: Opened) -> None:
    ask = opened(PAGE)
    preflight = await ask(method="OPTIONS", headers={"origin": "https://other.example", **PREFLIGHT})
    reply = await ask({"query": "{ __typename }"}, headers={"origin": "https://other.example"})
    assert preflight.status == 400
    assert "access-control-allow-origin" not in {**preflight.headers, **reply.headers}


async def test_a_shared_cache_keeps_what_it_gives_to_each_origin_apart(opened: Opened) -> None:
    reply = await opened(PAGE)({"query": "{ __typename }"})
    assert reply.headers["vary"] == "Accept, Accept-Encoding, Origin"


async def test_only_the_graph_may_be_asked(opened: Opened) -> None:
    reply = await opened("*")(method="GET", path="/health/live", headers={"origin": PAGE})
    assert (reply.status, "access-control-allow-origin" in reply.headers) == (200, False)
