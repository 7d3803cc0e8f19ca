"""Whatever the patience with short statements is, the answer is the same: one that is given up is read where it may take its time."""

from collections.abc import Iterator

import pytest

from broker.app import Engine
from broker.settings import Settings
from broker.store import sqlite
from broker.store.dialect import Slow

QUERIES = (
    "{ districts(first: 50) { nodes { id name area geometry } } }",
    "{ stops(first: 1000, orderBy: [{name: DESC}]) { nodes { id name lines location { lon lat } district { name } provenance { fetchedAt version } } } }",
    '{ stops(filter: {zone: {eq: "B"}}) { nodes { id name } pageInfo { hasNextPage endCursor } totalCount } }',
    '{ events(first: 300, filter: {placeName: {ne: "Dziedziniec"}}) { nodes { name(lang: "en") startsAt place { name district { name } } } } }',
    '{ contracts(first: 500, filter: {unit: {gt: "M"}, amount: {gt: 1000}}, orderBy: [{amount: DESC}]) { nodes { id amount signedOn unit } } }',
    '{ parcels(first: 1000) { edges { cursor node { geometry(crs: "EPSG:2177") district { name } } } } }',
)


@pytest.fixture(params=[1, 300, 5000])
def impatient(engine: Engine, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Another broker over the same store, which gives up a short statement after so many steps."""
    monkeypatch.setattr(sqlite, "QUICK_STEPS", request.param)
    other = Engine.open(Settings.load(store=engine.settings.store, sample=True))
    yield other
    other.store.close()


@pytest.mark.parametrize("query", QUERIES)
async def test_the_answer_is_the_same(engine: Engine, impatient: Engine, query: str) -> None:
    expected = await engine.endpoint.answer(query)
    assert b'"errors"' not in expected
    assert [await impatient.endpoint.answer(query) for _ in range(3)] == [expected] * 3


def test_a_short_statement_is_given_up(impatient: Engine) -> None:
    long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT sum(i) FROM n"
    with pytest.raises(Slow), impatient.store.quick_driver() as connection:
        connection.execute(long).fetchall()
    with impatient.store.driver() as connection:
        assert connection.execute(long).fetchall() == [(5000 * 5001 // 2,)]
