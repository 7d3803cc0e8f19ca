"""Another's `connectors` is refused with a sentence that names it, before anything is read from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from broker.errors import DeclarationError
from broker.packages import check_packages

CHECK = "from broker.packages import check_packages; check_packages(); print('ours')"


def namesake(folder: Path, package: str) -> Path:
    """A folder with a package of this name, installed by a distribution that is not ours."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text('print("a stranger runs")\n', encoding="utf-8")
    about = folder / "stranger-2.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 2.0\n", encoding="utf-8")
    (about / "top_level.txt").write_text(f"{package}\n", encoding="utf-8")
    (about / "RECORD").write_text(f"{package}/__init__.py,,\n", encoding="utf-8")
    return folder


def start(*surroundings: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["env", *surroundings, sys.executable, "-c", CHECK]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_ours_are_accepted(tmp_path: Path) -> None:
    answer = start(folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, "ours\n"), answer.stderr


@pytest.mark.parametrize("package", ["connectors", "resolvers"])
def test_a_folder_that_hides_ours_is_refused(tmp_path: Path, package: str) -> None:
    answer = start(folder=namesake(tmp_path, package))
    assert answer.returncode == 1
    assert f"DeclarationError: the package {package!r} comes from {tmp_path / package}, not from " in answer.stderr
    assert "a stranger runs" not in answer.stdout


def test_a_folder_in_the_working_directory_hides_nothing_in_the_image(tmp_path: Path) -> None:
    answer = start("PYTHONSAFEPATH=1", folder=namesake(tmp_path, "connectors"))
    assert (answer.returncode, answer.stdout) == (0, "ours\n"), answer.stderr


def test_a_distribution_that_owns_the_name_too_is_refused(tmp_path: Path) -> None:
    site = namesake(tmp_path, "connectors")
    (
        site / "connectors/__init__.py"
    ).unlink()  # as after an installer merged the two: the place is ours, the files are not
    (site / "connectors").rmdir()
    answer = start(f"PYTHONPATH={site}", folder=tmp_path)
    assert answer.returncode == 1
    assert "DeclarationError: the package 'connectors' is also installed by stranger, which may" in answer.stderr
    assert "give the broker an environment of its own" in answer.stderr


def test_the_sentence_names_every_intruder(root: Path) -> None:
    owners = {"connectors": ["poznan-broker", "zeta", "alpha"]}
    with pytest.raises(DeclarationError, match="'connectors' is also installed by alpha, zeta, which"):
        check_packages(root, owners)
