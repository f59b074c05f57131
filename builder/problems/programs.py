"""Languages whose builds end in programs (Go, Rust): what their repositories can have wrong."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report


@dataclass(frozen=True)
class NoProgram(Problem):
    """Nothing in the app can be run: it is a library. `wanted` is where a program would be."""

    language: str
    file: str
    wanted: str

    words = (
        "The {language} app holds no program, only libraries.",
        "{file}, and nothing that could be run",
        "{wanted}",
        "Add the program that should run, " + AGAIN,
    )


@dataclass(frozen=True)
class SeveralPrograms(Problem):
    """More than one program, none of which is certain to be the web process, and no Procfile."""

    names: tuple[str, ...]
    example: str

    def report(self) -> Report:
        return Report(
            "Nothing says which of the app's programs is its web process.",
            f"{len(self.names)} programs: {', '.join(self.names)}; and no Procfile",
            f"a file named Procfile at the root, with a line such as: {self.example}",
            f"Write the Procfile, or name one of the programs `web` or `server`, {AGAIN}",
        )


@dataclass(frozen=True)
class LockMissing(Problem):
    """A manifest without the file that says which versions of its dependencies to take; `command` writes it."""

    manifest: str
    lock: str
    command: str

    words = (
        "{manifest} has no {lock}, which pins what it asks for.",
        "no {lock}",
        "{lock}, committed: then each build takes the same versions",
        "{command} && git add --force {lock}, " + AGAIN,
    )


@dataclass(frozen=True)
class LockOutdated(Problem):
    """A lock file that does not say which version of a dependency to take."""

    lock: str
    said: str
    command: str

    words = (
        "{lock} does not go with what the app needs.",
        "{said}",
        "a {lock} that knows every dependency",
        "{command} && git add {lock}, " + AGAIN,
    )


@dataclass(frozen=True)
class LocalDependencyMissing(Problem):
    """A manifest names a module or crate of the repository whose own manifest (`path`) is not in the commit."""

    manifest: str
    name: str
    path: str

    words = (
        "{manifest} takes {name} from the repository, where it is not.",
        "no {path} in the commit",
        "{path}, committed; what lies outside the repository does not travel with a push",
        "Put it there with git add, or name a published version in {manifest}, " + AGAIN,
    )


@dataclass(frozen=True)
class ToolTooOld(Problem):
    """A dependency that needs a later `language` than the app asks for; `line` in `file` would ask for it."""

    language: str
    dependency: str
    version: str
    line: str
    file: str

    words = (
        "{dependency} needs a later {language} than this build has.",
        "{dependency}, which needs {language} {version}",
        "dependencies for the {language} that {file} asks for",
        "Put {line} in {file}, for which another stack may be taken, or take an earlier version of it, " + AGAIN,
    )


@dataclass(frozen=True)
class CNeeded(Problem):
    """A Go package of which nothing is left without cgo."""

    package: str
    said: str

    words = (
        "The package {package} has no Go for this build.",
        "{said}",
        "a package in Go, or one in C with CGO_ENABLED=1",
        "If it holds C: portside config:set CGO_ENABLED=1, then push again. Else build without it.",
    )
