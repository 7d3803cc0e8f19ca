"""The example of docs/add-a-source.md: installed as a package, found, read as recorded, and extended by one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import json, sys
from dataclasses import fields
from pathlib import Path
from broker.catalog import Catalog
from broker.geometry import Geometry
from broker.model import Page, Rejected
from broker.upstream import Request

catalog = Catalog.load()
assert catalog.broken == (), catalog.broken
one = catalog.dataset("theatres.stages")

def written(record):
    if isinstance(record, Rejected):
        return {"rejected": record.reason}
    values = ((field.name, getattr(record, field.name)) for field in fields(record))
    return {name: value.wkt if isinstance(value, Geometry) else value for name, value in values}

golden = Page(Path(sys.argv[1]).read_bytes())
sample = Page(one.source.sample(Request("GET", one.source.base_url + "/stages.geojson")))
answer = {"records": [written(one) for one in one.records(golden)], "sample": [written(one) for one in one.records(sample)]}
print(json.dumps(answer, default=str))
"""

PRINT = """
from broker.catalog import Catalog
from resolvers.schema import build
print(build(Catalog.load()).as_str())
"""


@pytest.fixture(scope="module")
def example(root: Path) -> Path:
    return root / "docs/example"


@pytest.fixture(scope="module")
def installed(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed, as its author would do it."""
    target = tmp_path_factory.mktemp("site")
    command = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(target),
    ]
    run(*command, str(example))
    return target


@pytest.fixture(scope="module")
def extended(example: Path, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the diff applied that the page shows."""
    changed = tmp_path_factory.mktemp("changed") / "site"
    subprocess.run(["cp", "-R", str(installed), str(changed)], check=True)
    subprocess.run(["git", "apply", str(example / "add-a-field.diff")], cwd=changed, check=True)
    return changed


def run(*arguments: str, path: Path | None = None) -> str:
    """What Python prints, with this folder on its path."""
    command = ["env", f"PYTHONPATH={path or ''}", sys.executable, *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def read(path: Path, payload: Path) -> dict[str, list[dict[str, object]]]:
    return json.loads(run("-c", READ, str(payload), path=path))  # type: ignore[no-any-return]  # as printed above


def test_it_is_found_and_read_as_recorded(example: Path, installed: Path) -> None:
    golden = example / "golden/theatres.stages"
    made = read(installed, golden / "payload.json")
    expected = golden / "records.json"
    if not expected.exists():
        expected.write_text(json.dumps(made["records"], ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        pytest.fail(f"{expected.name} was missing: generated it, check the content")
    assert made["records"] == json.loads(expected.read_text(encoding="utf-8"))
    assert [one["name"] for one in made["sample"]] == ["Scena Duża", "Scena w Podwórzu", "Teatr pod Żaglem"]


def test_a_field_is_one_line_of_one_file(example: Path, extended: Path) -> None:
    diff = (example / "add-a-field.diff").read_text(encoding="utf-8").splitlines()
    assert len([line for line in diff if line.startswith("+") and not line.startswith("+++")]) == 1
    assert len([line for line in diff if line.startswith("-")]) == 1  # the header
    sample = read(extended, example / "golden/theatres.stages/payload.json")["sample"]
    assert [one["accessible"] for one in sample] == [True, False, None]


def test_the_graph_gains_the_field_and_nothing_else(installed: Path, extended: Path) -> None:
    before = run("-c", PRINT, path=installed).splitlines()
    after = run("-c", PRINT, path=extended).splitlines()
    assert any(line.startswith("type Stage ") for line in before)
    rest = iter(after)
    added = [line for old in [*before, None] for line in skipped(rest, old)]
    names = [line.strip() for line in added if line.strip() and '"' not in line]
    assert "accessible: Boolean" in names
    assert [line for line in names if "accessible" not in line.lower()] == []


def skipped(lines: "object", until: str | None) -> list[str]:
    """The lines before the next one that is ``until``; all of them when there is no such."""
    found: list[str] = []
    for line in lines:  # type: ignore[attr-defined]  # an iterator that goes on where the last call stopped
        if line == until:
            return found
        found.append(line)
    assert until is None, f"{until!r} is gone"
    return found


MISSING = """
from theatre_connectors.stages import Stage
Stage(number="1", name="Scena", seats=None, opened=None, geometry=None)
"""


def test_mypy_sees_a_field_that_is_left_out(installed: Path, tmp_path: Path) -> None:
    file = tmp_path / "left_out.py"
    file.write_text(MISSING, encoding="utf-8")
    command = ["env", f"MYPYPATH={installed}", sys.executable, "-m", "mypy", "--strict", "--config-file=", str(file)]
    answer = subprocess.run([*command, f"--cache-dir={tmp_path}"], capture_output=True, text=True, check=False)
    assert 'Missing named argument "theatre" for "Stage"  [call-arg]' in answer.stdout
