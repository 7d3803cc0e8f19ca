"""What the house tests look at: the project's root, its files, its Python sources."""

import subprocess
from pathlib import Path

import pytest

PACKAGES = ("broker", "connectors", "resolvers")


def listed(root: Path) -> list[Path]:
    """The files of the project that are not ignored: as git sees them, new ones included."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    files = (root / name for name in answer.stdout.split("\0") if name)
    return sorted({file for file in files if file.is_file()})


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    return listed(root)


@pytest.fixture(scope="session")
def modules(root: Path, files: list[Path]) -> dict[str, Path]:
    """The Python modules of the three packages, by dotted name."""
    found = {}
    for file in files:
        inside = file.relative_to(root)
        if file.suffix == ".py" and inside.parts[0] in PACKAGES:
            found[".".join(inside.with_suffix("").parts).removesuffix(".__init__")] = file
    return found
