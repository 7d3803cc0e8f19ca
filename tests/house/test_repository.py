"""What lies in the repository: no place of one machine, no address of a registry, nothing secret, one licence."""

import re
from pathlib import Path

import pytest

# Written in parts, so that this file does not find itself.
PLACES = re.compile("|".join([r"(?<![\w.}])/" + r"(?:work|root|home/\w+|Users/\w+)/", "/" + "tmp/", "C:" + r"\\Users"]))
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "crates" + r"\.io"]), re.IGNORECASE
)
SECRETS = re.compile(
    "|".join(
        [
            "-----BEGIN" + r" [A-Z ]*PRIVATE KEY-----",
            r"\bAKIA[0-9A-Z]{16}\b",
            r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
            r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.",
            r"\b(?:password|PASSWORD|passwd|secret|SECRET|api_key|API_KEY|token|TOKEN)\s*[:=]\s*[\"'][A-Za-z0-9+/_-]{12,}[\"']",
        ]
    )
)
MIB = 1 << 20


@pytest.fixture(scope="module")
def texts(root: Path, files: list[Path]) -> dict[str, str]:
    """Every text file of the project; minified assets of others are theirs."""
    found = {}
    for file in files:
        if ".min." in file.name:
            continue
        try:
            found[str(file.relative_to(root))] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def matches(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [f"{name}: {match[0]}" for name, text in texts.items() for match in pattern.finditer(text)]


def test_no_place_of_one_machine(texts: dict[str, str]) -> None:
    assert matches(PLACES, texts) == []


def test_no_address_of_a_registry(texts: dict[str, str]) -> None:
    assert matches(REGISTRIES, texts) == []


def test_nothing_secret(texts: dict[str, str]) -> None:
    assert matches(SECRETS, texts) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (PLACES, "see /" + "work/main"),
        (PLACES, "open('/" + "tmp/x')"),
        (REGISTRIES, "https://PyPI" + ".org/simple"),
        (SECRETS, "pass" + 'word = "abcdefabcdef1234"'),
        (SECRETS, "-----BEGIN" + " RSA PRIVATE KEY-----"),
    ],
)
def test_what_must_not_be_there_is_seen(pattern: re.Pattern[str], text: str) -> None:
    assert len(matches(pattern, {"made": text})) == 1


def test_there_is_one_licence(root: Path, files: list[Path]) -> None:
    assert (root / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert [file.name for file in files if file.parent == root and file.name.upper().startswith("LICEN")] == ["LICENSE"]


def test_one_file_configures_the_tools(root: Path, files: list[Path]) -> None:
    others = {
        "setup.py",
        "setup.cfg",
        "tox.ini",
        "pytest.ini",
        "mypy.ini",
        "ruff.toml",
        ".importlinter",
        "uv.lock",
        "pylock.toml",
    }
    assert {file.name for file in files if file.parent == root} & others == set()


def test_no_data_and_nothing_large(root: Path, files: list[Path]) -> None:
    assert [str(file.relative_to(root)) for file in files if file.stat().st_size > 2 * MIB] == []
    data = {".sqlite", ".db", ".zip", ".whl", ".parquet"}
    assert [str(file.relative_to(root)) for file in files if file.suffix in data] == []
