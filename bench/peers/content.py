"""The page that is compared: asked of the broker itself, and written as the files that the peers' upstream serves.

100 land use areas (from SIP), each with the district (from MIM) it lies in; in the sample every one lies in one.
"""

import tempfile
from pathlib import Path
from typing import Any

import orjson

from broker.app import Engine
from broker.settings import Settings
from broker.telemetry import configure

__all__ = ["BODY", "QUERY", "answer", "checked", "write"]

QUERY = "{ landUseAreas(first: 100) { nodes { key symbol use plan district { key name } } } }"
BODY = orjson.dumps({"query": QUERY})
"""The query as every server is asked over HTTP."""

DATASETS = ("mim.districts", "sip.land_use_areas")


async def answer() -> dict[str, Any]:
    """What the broker answers out of the sample, without its envelope. Raises `SystemExit` when an area has no district."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(store=f"sqlite:///{folder}/store.sqlite", sample=True, log_level="error")
        configure(settings.log_level, settings.log_format)
        engine = Engine.open(settings)
        async with engine.refresher as refresher:
            for id in DATASETS:
                await refresher.refresh(engine.catalog.datasets[id])
            given = await engine.endpoint.run(QUERY)
        engine.store.close()
    if "errors" in given:
        raise SystemExit(f"the broker answered {QUERY} with {given['errors']}")
    return checked(given["data"])


def checked(data: dict[str, Any]) -> dict[str, Any]:
    """The same data. Raises `SystemExit` when an area has no district."""
    joined = sum(one["district"] is not None for one in _areas(data))
    if joined != 100:
        raise SystemExit(f"{joined} areas of the page lie in a district; 100 are compared")
    return data


def write(folder: Path, data: dict[str, Any]) -> None:
    """The page as two sources would have it: areas that name their district by its key, and the districts named."""
    areas, districts = [], {}
    for one in _areas(data):
        own = {name: value for name, value in one.items() if name != "district"}
        areas.append(own | {"districtKey": one["district"]["key"]})
        districts[one["district"]["key"]] = one["district"]
    (folder / "areas.json").write_bytes(orjson.dumps({"nodes": areas}))
    # Asked as districts.json?key=1&key=2: a server of files passes over the keys, so all that may be asked for are in it.
    (folder / "districts.json").write_bytes(orjson.dumps(list(districts.values())))


def _areas(data: dict[str, Any]) -> list[dict[str, Any]]:
    areas: list[dict[str, Any]] = data["landUseAreas"]["nodes"]
    return areas
