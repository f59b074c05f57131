"""What Maven, Gradle and the recipe's own search print when a Java app's build fails."""

from __future__ import annotations

import re
from collections.abc import Iterable

from builder.problems import DependencyNotFound, Problem
from builder.problems.java import CompileError, NothingToRun, SeveralToRun

_COMPILERS = (
    re.compile(
        r"^\[ERROR\] (?:/app/)?(?P<file>\S+\.(?:java|kt|groovy|scala)):\s?[\[(](?P<line>\d+),\s?\d+[\])] (?P<said>.+)"
    ),
    re.compile(r"^(?:/app/)?(?P<file>\S+\.java):(?P<line>\d+): error: (?P<said>.+)"),
    re.compile(r"^e: (?:file://)?(?:/app/)?(?P<file>\S+\.kts?):(?P<line>\d+):\d+:? (?P<said>.+)"),
)
_DEPENDENCIES = (
    re.compile(r"Could not find artifact (?P<package>[\w.-]+(?::[\w.-]+)+)"),
    re.compile(r"> Could not find (?P<package>[\w.-]+:[\w.-]+:[\w.+-]+)\.$"),
    re.compile(r"Plugin \[id: '(?P<package>[\w.-]+)'.*\] was not found"),
)
_NOTHING = re.compile(r"^The build made nothing to run, but: ?(.*)$")
_SEVERAL = re.compile(r"^The build made several to run: (.+)$")


def problem_in(tail: Iterable[str]) -> Problem | None:
    """What the last lines of a failed step say, where they are a Java build's."""
    for line in tail:
        if found := _first(_COMPILERS, line):
            return CompileError(found["file"], int(found["line"]), found["said"])
        if found := _first(_DEPENDENCIES, line):
            return DependencyNotFound(found["package"], re.sub(r"^(?:\[ERROR\]|>)\s*", "", line))
        if found := _NOTHING.match(line):
            return NothingToRun(tuple(found[1].split()))
        if found := _SEVERAL.match(line):
            return SeveralToRun(tuple(found[1].split()))
    return None


def _first(patterns: Iterable[re.Pattern[str]], line: str) -> re.Match[str] | None:
    found = (pattern.search(line) for pattern in patterns)
    return next((match for match in found if match), None)
