"""The wheel holds the three packages whole, typed, and nothing else."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

PACKAGES = ("broker", "connectors", "resolvers")


@pytest.fixture(scope="module")
def names(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(root)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (wheel,) = out.glob("poznan_broker-*.whl")
    with ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_top_level_names_are_ours(names: list[str]) -> None:
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    assert len(top) == 4


def test_it_is_typed_and_licensed(names: list[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} - set(names) == set()
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")] != []


def test_it_holds_every_file_of_the_packages_and_no_other(root: Path, files: list[Path], names: list[str]) -> None:
    ours = {str(file.relative_to(root)) for file in files if file.relative_to(root).parts[0] in PACKAGES}
    assert {name for name in names if ".dist-info/" not in name} == ours


def test_no_tests_and_no_data(names: list[str]) -> None:
    assert [name for name in names if "test" in name.split("/")[0] or name.endswith((".sqlite", ".csv", ".xlsx"))] == []
