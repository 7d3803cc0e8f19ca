"""What the pages show works: the queries in them are asked, the settings are read, the answer in the README is the answer."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from broker.app import Engine
from broker.settings import Settings
from tests.city import mapserver, pygeoapi

Ask = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]
TREES: list[tuple[Any, dict[str, Any]]] = [
    (shapely.Point(16.85 + n / 200, 52.4), {"id": n + 1, "species": "lipa", "height": 4.5 + n / 2}) for n in range(40)
]
PARKS = [(shapely.Point(16.9, 52.4).buffer(0.01), {"id": "p1", "name": "Park"})]


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a language in a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def given(query: str) -> Any:
    """The variables that the front end's query takes."""
    return json.loads((ROOT / "docs/queries/nearby.json").read_bytes()) if "$lon" in query else {}


def empty(data: Any) -> list[str]:
    """The root fields that found nothing: an example that finds nothing shows nothing."""
    found = {name: one if isinstance(one, dict) else {"nodes": one} for name, one in data.items()}
    return [name for name, one in found.items() if one.get("totalCount") == 0 or one.get("nodes") == []]


@pytest.mark.parametrize("query", blocks("docs/queries.md", "graphql"))
async def test_the_queries_of_the_page_about_queries(ask: Ask, query: str) -> None:
    assert set(empty(await ask(query, **given(query)))) <= {"changes"}  # in the sample nothing changes


def test_an_empty_answer_is_seen() -> None:
    data = {"stops": {"totalCount": 0}, "parcels": {"nodes": []}, "layers": [], "events": {"nodes": [{}]}}
    assert empty(data) == ["stops", "parcels", "layers"]


async def test_the_first_question_of_the_readme_has_the_answer_that_stands_there(ask: Ask) -> None:
    (command,) = [one for one in blocks("README.md", "sh") if "curl" in one]
    (shown,) = blocks("README.md", "json")
    asked = re.search(r"-d '(.*)'", command)
    assert asked is not None
    assert await ask(json.loads(asked[1])["query"]) == json.loads(shown)["data"]


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A broker with the layers of the page about configuration, whose servers are two real ones on the loopback."""
    folder = tmp_path_factory.mktemp("documented")
    (toml,) = [one for one in blocks("docs/configuration.md", "toml") if "[layers." in one]
    with mapserver.running(folder) as wfs, pygeoapi.running(folder, {"parks": PARKS}) as ogc:
        wfs.publish("/green/wfs", "green", {"trees": TREES}, id="id", cap=10)
        file = folder / "broker.toml"
        moved = toml.replace('\nurl = "https://maps.example', f'\nurl = "{wfs.url}')
        file.write_text(moved.replace("https://features.example/ogc", ogc), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BROKER_CONFIG", str(file))
            engine = Engine.open(Settings.load(store=f"sqlite:///{folder}/store.sqlite", sample=True))
        asyncio.run(read(engine, "mim.districts", "layers.trees", "layers.parks"))
        yield engine
        engine.store.close()


async def read(engine: Engine, *ids: str) -> None:
    async with engine.refresher:
        done = await engine.refresher.refresh_all([engine.catalog.datasets[id] for id in ids])
    assert [one.error for one in done] == [None] * len(ids)


async def test_the_layers_of_the_page_about_configuration(layers: Engine) -> None:
    (query,) = blocks("docs/configuration.md", "graphql")
    answer = await layers.endpoint.run(query, {})
    assert "errors" not in answer, answer["errors"]
    trees, districts = answer["data"]["layer"], answer["data"]["districts"]["nodes"]
    assert {"name": "height", "type": "number"} in trees["schema"]
    assert trees["features"]["totalCount"] == sum(own["height"] >= 10 for _, own in TREES)
    assert {one["properties"]["species"] for one in trees["features"]["nodes"]} == {"lipa"}
    assert len(districts) == 3
    assert all(one["related"]["layer"]["totalCount"] > 0 for one in districts)
    parks = await layers.endpoint.run('{ layer(id: "layers.parks") { licence { id url } recordCount } }', {})
    terms = {"id": "Terms of the parks department", "url": "https://maps.example/terms"}
    assert parks["data"]["layer"] == {"licence": terms, "recordCount": 1}


@pytest.mark.parametrize("toml", blocks("docs/configuration.md", "toml"))
def test_the_settings_of_the_page_about_configuration(
    toml: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broker.toml").write_text(toml, "utf-8")
    monkeypatch.setenv("BROKER_CONFIG", str(tmp_path / "broker.toml"))
    Settings.load()
