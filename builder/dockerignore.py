"""`.dockerignore`, with the rules of Docker itself.

BuildKit does not apply the file to a context that comes as a tar stream, so Portside leaves the files out itself. The
Docker SDK's own matcher differs from the engine's (escapes, `[^…]`, patterns that match a grandparent, bad patterns),
so this follows moby's: https://github.com/moby/patternmatcher (`MatchesOrParentMatches`) and its `ignorefile`.
Two oddities of the old engine 20.10 are not followed: there, an exception beginning with a wildcard (`!**/keep`)
never reaches into an excluded folder, and one naming a missing file leaves its empty folder behind.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from builder.problems import BadIgnorePattern, failed

_SPECIAL_IN_REGEX = frozenset(".+()|{}$")


@dataclass(frozen=True)
class Pattern:
    """One line: `exception` when it began with `!`."""

    exception: bool
    matches: Callable[[str], bool]


class Ignore:
    """Which paths of a tree a `.dockerignore` leaves out."""

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        self._patterns = tuple(patterns)
        self._folders: dict[str, tuple[bool, tuple[bool, ...]]] = {"": (False, (False,) * len(self._patterns))}

    def excludes(self, path: str) -> bool:
        """Whether the file or folder at `path` (relative, slashes) matches, by itself or through a folder above it."""
        return self._match(path, self._of_folder(posixpath.dirname(path))[1])[0]

    def _of_folder(self, folder: str) -> tuple[bool, tuple[bool, ...]]:
        if folder not in self._folders:
            above = self._of_folder(posixpath.dirname(folder))
            self._folders[folder] = self._match(folder, above[1])
        return self._folders[folder]

    def _match(self, path: str, above: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        """(excluded, which patterns matched), where the last pattern that matches decides."""
        excluded, matched = False, []
        for pattern, matched_above in zip(self._patterns, above, strict=True):
            hit = matched_above or pattern.matches(path)
            matched.append(hit)
            if hit:
                excluded = not pattern.exception
        return excluded, tuple(matched)


def parse(content: bytes, name: str = ".dockerignore") -> Ignore:
    """The rules in a file's content; raises BuildFailed naming the line that Docker would refuse."""
    patterns = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = _cleaned(line.decode(errors="surrogateescape"))
        if text is None:
            continue
        exception = text.startswith("!")
        text = text.removeprefix("!")
        try:
            if not text or not _is_well_formed(text):
                raise re.error("not well formed")
            patterns.append(Pattern(exception, _matcher(text)))
        except re.error as error:
            raise failed(BadIgnorePattern(name, number, line.decode(errors="replace").strip())) from error
    return Ignore(patterns)


def _cleaned(line: str) -> str | None:
    """The pattern as Docker reads it, None for a comment or an empty line."""
    if line.startswith("#") or not line.strip():
        return None
    text = line.strip()
    exception = text.startswith("!")
    if exception:
        text = text[1:].strip()
    if text:
        text = posixpath.normpath(text)
        text = text.lstrip("/") or "/"
    return f"!{text}" if exception else text


def _is_well_formed(pattern: str) -> bool:
    """Whether Go's `filepath.Match` takes the pattern: classes closed and not empty, no lone backslash at the end."""
    position = 0
    while position < len(pattern):
        if pattern[position] == "\\":
            position += 1
            if position == len(pattern):
                return False
        elif pattern[position] == "[":
            end = _class_end(pattern, position + 1)
            if end is None:
                return False
            position = end
        position += 1
    return True


def _class_end(pattern: str, position: int) -> int | None:
    """Where the character class ends that was opened just before `position`."""
    position += pattern.startswith("^", position)
    ranges = 0
    while not (pattern.startswith("]", position) and ranges):
        for _ in ("low", "high"):
            if position >= len(pattern) or pattern[position] in "-]":
                return None
            position += 2 if pattern[position] == "\\" else 1
            if not pattern.startswith("-", position):
                break
            position += 1
        else:
            return None
        ranges += 1
    return position


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Moby's four kinds of match: by equality, by a leading or a trailing `**`, by regular expression."""
    plain = not any(special in pattern for special in "*?[]\\")
    if plain:
        return lambda path: path == pattern
    rest = pattern[2:]
    if pattern.startswith("**") and not any(special in rest for special in "*?[]\\"):
        return lambda path: path.endswith(rest) or path == rest.removeprefix("/")
    start = pattern[:-2]
    if pattern.endswith("**") and not any(special in start for special in "*?[]\\"):
        return lambda path: path.startswith(start)
    compiled = re.compile(_regex(pattern), re.ASCII)
    return lambda path: compiled.fullmatch(path) is not None


def _regex(pattern: str) -> str:
    parts, position = [], 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*" and pattern.startswith("*", position):
            position += 1
            position += pattern.startswith("/", position)
            parts.append("(.*/)?" if position < len(pattern) else ".*")
        elif character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character in _SPECIAL_IN_REGEX:
            parts.append(f"\\{character}")
        elif character == "\\":
            parts.append(re.escape(pattern[position]))
            position += 1
        else:
            parts.append(character)
    return "".join(parts)
