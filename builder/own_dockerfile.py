"""What an app says of its own Dockerfile: the table [build] of portside.toml.

The keys are those of Docker's own options: https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from builder.near import nearest
from builder.portside_toml import SETTINGS_FILE, portside_toml, table_mistakes
from builder.problems import DockerfileMissing, Mistake, SettingsWrong, StageMissing, Wrong, failed
from builder.types import OwnDockerfile, Source

TABLE = "build"
DOCKERFILE = "Dockerfile"
KEYS = ("dockerfile", "target", "args", "secrets")
_FILE = re.compile(r"[\w.-]+(/[\w.-]+)*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STAGE = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*\S+(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
_ARG = re.compile(r"^\s*ARG\s+(.+)$", re.IGNORECASE | re.MULTILINE)
# https://docs.docker.com/build/building/variables/#pre-defined-build-arguments: known without a line in the Dockerfile.
_GIVEN = re.compile(r"(HTTPS?|FTP|NO|ALL)_PROXY|BUILDKIT_\w+|SOURCE_DATE_EPOCH", re.IGNORECASE)


def own_dockerfile(source: Source) -> OwnDockerfile | None:
    """The Dockerfile of a source; None for a source that has none and names none. Raises BuildFailed."""
    told = portside_toml(source).get(TABLE, {})
    mistakes = tuple(_mistakes(told))
    if mistakes:
        raise failed(SettingsWrong(SETTINGS_FILE, mistakes, f"under [{TABLE}]: {', '.join(KEYS)}"))
    path = posixpath.normpath(told.get("dockerfile", DOCKERFILE))
    paths = source.paths()
    if path not in paths:
        if "dockerfile" not in told:
            return None
        alike = [each for each in paths if DOCKERFILE.lower() in posixpath.basename(each).lower()]
        raise failed(DockerfileMissing(path, nearest(path, alike) or "", tuple(alike)))
    args = {name: _as_text(value) for name, value in told.get("args", {}).items()}
    own = OwnDockerfile(path, told.get("target", ""), args, tuple(told.get("secrets", ())))
    _check_target(own, (source.read(path) or b"").decode(errors="replace"))
    return own


def told_of(own: OwnDockerfile, text: str) -> tuple[str, ...]:
    """Lines on how a Dockerfile with this text is built, for who reads the build's log."""
    lines = [f"Building {own.path}, as {SETTINGS_FILE} says"] if own.path != DOCKERFILE else []
    lines += [f"Up to its stage {own.target}"] if own.target else []
    lines += [f"Secret {name} from the app's config" for name in own.secrets]
    declared = [each.partition("=")[0] for line in _ARG.findall(text) for each in line.split()]
    for name in own.args:
        if name not in declared and not _GIVEN.fullmatch(name):
            near = nearest(name, declared)
            lines.append(f"{own.path} has no ARG {name}{f': is {near} meant?' if near else ''}")
    return tuple(lines)


def _check_target(own: OwnDockerfile, text: str) -> None:
    """A target is a stage's name, in any case, or its number from 0."""
    stages = _STAGE.findall(text)
    names = [name.lower() for name in stages if name]
    if own.target and own.target.lower() not in (*names, *map(str, range(len(stages)))):
        raise failed(StageMissing(own.path, own.target, tuple(name for name in stages if name)))


def _mistakes(told: Any) -> Iterator[Mistake]:
    yield from table_mistakes(TABLE, told, KEYS)
    if not isinstance(told, dict):
        return
    for key in KEYS:
        if key in told and (wrong := _WRONG[key](told[key])):
            yield Mistake(SETTINGS_FILE, 0, 0, Wrong.NOT_ONE_OF, f"{TABLE}.{key}", wrong)


def _wrong_path(value: Any) -> str:
    right = isinstance(value, str) and _FILE.fullmatch(value) and ".." not in value.split("/")
    return "" if right else "the path of a file in the repository, such as deploy/Dockerfile"


def _wrong_target(value: Any) -> str:
    return "" if isinstance(value, str) and re.fullmatch(r"[\w.-]+", value) else "the name of a stage"


def _wrong_args(value: Any) -> str:
    right = isinstance(value, dict) and all(
        _NAME.fullmatch(name) and isinstance(each, (str, int, float)) for name, each in value.items()
    )
    return "" if right else "a table of name = value, each a text, a number, true or false"


def _wrong_secrets(value: Any) -> str:
    right = isinstance(value, list) and all(isinstance(each, str) and _NAME.fullmatch(each) for each in value)
    return "" if right else 'a list of names of config variables, such as ["NPM_TOKEN"]'


_WRONG: Mapping[str, Any] = {
    "dockerfile": _wrong_path,
    "target": _wrong_target,
    "args": _wrong_args,
    "secrets": _wrong_secrets,
}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
