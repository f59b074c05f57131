"""Stacks: the Debian that an app is built and run on, and the languages that come with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builder.problems import VersionUnavailable
from builder.problems_text import failed
from builder.types import Wanted
from core.errors import UserError


@dataclass(frozen=True)
class Stack:
    """`suite` is Debian's name of it. `versions`: language → what its packages hold (https://packages.debian.org)."""

    name: str
    suite: str
    versions: Mapping[str, str]


STACKS = (
    Stack("debian-13", "trixie", {"Python": "3.13"}),
    Stack("debian-14", "forky", {"Python": "3.14"}),
)
DEFAULT = STACKS[0]


def stack_named(name: str) -> Stack:
    """Raises UserError for a name that no stack has."""
    for stack in STACKS:
        if stack.name == name:
            return stack
    known = " or ".join(stack.name for stack in STACKS)
    raise UserError(f"There is no stack {name!r}.", f"Choose {known}: portside stack:set {DEFAULT.name}")


def choose(wanted: Wanted, own: Stack) -> tuple[Stack, tuple[str, ...]]:
    """The stack that has the version wanted, the app's own first, and what to say of it.

    Raises BuildFailed for a version that no stack has.
    """
    language = wanted.language
    if not wanted.file:
        return own, (f"Using {language} {own.versions[language]} (no {wanted.expected_file} found)",)
    for stack in (own, *STACKS):
        version = stack.versions[language]
        if wanted.version == version or wanted.version.startswith(f"{version}."):
            using = f"Using {language} {version}, as {wanted.file} says"
            if stack == own:
                return stack, (using,)
            other = f"Building on {stack.name}: {own.name} has {language} {own.versions[language]}"
            return stack, (using, f"{other} (to keep: portside stack:set {stack.name})")
    has = " or ".join(dict.fromkeys(stack.versions[language] for stack in (own, *STACKS)))
    line = wanted.prefix + own.versions[language]
    raise failed(VersionUnavailable(language, wanted.file, wanted.text or "no version", has, line))
