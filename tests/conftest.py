"""Servers that several suites need, started once for a whole run."""

from collections.abc import Iterator

import pytest

from tests.city import postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server with PostGIS; fails when it cannot start."""
    with postgres.running() as running:
        yield running
