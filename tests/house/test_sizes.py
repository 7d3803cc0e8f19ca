"""No monster: a module has at most 400 lines, a function at most 40 besides its docstring."""

import ast
from pathlib import Path

import pytest

FOLDERS = ("broker", "connectors", "resolvers", "tests", "bench", "docs")
MODULE, FUNCTION = 400, 40


@pytest.fixture(scope="module")
def sources(root: Path, files: list[Path]) -> dict[str, str]:
    chosen = (file for file in files if file.suffix == ".py" and file.relative_to(root).parts[0] in FOLDERS)
    return {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in chosen}


Function = ast.FunctionDef | ast.AsyncFunctionDef


def length(node: Function) -> int:
    """The lines of a function; its decorators and its docstring are not counted."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return whole
    return whole - ((node.body[0].end_lineno or 0) - node.body[0].lineno + 1)


def too_long(name: str, text: str) -> list[str]:
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, Function)]
    return [f"{name}:{node.lineno} {node.name} has {length(node)} lines" for node in nodes if length(node) > FUNCTION]


def test_modules_have_at_most_400_lines(sources: dict[str, str]) -> None:
    counted = {name: text.count("\n") for name, text in sources.items()}
    assert len(counted) > 20
    assert {name: lines for name, lines in counted.items() if lines > MODULE} == {}


def test_functions_have_at_most_40_lines(sources: dict[str, str]) -> None:
    assert [line for name, text in sources.items() for line in too_long(name, text)] == []


def test_a_long_function_is_seen() -> None:
    body = "\n".join("    pass" for _ in range(FUNCTION))
    assert too_long("made.py", f"@one\n@two\ndef fine():\n{body[9:]}\n") == []
    assert too_long("made.py", f"async def long():\n{body}\n") == ["made.py:1 long has 41 lines"]
