"""The programs of a Go app: its `main` packages, what they are called, and whether they hold C."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from builder.packs.go_modules import Module, Modules
from builder.types import Source

# Modules that are C inside, for those that are not in vendor/ can't be looked into before they are downloaded.
C_MODULES = frozenset(
    {
        "github.com/mattn/go-sqlite3",
        "github.com/confluentinc/confluent-kafka-go",
        "github.com/confluentinc/confluent-kafka-go/v2",
        "github.com/marcboeker/go-duckdb",
        "github.com/marcboeker/go-duckdb/v2",
        "github.com/bytecodealliance/wasmtime-go",
        "github.com/chai2010/webp",
        "github.com/valyala/gozstd",
        "rogchap.com/v8go",
    }
)
_CLAUSE = re.compile(rb"^package +(\w+)", re.MULTILINE)
_IGNORED = re.compile(rb"^//\s*(?:go:build|\+build)\s.*\bignore\b", re.MULTILINE)
_C = re.compile(rb'^(?:import\s+|\s+)"C"\s*(?://.*)?$', re.MULTILINE)
_ELSEWHERE = re.compile(rb"^//go:build\s.*\b(?:ignore|darwin|windows)\b", re.MULTILINE)
_OTHER_SYSTEMS = re.compile(r"_(?:darwin|windows|freebsd|netbsd|openbsd|solaris|aix|js|plan9)(?:_\w+)?\.go$")
_VERSION = re.compile(r"^v([2-9]|[1-9]\d+)$")
_FOLDER = re.compile(r"^[\w./+~-]*$")
_LEFT_OUT = re.compile(r"(^|/)([_.][^/]*|testdata|vendor)(/|$)")  # by ./... (https://pkg.go.dev/cmd/go)


@dataclass(frozen=True)
class Program:
    """`name` is the binary's, as `go build` gives it; `folder` the package's, "" for the root."""

    name: str
    folder: str


def programs(source: Source, modules: Modules) -> tuple[Program, ...]:
    """What to build: where Heroku's comment says so, else the root of a module and its cmd/, else any `main`."""
    files = _files_by_folder(source)
    everywhere = {folder: it for folder in files if (it := _module_of(folder, source, modules)) is not None}
    asked = {folder: it for folder, it in everywhere.items() if it.install and _is_asked_for(folder, it)}
    usual = {folder: it for folder, it in everywhere.items() if not it.install and _is_usual(folder, it)}
    wishes = any(module.install for module in modules.main)
    for some in (asked | usual, {} if wishes else everywhere):
        found = [
            Program(program_name(folder, it), folder) for folder, it in some.items() if _is_main(source, files[folder])
        ]
        if found:
            return tuple(sorted(found, key=lambda it: (it.name, it.folder)))
    return ()


def why_c(source: Source, modules: Modules) -> str:
    """What needs a C compiler: a known module, or a file of the app or of vendor/; "" for nothing."""
    known = sorted(C_MODULES & modules.remote)
    if known:
        return known[0]
    for entry in source.entries():
        if not entry.path.endswith(".go") or entry.path.endswith("_test.go") or _OTHER_SYSTEMS.search(entry.path):
            continue
        content = entry.read()
        if b'"C"' in content and _C.search(content) and not _ELSEWHERE.search(content):
            return entry.path
    return ""


def program_name(folder: str, module: Module) -> str:
    """As https://pkg.go.dev/cmd/go names it: the last element of the import path, before a version such as v2."""
    parts = posixpath.join(module.path, _within(folder, module)).rstrip("/").split("/")
    return parts[-2] if len(parts) > 1 and _VERSION.match(parts[-1]) else parts[-1]


def _files_by_folder(source: Source) -> Mapping[str, list[str]]:
    """The Go files of each folder that `./...` would look into; names that no import path allows are passed over."""
    found: dict[str, list[str]] = {}
    for path in source.paths():
        folder = posixpath.dirname(path)
        is_code = path.endswith(".go") and not path.endswith("_test.go")
        if is_code and _FOLDER.match(folder) and not _LEFT_OUT.search(folder):
            found.setdefault(folder, []).append(path)
    return found


def _module_of(folder: str, source: Source, modules: Modules) -> Module | None:
    """The main module that a folder belongs to; None for one of another module of the repository."""
    paths = frozenset(source.paths())
    place = folder
    while place and posixpath.join(place, "go.mod") not in paths:
        place = posixpath.dirname(place)
    return next((module for module in modules.main if module.folder == place), None)


def _within(folder: str, module: Module) -> str:
    """A folder as seen from its module's."""
    return folder.removeprefix(module.folder).removeprefix("/")


def _is_usual(folder: str, module: Module) -> bool:
    within = _within(folder, module)
    return not within or within.startswith("cmd/")


def _is_asked_for(folder: str, module: Module) -> bool:
    """Whether a pattern such as ./cmd/... or example.com/shop/cmd/web means the folder."""
    within = _within(folder, module)
    for pattern in module.install:
        wanted = pattern.removeprefix(module.path).removeprefix(".").strip("/")
        stem = wanted.removesuffix("...").rstrip("/")
        if within == wanted or (wanted.endswith("...") and (not stem or f"{within}/".startswith(f"{stem}/"))):
            return True
    return False


def _is_main(source: Source, files: list[str]) -> bool:
    for path in files:
        content = source.read(path) or b""
        clause = _CLAUSE.search(content)
        if clause and clause[1] == b"main" and not _IGNORED.search(content, 0, clause.start()):
            return True
    return False
