"""The documentation is complete, fresh, and leads where it says."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import typer.main
from graphql import build_schema, parse, validate

from broker.catalog import Catalog
from broker.cli import app
from broker.metrics import REGISTRY
from broker.settings import every_setting
from broker.telemetry import Event

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def pages(root: Path, files: list[Path]) -> dict[str, str]:
    """Every Markdown page, by its path."""
    return {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in files if file.suffix == ".md"}


@pytest.fixture(scope="module")
def generate(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", root / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anchors(generate: ModuleType, text: str) -> set[str]:
    prose = FENCE.sub("", text)
    return {generate.anchor(title.replace("`", "")) for title in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}


def broken(root: Path, generate: ModuleType, page: str, text: str) -> Iterator[str]:
    """The links of a page that lead nowhere, as far as that can be told without the network."""
    for match in LINK.finditer(FENCE.sub("", text)):
        path, _, fragment = match["target"].partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (root / page).parent / path if path else root / page
        if not target.exists():
            yield f"{page}: {match['target']}"
        elif fragment and fragment not in anchors(generate, target.read_text(encoding="utf-8") if path else text):
            yield f"{page}: {match['target']} (no such heading)"


def test_links_resolve(root: Path, generate: ModuleType, pages: dict[str, str]) -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md"} - set(pages) == set()
    assert [line for page, text in pages.items() for line in broken(root, generate, page, text)] == []


def test_a_broken_link_is_seen(root: Path, generate: ModuleType) -> None:
    text = (
        "# Title\n[a](#title) [b](#nothing) [c](docs/nowhere.md) [d](docs/errors.md#nothing) [e](https://city.example)"
    )
    found = list(broken(root, generate, "README.md", text))
    assert found == [
        "README.md: #nothing (no such heading)",
        "README.md: docs/nowhere.md",
        "README.md: docs/errors.md#nothing (no such heading)",
    ]


def test_the_generated_parts_are_fresh(generate: ModuleType) -> None:
    assert generate.main([]) == 0, "run make docs"
    used = {match["name"] for page in generate.pages() for match in generate.MARK.finditer(page.read_text("utf-8"))}
    assert used == set(generate.BLOCKS)


def test_every_setting_is_documented(pages: dict[str, str]) -> None:
    named = [one.variable for one in every_setting()]
    assert len(named) > 20
    assert [name for name in named if f"`{name}`" not in pages["docs/configuration.md"]] == []


def test_every_metric_and_event_is_documented(pages: dict[str, str]) -> None:
    names = [one.name for one in REGISTRY.collect() if one.name.startswith("broker_")]
    assert len(names) > 10
    assert [name for name in names if f"| `{name}" not in pages["docs/operations.md"]] == []
    assert [event for event in Event if f"`{event}`" not in pages["docs/operations.md"]] == []


def test_every_command_is_documented(pages: dict[str, str]) -> None:
    names = sorted(getattr(typer.main.get_command(app), "commands", {}))
    assert {"serve", "refresh", "datasets", "query", "schema"} - set(names) == set()
    assert [name for name in names if f"`broker {name}`" not in pages["docs/commands.md"]] == []


def test_every_data_set_and_field_is_documented(pages: dict[str, str]) -> None:
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", pages["docs/datasets.md"], re.DOTALL | re.MULTILINE))
    catalog = Catalog.load()
    declared = {**catalog.datasets, **catalog.lookups}
    assert set(declared) == set(sections)
    for id, one in declared.items():
        assert [field.name for field in one.fields if f"| `{field.name}` |" not in sections[id]] == []


def test_every_root_field_is_documented(root: Path, pages: dict[str, str]) -> None:
    query = build_schema((root / "schema.graphql").read_text(encoding="utf-8")).query_type
    assert query is not None
    assert [name for name in query.fields if f"| `{name}` |" not in pages["docs/queries.md"]] == []


def test_queries_in_pages_are_valid(root: Path, pages: dict[str, str]) -> None:
    schema = build_schema((root / "schema.graphql").read_text(encoding="utf-8"))
    shown = [
        match["text"] for text in pages.values() for match in FENCE.finditer(text) if match["language"] == "graphql"
    ]
    assert len(shown) >= 3
    assert [str(error) for text in shown for error in validate(schema, parse(text))] == []
    stored = sorted((root / "docs/queries").glob("*.graphql"))
    assert {file.stem for file in stored} >= {"nearby", "districts", "spending"}
    assert [file.name for file in stored if file.read_text(encoding="utf-8").strip() not in "\n".join(shown)] == []


def test_the_picture_of_imports_has_every_module_in_its_order(root: Path, pages: dict[str, str]) -> None:
    rules = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [re.findall(r"(?<![(\w])[a-z]\w*", one) for one in rules[0]["layers"]]
    picture = re.search(
        r"^## Direction of imports\n\n```mermaid\n(.*?)^```$", pages["docs/architecture.md"], re.DOTALL | re.MULTILINE
    )
    assert picture is not None
    drawn = list(dict.fromkeys(re.findall(r"[a-z]\w*", picture[1])))
    assert [name for layer in layers for name in layer if name not in drawn] == []
    drawn_at = [[drawn.index(name) for name in layer] for layer in layers if layer]
    assert [above for above, below in pairwise(drawn_at) if max(above) > min(below)] == []
