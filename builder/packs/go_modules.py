"""What go.mod and go.work say: modules, the Go they ask for, what they require and what they take from the repository.

The files' syntax: https://go.dev/ref/mod#go-mod-file and https://go.dev/ref/mod#go-work-file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.problems import LocalDependencyMissing, LockMissing, failed
from builder.types import Source

_LOCAL = ("./", "../", "/")


@dataclass(frozen=True)
class Module:
    """A main module. `folder` is where its go.mod lies, "" for the root.

    `go` and `toolchain` are versions such as 1.24.1, "" when not said. `replaced`: module → the folder of the
    repository that takes its place. `install` and `pinned` are Heroku's comments `// +heroku install ./cmd/...` and
    `// +heroku goVersion go1.24` (https://devcenter.heroku.com/articles/go-apps-with-modules).
    """

    folder: str
    path: str
    go: str
    toolchain: str
    requires: frozenset[str]
    replaced: Mapping[str, str]
    install: tuple[str, ...]
    pinned: str

    @property
    def file(self) -> str:
        """The path of its go.mod."""
        return posixpath.join(self.folder, "go.mod")


@dataclass(frozen=True)
class Modules:
    """All main modules of an app. `work_go` is the version in go.work, "" without one.

    `files`: what has to be there before anything can be downloaded. `remote`: what comes from elsewhere.
    """

    main: tuple[Module, ...]
    work_go: str
    files: tuple[str, ...]
    remote: frozenset[str]
    vendored: bool


def read_modules(source: Source) -> Modules | None:
    """The modules at the root or in go.work; None when there are none.

    Raises BuildFailed for a module of the repository that is not in the commit, and for a go.sum that is missing.
    """
    paths = frozenset(source.paths())
    work = _text(source, "go.work")
    folders = [_clean("", words[1]) for words in _directives(work) if words[0] == "use" and len(words) > 1]
    if not folders and "go.mod" not in paths:
        return None
    main = tuple(_module(source, paths, folder, "go.work" if folders else "") for folder in folders or [""])
    vendored = "vendor/modules.txt" in paths
    replaced = {} if vendored else {name: it for module in main for name, it in _needed(module, paths).items()}
    here = {module.path for module in main} | {name for module in main for name in module.replaced}
    remote = frozenset(name for module in main for name in module.requires if name not in here)
    sums = {posixpath.join(module.folder, "go.sum") for module in main} | {"go.work.sum"}
    if remote and not vendored and not sums & paths:
        raise failed(LockMissing(main[0].file, posixpath.join(main[0].folder, "go.sum"), "go mod tidy"))
    local = {posixpath.join(folder, "go.mod") for folder in replaced.values()}
    wanted = {"go.work", *sums, *local, *(module.file for module in main)}
    go = next((words[1] for words in _directives(work) if words[0] == "go" and len(words) > 1), "")
    return Modules(main, go, tuple(sorted(wanted & paths)), remote, vendored)


def _module(source: Source, paths: frozenset[str], folder: str, named_in: str) -> Module:
    file = posixpath.join(folder, "go.mod")
    if file not in paths:
        raise failed(LocalDependencyMissing(named_in, f"./{folder}", file))
    text = _text(source, file)
    said: dict[str, str] = {}
    requires, replaced = set(), {}
    for words in _directives(text):
        if words[0] == "require" and len(words) > 1:
            requires.add(words[1])
        elif words[0] == "replace" and words[-1].startswith(_LOCAL):
            replaced[words[1]] = _clean(folder, words[-1])
        elif len(words) > 1:
            said.setdefault(words[0], words[1])
    heroku = dict(re.findall(r"^//\s*\+heroku\s+(install|goVersion)\s+(.+?)\s*$", text, re.MULTILINE))
    return Module(
        folder,
        said.get("module", ""),
        said.get("go", ""),
        said.get("toolchain", "").removeprefix("go"),
        frozenset(requires),
        replaced,
        tuple(heroku.get("install", "").split()),
        heroku.get("goVersion", "").removeprefix("go"),
    )


def _needed(module: Module, paths: frozenset[str]) -> dict[str, str]:
    """The replacements that are required; raises BuildFailed for one whose folder is not in the commit."""
    needed = {name: folder for name, folder in module.replaced.items() if name in module.requires}
    for name, folder in needed.items():
        file = posixpath.join(folder, "go.mod")
        if file not in paths:
            raise failed(LocalDependencyMissing(module.file, name, file))
    return needed


def _directives(text: str) -> Iterator[list[str]]:
    """Each directive's words; those of a block with the block's own word first."""
    block = ""
    for line in text.splitlines():
        words = [word.strip('"`') for word in line.partition("//")[0].split()]
        if not words:
            continue
        if block:
            block = "" if words == [")"] else block
            if block:
                yield [block, *words]
        elif words[-1] == "(":
            block = words[0]
        else:
            yield words


def _clean(folder: str, relative: str) -> str:
    """A path from `folder` as one from the root; "" for the root itself."""
    path = posixpath.normpath(posixpath.join(folder, relative))
    return "" if path == "." else path


def _text(source: Source, path: str) -> str:
    return (source.read(path) or b"").decode("utf-8-sig", errors="replace")
