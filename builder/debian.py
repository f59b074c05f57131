"""Stacks: the Debian that an app is built and run on, and the languages that come with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from builder.official import OfficialImage, image_for
from builder.problems import VersionUnavailable, failed
from builder.types import Wanted
from core.errors import UserError


@dataclass(frozen=True)
class Stack:
    """`suite` is Debian's name of it. `versions`: language → what its packages hold (https://packages.debian.org).

    `others`: language → further versions that its packages hold, for who asks for them.
    """

    name: str
    suite: str
    versions: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def all_versions(self, language: str) -> tuple[str, ...]:
        """Every version of a language that it has, its own choice first."""
        return (self.versions[language], *self.others.get(language, ()))

    def version_for(self, wanted: Wanted) -> str | None:
        """The one of its versions that is wanted; else the first later one, where that will do."""
        versions = self.all_versions(wanted.language)
        later = (one for one in versions if wanted.at_least and _parts(one) > _parts(wanted.version))
        return next((one for one in versions if _is(one, wanted)), None) or next(later, None)


STACKS = (
    Stack(
        "debian-13",
        "trixie",
        {"Python": "3.13", "Java": "21", "Go": "1.24.4", "Rust": "1.85.1"},
        {"Java": ("25",)},
    ),
    Stack(
        "debian-14",
        "forky",
        {"Python": "3.14", "Java": "25", "Go": "1.27", "Rust": "1.97"},
        {"Java": ("21", "26", "27")},
    ),
)
DEFAULT = STACKS[0]


def stack_named(name: str) -> Stack:
    """Raises UserError for a name that no stack has."""
    for stack in STACKS:
        if stack.name == name:
            return stack
    known = " or ".join(stack.name for stack in STACKS)
    raise UserError(f"There is no stack {name!r}.", f"Choose {known}: portside stack:set {DEFAULT.name}")


@dataclass(frozen=True)
class Choice:
    """The stack of a build, the version of its language, and what to say of the two.

    `official`: the image that the language comes from when that is not the stack's own, else "".
    """

    stack: Stack
    version: str
    told: tuple[str, ...]
    official: str = ""


def choose(wanted: Wanted, own: Stack, images: Sequence[OfficialImage] = ()) -> Choice:
    """The image or the stack that has the version wanted: one of `images`, the app's own stack, another.

    Raises BuildFailed for a version that none has.
    """
    language = wanted.language
    official = image_for(wanted, images)
    if official is not None:
        using = f"Using {language} {official.version} of {official.image}, as {wanted.file} says"
        return Choice(own, official.version, (using,), official.image)
    if not wanted.file:
        version = own.versions[language]
        return Choice(own, version, (f"Using {language} {version} (no {wanted.expected_file} found)",))
    for stack in (own, *STACKS):
        found = stack.version_for(wanted)
        if found is None:
            continue
        using = f"Using {language} {found}, as {wanted.file} says"
        if wanted.at_least and not _is(found, wanted):
            using = f"Using {language} {found} ({wanted.file} asks for {wanted.version} or newer)"
        if stack == own:
            return Choice(stack, found, (using,))
        other = f"Building on {stack.name}: {own.name} has {language} {_either(own.all_versions(language))}"
        return Choice(stack, found, (using, f"{other} (to keep: portside stack:set {stack.name})"))
    versions = [version for stack in (own, *STACKS) for version in stack.all_versions(language)]
    has = _either(dict.fromkeys([*versions, *(one.version for one in images if one.language == language)]))
    line = f"{wanted.prefix}{own.versions[language]}{wanted.suffix}"
    raise failed(VersionUnavailable(language, wanted.file, wanted.text or "no version", has, line))


def _is(version: str, wanted: Wanted) -> bool:
    return wanted.version == version or wanted.version.startswith(f"{version}.")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _either(versions: Iterable[str]) -> str:
    *most, last = versions
    return f"{', '.join(most)} or {last}" if most else last
