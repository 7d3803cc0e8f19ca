"""A data set that gains, changes or loses its geocoding rule: records that are there are looked up, looked up again, or given up."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from broker.app import Engine
from broker.catalog import Catalog
from broker.model import Dataset
from broker.query import GEOCODING, Query, Version, Window
from broker.settings import Settings
from connectors.bip import Interpellation
from connectors.mim import District
from connectors.sip import Address

ASKED = Interpellation.__dataset__
GEOMETRY = str(ASKED.geometry)


def by(*names: str) -> Dataset:
    """The data set with this rule; without any, it has no rule."""
    fields = tuple(replace(one, geocode=names) if one.name == GEOMETRY else one for one in ASKED.fields)
    return replace(ASKED, fields=fields)


def placed(declared: Dataset, monkeypatch: pytest.MonkeyPatch, *, refresh: bool = True) -> dict[str, bytes | None]:
    """Open the store, refresh, and give each record's place."""
    catalog = Catalog.of([District.__dataset__, Address.__dataset__, declared])
    monkeypatch.setattr(Catalog, "load", lambda *_: catalog)
    engine = Engine.open(Settings.load())

    async def work() -> None:
        async with engine.refresher:
            if refresh:
                await engine.refresher.refresh_all(catalog.datasets.values())

    asyncio.run(work())
    version = engine.store.version(declared).number
    columns = frozenset({GEOMETRY, GEOCODING} if declared.geocode else {GEOMETRY}) if declared.located else frozenset()
    rows = engine.store.select(Query(declared, Version(version), columns, Window(2000))).rows
    engine.store.close()
    return {row[declared.key]: row.get(GEOMETRY) for row in rows}


def test_a_rule_comes_changes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_STORE", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("BROKER_SAMPLE", "true")
    nowhere = replace(ASKED, fields=tuple(one for one in ASKED.fields if one.name != GEOMETRY))
    whole = len(placed(nowhere, monkeypatch))
    gained = placed(ASKED, monkeypatch)
    found = sum(place is not None for place in gained.values())
    assert len(gained) == whole
    assert found > whole / 10
    other = next(one.name for one in ASKED.fields if one.kind is str and one.name not in (*ASKED.geocode, ASKED.key))
    assert sum(place is not None for place in placed(by(other), monkeypatch).values()) < found
    assert not any(placed(by(), monkeypatch).values())
