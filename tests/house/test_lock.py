"""Every version is locked with its hashes, and no lock names an address."""

import re
import tomllib
from pathlib import Path

import pytest

LOCKS = (
    "requirements.lock",
    "docker/requirements.lock",
    "docker/build.lock",
    "bench/requirements.lock",
    "tests/city/pygeoapi.lock",
)
REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def read(file: Path) -> dict[tuple[str, str], int]:
    """Name and version of each requirement, with the number of its hashes; fails on any other line."""
    found: dict[tuple[str, str], int] = {}
    current = ("", "")
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if match := REQUIREMENT.match(line):
            current = (match["name"], match["version"])
            found[current] = 0
        else:
            assert HASH.match(line), f"{file.name}:{number} is neither a requirement nor a hash: {line}"
            found[current] += 1
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_hashes_and_nothing_else(root: Path, name: str) -> None:
    locked = read(root / name)
    assert len(locked) >= 5
    assert [one for one, hashes in locked.items() if hashes == 0] == []


def declared(root: Path) -> set[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[^a-z0-9-]", line.lower())[0] for line in project["dependencies"]}


def test_the_image_gets_what_the_tests_ran_with(root: Path) -> None:
    tested = set(read(root / "requirements.lock"))
    assert set(read(root / "docker/requirements.lock")) - tested == set()
    assert set(read(root / "docker/build.lock")) - tested == set()


def test_the_image_gets_only_what_runs(root: Path) -> None:
    running = {name for name, _ in read(root / "docker/requirements.lock")}
    assert declared(root) - running == set()
    assert running & {"build", "hatchling", "hypothesis", "import-linter", "mypy", "pytest", "ruff"} == set()
