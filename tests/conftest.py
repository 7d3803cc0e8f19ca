"""What several suites need, started once for a whole run."""

import asyncio
from collections.abc import Iterator

import pytest

from broker.app import Engine
from broker.settings import Settings
from tests.city import postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server with PostGIS; fails when it cannot start."""
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The broker with its whole sample."""
    folder = tmp_path_factory.mktemp("sample")
    engine = Engine.open(Settings.load(store=f"sqlite:///{folder}/sample.sqlite", sample=True))
    asyncio.run(engine.fill())
    yield engine
    engine.store.close()
