"""A file is named for what it holds: no drawer for odds and ends."""

import re
from pathlib import Path

BANNED = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "managers",
    "common",
    "misc",
    "base",
    "core",
    "stuff",
    "tools",
}
FOLDERS = {"broker", "connectors", "resolvers", "tests", "bench", "docs"}


def drawers(path: Path) -> set[str]:
    """The banned words in a path's folders and stem."""
    return {word for part in path.with_suffix("").parts for word in re.split(r"[_\-.]", part.lower())} & BANNED


def test_no_module_is_a_drawer(root: Path, files: list[Path]) -> None:
    inside = [file.relative_to(root) for file in files if file.suffix == ".py"]
    assert {str(path): drawers(path) for path in inside if path.parts[0] in FOLDERS and drawers(path)} == {}


def test_a_drawer_is_seen() -> None:
    assert drawers(Path("broker/store/base.py")) == {"base"}
    assert drawers(Path("resolvers/filter_utils.py")) == {"utils"}
    assert drawers(Path("broker/database.py")) == set()


def test_no_test_folder_shadows_a_package(root: Path, files: list[Path]) -> None:
    tests = [file.relative_to(root) for file in files if file.relative_to(root).parts[0] == "tests"]
    assert [str(path) for path in tests if path.name == "__init__.py"] == []
    assert {path.parts[1] for path in tests if len(path.parts) > 2} & {"broker", "connectors", "resolvers"} == set()
