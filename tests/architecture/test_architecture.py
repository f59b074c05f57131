"""The design holds: imports point the way a push travels, through front doors only, and files stay small.

docs/decisions/0001-the-folders-are-the-architecture.md says why each rule is there.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAY_IMPORT = {
    "core": set[str](),
    "accounts": {"core"},
    "router": {"core"},
    "scheduler": {"router", "core"},
    "releases": {"scheduler", "core"},
    "builder": {"core"},
    "gitreceiver": {"builder", "releases", "accounts", "core"},
    "web": {"gitreceiver", "builder", "releases", "scheduler", "router", "accounts", "core"},
    "cli": set[str](),
    "server": {"web", "gitreceiver", "builder", "releases", "scheduler", "router", "accounts", "core", "cli"},
}
DRAWERS = {"utils", "util", "common", "helpers", "shared", "misc"}
MOST_LINES = 300
MOST_FUNCTION_LINES = 50
MOST_FRONT_DOOR_LINES = 40
# Alembic's generated steps are lists of columns; their length says nothing.
GENERATED = ("server/migrations/versions",)

MODULES = sorted(
    path
    for package in MAY_IMPORT
    for path in (ROOT / package).rglob("*.py")
    if not str(path.relative_to(ROOT)).startswith(GENERATED)
)


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively"
            if node.module:
                yield node.module, node.lineno


def imports_of_ours(path: Path) -> Iterator[tuple[str, str, int]]:
    """(our package, module in it, line) for each import of another package of ours."""
    own = path.relative_to(ROOT).parts[0]
    for module, line in imports_of(path):
        package = module.split(".")[0]
        if package in MAY_IMPORT and package != own:
            yield package, module, line


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_the_way_a_push_travels(path: Path) -> None:
    allowed = MAY_IMPORT[path.relative_to(ROOT).parts[0]]
    wrong = [f"line {line}: {module}" for package, module, line in imports_of_ours(path) if package not in allowed]
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_other_packages_are_entered_by_their_front_door(path: Path) -> None:
    # Each module of core is a front door of its own: it has no inside. Alembic needs the tables themselves.
    if name_of(path) == "server/tables.py":
        return
    entered = [(module, line) for package, module, line in imports_of_ours(path) if package != "core"]
    assert [f"line {line}: {module}" for module, line in entered if "." in module] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize("package", sorted(set(MAY_IMPORT)))
def test_a_front_door_says_what_it_takes_gives_and_never_does(package: str) -> None:
    path = ROOT / package / "__init__.py"
    text = path.read_text()
    words = ast.get_docstring(tree_of(path)) or ""
    assert [word for word in ("TAKES", "GIVES", "NEVER") if word not in words] == []
    assert len(text.splitlines()) <= MOST_FRONT_DOOR_LINES


def test_no_drawer_for_everything() -> None:
    assert [name_of(path) for path in MODULES if path.stem in DRAWERS] == []


def test_nine_functions_in_ten_are_at_most_25_lines() -> None:
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    ]
    assert sum(length <= 25 for length in lengths) >= 0.9 * len(lengths)


def test_the_command_for_laptops_needs_only_its_light_dependencies() -> None:
    allowed = {"click", "httpx", "rich", "cli"} | set(sys.stdlib_module_names)
    for path in (ROOT / "cli").rglob("*.py"):
        for module, line in imports_of(path):
            assert module.split(".")[0] in allowed, f"{name_of(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_shell_is_ever_asked(path: Path) -> None:
    for node in nodes_of(path):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            pytest.fail(f"line {node.value.lineno} uses a shell")
        if isinstance(node, ast.Attribute) and node.attr in ("system", "popen"):
            assert not (isinstance(node.value, ast.Name) and node.value.id == "os"), f"line {node.lineno}"
