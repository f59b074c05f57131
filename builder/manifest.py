"""What an app says about itself: its Procfile, and the health checks in its app.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.types import BuildFailed, Source

PROCFILE_LINE = re.compile(r"^([A-Za-z0-9_-]+)\s*:\s*(\S.*)$")
TYPE_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,29}$")
PROCFILE_EXAMPLE = "web: gunicorn app:app"


@dataclass(frozen=True)
class Manifest:
    """`processes`: (type, command) in the Procfile's order, None when there is no Procfile.

    `health_paths`: the HTTP path that must answer before an instance of a type counts as healthy.
    """

    processes: tuple[tuple[str, str], ...] | None
    health_paths: Mapping[str, str]


def read_manifest(source: Source) -> Manifest:
    """The manifest of a source; raises BuildFailed with the line that is wrong."""
    procfile = source.read("Procfile")
    app_json = source.read("app.json")
    return Manifest(
        None if procfile is None else parse_procfile(procfile),
        {} if app_json is None else parse_health_paths(app_json),
    )


def parse_procfile(content: bytes) -> tuple[tuple[str, str], ...]:
    """`type: command` lines; blank lines and comments are passed over."""
    found: dict[str, str] = {}
    for number, raw in enumerate(content.decode("utf-8-sig", errors="replace").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = PROCFILE_LINE.match(line)
        if match is None:
            raise _wrong_line(number, line, "it is not of the form `type: command`")
        name, command = match.groups()
        if not TYPE_NAME.match(name):
            raise _wrong_line(number, line, "a type is a lower-case letter, then letters, digits, - or _")
        if name in found:
            raise _wrong_line(number, line, f"the type {name!r} stands there twice")
        found[name] = command
    if not found:
        raise BuildFailed("The Procfile is empty.", f"Put a line in it for each process, such as: {PROCFILE_EXAMPLE}")
    return tuple(found.items())


def _wrong_line(number: int, line: str, reason: str) -> BuildFailed:
    return BuildFailed(f"Procfile line {number} ({line[:80]!r}): {reason}.", f"A right line: {PROCFILE_EXAMPLE}")


def parse_health_paths(content: bytes) -> dict[str, str]:
    """The path of each type's first `startup` check under `healthchecks`, as Dokku reads it.

    The format: https://dokku.com/docs/deployment/zero-downtime-deploys/#docker-healthchecks
    """
    checks = _load(content).get("healthchecks", {})
    if not isinstance(checks, dict):
        raise _wrong_checks("`healthchecks` is not an object")
    paths = {}
    for process, entries in checks.items():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise _wrong_checks(f"`healthchecks.{process}` is not a list of objects")
        startup = (entry for entry in entries if entry.get("type", "startup") == "startup")
        path = next((entry["path"] for entry in startup if "path" in entry), None)
        if path is not None:
            paths[process] = _checked_path(process, path)
    return paths


def _load(content: bytes) -> dict[str, Any]:
    try:
        loaded = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        message = f"app.json is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        raise BuildFailed(message, "Mend that line.") from error
    except UnicodeDecodeError as error:
        raise BuildFailed("app.json is not UTF-8 text.", "Save it as UTF-8.") from error
    if not isinstance(loaded, dict):
        raise BuildFailed("app.json is not a JSON object.", 'It begins with "{" and ends with "}".')
    return loaded


def _checked_path(process: str, path: object) -> str:
    if not isinstance(path, str) or not re.fullmatch(r"/[!-~]*", path):
        raise _wrong_checks(f"the path {path!r} of `healthchecks.{process}` does not begin with / or holds blanks")
    return path


def _wrong_checks(what: str) -> BuildFailed:
    example = '{"healthchecks": {"web": [{"type": "startup", "path": "/health"}]}}'
    return BuildFailed(f"app.json: {what}.", f"A right one: {example}")
