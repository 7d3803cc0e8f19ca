"""The import rules hold, and each of them catches what it forbids."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["env", f"PYTHONPATH={folder}", "NO_COLOR=1", "COLUMNS=200", *LINT]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_import_rules_hold(root: Path) -> None:
    answer = lint(root)
    assert answer.returncode == 0, answer.stdout


BROKEN = [
    pytest.param("broker/errors.py", "import broker.model", "The engine flows one way", id="upwards"),
    pytest.param("broker/leftovers.py", "", "The engine flows one way", id="a module without a place"),
    pytest.param("connectors/bip.py", "import broker.catalog", "A connector sees", id="a connector in the engine"),
    pytest.param("connectors/bip.py", "import sqlalchemy", "A connector sees", id="a connector with SQL"),
    pytest.param("connectors/bip.py", "import connectors.mim", "Sources do not know", id="a source knows another"),
    pytest.param(
        "resolvers/__init__.py", "import connectors.bip", "The graph never names", id="the graph names a source"
    ),
    pytest.param("broker/query.py", "import resolvers", "Only app and cli", id="the engine knows the graph"),
]


@pytest.mark.parametrize(("file", "line", "rule"), BROKEN)
def test_a_broken_rule_is_caught(root: Path, tmp_path: Path, file: str, line: str, rule: str) -> None:
    for name in ("broker", "connectors", "resolvers"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    answer = lint(tmp_path)
    assert answer.returncode == 1, answer.stdout
    assert [one for one in answer.stdout.splitlines() if one.startswith(rule) and " BROKEN" in one] != []
