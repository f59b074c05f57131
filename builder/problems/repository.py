"""What is wrong with the files of a commit."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report

_LISTED_FILES = 12


@dataclass(frozen=True)
class EmptyTree(Problem):
    """The commit holds no file."""

    expected: tuple[str, ...]

    def report(self) -> Report:
        return Report(
            "The commit holds no files.",
            "an empty repository",
            f"an app, told by one of: {', '.join(self.expected)}",
            "git add the files of your app, " + AGAIN,
        )


@dataclass(frozen=True)
class NothingDetected(Problem):
    """No pack knows the app. `found` is what lies at the root; `near` (a file, what it may be meant to be)."""

    found: tuple[str, ...]
    expected: tuple[str, ...]
    near: tuple[str, str] | None

    def report(self) -> Report:
        more = len(self.found) - _LISTED_FILES
        todo = "Put one of these at the root of the repository, " + AGAIN
        return Report(
            "No known kind of app was found.",
            ", ".join(self.found[:_LISTED_FILES]) + (f" and {more} more" if more > 0 else ""),
            f"one of: {', '.join(self.expected)}",
            _rename(*self.near) if self.near else todo,
        )


@dataclass(frozen=True)
class NoProcfile(Problem):
    """Only a Procfile could say how to start the app. `near`: a file that may be meant to be one."""

    near: str | None
    example: str = "web: gunicorn app:app"

    def report(self) -> Report:
        return Report(
            "Nothing says how to start the app.",
            self.near or "no Procfile",
            f"a file named Procfile at the root, with a line such as: {self.example}",
            _rename(self.near, "Procfile") if self.near else f"Write the Procfile, {AGAIN}",
        )


@dataclass(frozen=True)
class NeededFileIgnored(Problem):
    """An ignore file leaves out a file that the pack's recipe copies."""

    ignore_file: str
    path: str

    words = (
        "{ignore_file} leaves out {path}, which the build needs.",
        "a pattern in {ignore_file} that matches {path}",
        "{path} in the build",
        "Add the line !{path} at the end of {ignore_file}, " + AGAIN,
    )


@dataclass(frozen=True)
class BadIgnorePattern(Problem):
    """A line of an ignore file that Docker would refuse too."""

    ignore_file: str
    line: int
    text: str

    words = (
        "{ignore_file} has a line that is not a pattern.",
        "line {line}: `{text}`",
        "a pattern as in https://docs.docker.com/build/concepts/context/#dockerignore-files",
        "Mend line {line} of {ignore_file}, " + AGAIN,
    )


@dataclass(frozen=True)
class LinkLoop(Problem):
    """A symbolic link that leads back to itself."""

    path: str

    words = (
        "The symbolic link {path} leads back to itself.",
        "a loop of symbolic links",
        "a link that ends at a file, or {path} as a file",
        "Put the file there: rm {path}, write it anew, " + AGAIN,
    )


@dataclass(frozen=True)
class LinkBroken(Problem):
    """A symbolic link to something that is not in the commit; `target` as the link says it."""

    path: str
    target: str

    words = (
        "The symbolic link {path} leads to nothing in the commit.",
        "{path} -> {target}",
        "a link to a file of the same repository",
        "git add {target}, or put the file itself at {path}, " + AGAIN,
    )


def _rename(found: str, meant: str) -> str:
    return f"Is {found} meant to be {meant}? git mv {found} {meant}"
