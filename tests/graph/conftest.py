"""How tests of the graph ask the broker that holds the whole sample."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from broker.app import Engine

Ask = Callable[..., Awaitable[Any]]


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
