"""What is wrong with the language and the dependencies that an app asks for."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report


@dataclass(frozen=True)
class VersionUnavailable(Problem):
    """A version that this server does not have. `line` is what the file should say."""

    language: str
    file: str
    wanted: str
    has: str
    line: str

    words = (
        "{file} asks for a {language} that this server does not have.",
        "`{wanted}`",
        "{language} {has}",
        "Put {line} in {file}, or bring a Dockerfile with another {language}, " + AGAIN,
    )


@dataclass(frozen=True)
class RequirementsMissing(Problem):
    """A requirements file that another one names is not in the commit. `submodule`: the one it should come from."""

    path: str
    named_in: str
    submodule: str | None = None

    def report(self) -> Report:
        todo = f"git add {self.path}, {AGAIN}"
        if self.submodule:
            todo = (
                "Put the files of the submodule into the repository itself: "
                f"submodules do not travel with a push, {AGAIN}"
            )
        return Report(
            f"{self.named_in} names {self.path}, which is not in the commit.",
            f"{self.path} in the git submodule {self.submodule}" if self.submodule else f"no {self.path}",
            f"{self.path} beside it, committed",
            todo,
        )


@dataclass(frozen=True)
class NoProjectTable(Problem):
    """A pyproject.toml that lists no dependencies, and nothing else does."""

    words = (
        "Nothing says what to install.",
        "a pyproject.toml without a [project] table, and no requirements.txt",
        "the dependencies in requirements.txt, or under [project] in pyproject.toml",
        "Write one of the two (an empty requirements.txt for none), " + AGAIN,
    )


@dataclass(frozen=True)
class LockFilesClash(Problem):
    """Lock files of several tools."""

    language: str
    found: tuple[str, ...]

    def report(self) -> Report:
        return Report(
            f"Lock files of {len(self.found)} {self.language} package managers were found.",
            ", ".join(self.found),
            "one lock file, which alone says what to install",
            f"Keep the one that you use, for example: git rm {' '.join(self.found[1:])}, {AGAIN}",
        )


@dataclass(frozen=True)
class DependencyNotFound(Problem):
    """A package, or a version of it, that the package index does not have."""

    package: str
    said: str

    words = (
        "The dependency {package} can't be had.",
        "{said}",
        "a name and a version that the package index has",
        "Check the name and the version of {package}, " + AGAIN,
    )


@dataclass(frozen=True)
class CompilerMissing(Problem):
    """A dependency that must be compiled where there is no compiler."""

    step: str
    tool: str

    words = (
        "A dependency must be compiled, and there is no {tool} for it.",
        "no {tool} in `{step}`",
        "a version of the dependency with a ready-made wheel",
        "Pin a version that has one (psycopg2-binary for psycopg2), or bring a Dockerfile, " + AGAIN,
    )
