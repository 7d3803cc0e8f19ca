"""`__all__` is what is public: everything in it exists, and everything public or imported elsewhere is in it."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

Modules = dict[str, Path]


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def exported(module: ast.Module) -> list[str] | None:
    for node in module.body:
        if isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return None


def defined(name: str, module: ast.Module) -> set[str]:
    """Public classes, and public functions except commands and those a connector reads its own fields with."""
    kinds: tuple[type[ast.stmt], ...] = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if name.startswith("connectors.") and not name.startswith("connectors.protocols."):
        kinds = (ast.ClassDef,)
    return {
        node.name
        for node in module.body
        if isinstance(node, kinds)
        and isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not any(ast.unparse(one).startswith("app.") for one in node.decorator_list)
    }


def imported(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def test_everything_exported_exists(modules: Modules) -> None:
    wrong = []
    for name, file in modules.items():
        if name.endswith("__main__"):  # to import it is to run it
            continue
        names = exported(tree(file)) or []
        module = importlib.import_module(name)
        wrong += [f"{name}.{one}" for one in names if not hasattr(module, one)]
        wrong += [f"{name}.{one} twice" for one in set(names) if names.count(one) > 1]
    assert wrong == []


def test_everything_public_is_exported(modules: Modules) -> None:
    missing = []
    for name, file in modules.items():
        module = tree(file)
        missing += sorted(f"{name}.{one}" for one in defined(name, module) - set(exported(module) or []))
    assert missing == []


def test_everything_imported_elsewhere_is_exported(modules: Modules) -> None:
    missing = set()
    for user, file in modules.items():
        for name, what in imported(tree(file)):
            if (
                name in modules
                and f"{name}.{what}" not in modules
                and what not in (exported(tree(modules[name])) or [])
            ):
                missing.add(f"{name}.{what} (for {user})")
    assert missing == set()


def test_every_module_says_what_it_is(modules: Modules) -> None:
    assert [name for name, file in modules.items() if not ast.get_docstring(tree(file))] == []
