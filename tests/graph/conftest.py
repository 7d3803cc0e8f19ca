"""The broker with its whole sample, filled once and asked by every test of the graph."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from broker.app import Engine
from broker.settings import Settings

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("sample")
    engine = Engine.open(Settings.load(store=f"sqlite:///{folder}/sample.sqlite", sample=True))
    asyncio.run(engine.fill())
    yield engine
    engine.store.close()


@pytest.fixture
def answer(engine: Engine) -> Ask:
    """The whole answer to a query, errors and extensions with it."""

    async def asking(query: str, **variables: Any) -> Any:
        return await engine.endpoint.run(query, variables)

    return asking


@pytest.fixture
def ask(answer: Ask) -> Ask:
    """The data of an answer that has no errors."""

    async def asking(query: str, **variables: Any) -> Any:
        given = await answer(query, **variables)
        assert "errors" not in given, given["errors"]
        return given["data"]

    return asking


@pytest.fixture
def refused(answer: Ask) -> Ask:
    """The only error of an answer that has one: its code and its text."""

    async def asking(query: str, **variables: Any) -> tuple[str, str]:
        given = await answer(query, **variables)
        (error,) = given["errors"]
        return error["extensions"]["code"], error["message"]

    return asking
