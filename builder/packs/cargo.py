"""What Cargo.toml says: the packages that `cargo build` would build at the root, and the programs they give.

The rules are those of https://doc.rust-lang.org/cargo/reference/cargo-targets.html and …/workspaces.html.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.problems import BadSyntax, LocalDependencyMissing, failed
from builder.types import Source

MANIFEST = "Cargo.toml"
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_FILE_OF_A_PROGRAM = re.compile(r"^src/bin/([^/]+?)(?:\.rs|/main\.rs)$")
_NAME = re.compile(r"^[\w-]+$")
_DEPENDENCIES = ("dependencies", "build-dependencies", "dev-dependencies")


@dataclass(frozen=True)
class Package:
    """One package. `file` is its Cargo.toml; `default_run` and `rust_version` are "" when not said."""

    file: str
    name: str
    programs: tuple[str, ...]
    default_run: str
    rust_version: str


def read_packages(source: Source) -> tuple[Package, ...]:
    """What `cargo build` builds at the root: the package there, else the workspace's (default) members.

    Raises BuildFailed for a Cargo.toml that can't be read, and for a package that should lie in the commit.
    """
    root = read_toml(source, MANIFEST)
    workspace = table(root, "workspace")
    folders = [""] if "package" in root else list(_members(source, workspace.get("members")))
    if "default-members" in workspace:
        folders = list(_members(source, workspace["default-members"]))
    _check_dependencies(source, "", workspace)
    return tuple(_package(source, folder, table(workspace, "package")) for folder in folders)


def read_toml(source: Source, path: str) -> dict[str, Any]:
    """A TOML file of the source; raises BuildFailed when it can't be read."""
    try:
        return tomllib.loads((source.read(path) or b"").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = _PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        reason, advice = _PLACE.sub("", str(error)), "" if place else "Mend it"
        raise failed(BadSyntax(path, "TOML", line, column, reason, advice)) from error


def table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A table in it; empty when there is none of that key, or something else."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def _members(source: Source, patterns: object) -> Iterator[str]:
    """The folders that a workspace's members mean; raises BuildFailed for a named one that is not there."""
    here = [posixpath.dirname(path) for path in source.paths() if posixpath.basename(path) == MANIFEST]
    for pattern in patterns if isinstance(patterns, list) else []:
        wanted = posixpath.normpath(str(pattern))
        if wanted == ".":
            yield ""
            continue
        found = [it for it in here if it.count("/") == wanted.count("/") and fnmatch.fnmatchcase(it, wanted)]
        if not found and not set("*?[") & set(wanted):
            raise failed(LocalDependencyMissing(MANIFEST, wanted, f"{wanted}/{MANIFEST}"))
        yield from found


def _package(source: Source, folder: str, inherited: Mapping[str, Any]) -> Package:
    file = posixpath.join(folder, MANIFEST)
    manifest = read_toml(source, file)
    _check_dependencies(source, folder, manifest)
    package = table(manifest, "package")
    rust = package.get("rust-version", "")
    rust = inherited.get("rust-version", "") if isinstance(rust, dict) else rust
    name = str(package.get("name", ""))
    programs = tuple(dict.fromkeys(it for it in _programs(source, folder, manifest, name) if _NAME.match(it)))
    return Package(file, name, programs, str(package.get("default-run", "")), str(rust))


def _programs(source: Source, folder: str, manifest: Mapping[str, Any], name: str) -> Iterator[str]:
    """Those named under [[bin]], unless they need a feature that is off, and those that lie where Cargo looks."""
    named = [it for it in manifest.get("bin", []) if isinstance(it, dict)]
    features = table(manifest, "features").get("default", [])
    for it in named:
        if set(it.get("required-features", [])) <= set(features):
            yield str(it.get("name", ""))
    if table(manifest, "package").get("autobins") is False:
        return
    taken = {str(it.get("path", "")) for it in named}
    names = {str(it.get("name", "")) for it in named}
    prefix = f"{folder}/" if folder else ""
    for path in (path.removeprefix(prefix) for path in source.paths() if path.startswith(prefix)):
        inside = _FILE_OF_A_PROGRAM.match(path)
        found = name if path == "src/main.rs" else inside[1] if inside else ""
        if found and path not in taken and found not in names:
            yield found


def _check_dependencies(source: Source, folder: str, manifest: Mapping[str, Any]) -> None:
    """Raises BuildFailed for a dependency by `path` that is not in the commit."""
    paths = frozenset(source.paths())
    for kind in _DEPENDENCIES:
        for name, wanted in table(manifest, kind).items():
            if not isinstance(wanted, dict) or "path" not in wanted:
                continue
            file = posixpath.normpath(posixpath.join(folder, str(wanted["path"]), MANIFEST))
            if file not in paths:
                raise failed(LocalDependencyMissing(posixpath.join(folder, MANIFEST), name, file))
