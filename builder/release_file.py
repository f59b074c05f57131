"""What an app built by buildpacks runs: its Procfile, and what the last buildpack's `bin/release` printed.

Both are read from the image, for a buildpack may write a Procfile. The format of the latter, YAML:
https://devcenter.heroku.com/articles/buildpack-api#bin-release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from builder.engine import Engine, ImageFacts
from builder.explain import Plan
from builder.manifest import TYPE_NAME, parse_procfile
from builder.problems import BadRelease, NoProcessType, NoStartCommand, failed
from core.logs import LogWriter

RELEASE_FILE = "/opt/portside/release.yml"
PROCFILE = "/app/Procfile"
LARGEST_BYTES = 64 * 1024
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class ReleaseFile:
    """`processes`: commands by type. `config`: variables that hold where the app's own config says nothing."""

    processes: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    addons: tuple[str, ...] = ()


def parse_release(content: bytes) -> ReleaseFile:
    """Raises BuildFailed with the first thing that is wrong; keys that nobody knows are passed over."""
    if len(content) > LARGEST_BYTES:
        raise failed(BadRelease(f"{len(content)} bytes, more than {LARGEST_BYTES}"))
    try:
        told = yaml.safe_load(content.decode())
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise failed(BadRelease(_reason(error))) from error
    if told is None:
        return ReleaseFile()
    if not isinstance(told, dict):
        raise failed(BadRelease(f"{_kind(told)}, not names and values"))
    processes = _texts(told, "default_process_types")
    for name, command in processes.items():
        if not TYPE_NAME.match(name) or not command.strip():
            raise failed(BadRelease(f"default_process_types: `{name}: {command}` is not a process type"))
    config = _texts(told, "config_vars")
    for name in config:
        if not _VARIABLE.match(name):
            raise failed(BadRelease(f"config_vars: `{name}` is not the name of a variable"))
    addons = told.get("addons")
    return ReleaseFile(processes, config, tuple(map(str, addons)) if isinstance(addons, list) else ())


def what_runs(
    engine: Engine, plan: Plan, image_id: str, facts: ImageFacts | None
) -> tuple[tuple[str, str | None], ...]:
    """(type, command) of all that an image runs; command None: its own. Raises BuildFailed when nothing says so.

    With buildpacks: the Procfile's, then what the last one's `bin/release` names and the Procfile does not.
    """
    if plan.detected.buildpacks:
        return _of_buildpacks(engine.read_files(image_id, (PROCFILE, RELEASE_FILE)), plan.manifest.processes or ())
    if plan.manifest.processes is not None:
        return plan.manifest.processes
    if facts is None or not facts.runs_something:
        raise failed(NoStartCommand())
    return (("web", None),)


def _of_buildpacks(
    found: Mapping[str, bytes], pushed: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str | None], ...]:
    own = dict(parse_procfile(found[PROCFILE]) if PROCFILE in found else pushed)
    defaults = parse_release(found.get(RELEASE_FILE, b"")).processes
    if not own and not defaults:
        raise failed(NoProcessType())
    return (*own.items(), *((name, command) for name, command in defaults.items() if name not in own))


def with_defaults(engine: Engine, plan: Plan, image_id: str, name: str, log: LogWriter) -> str:
    """The image named `name`, with the `config_vars` of its buildpack, if any, as its environment; gives its id."""
    if not plan.detected.buildpacks:
        return image_id
    release = parse_release(engine.read_files(image_id, (RELEASE_FILE,)).get(RELEASE_FILE, b""))
    if release.processes:
        log.detail(f"Default types of the buildpack: {', '.join(release.processes)}")
    if release.addons:
        log.detail(f"The buildpack asks for add-ons, which you bring yourself: {', '.join(release.addons)}")
    if not release.config:
        return image_id
    log.detail(f"Defaults of the buildpack, below the app's config: {', '.join(release.config)}")
    return engine.with_environment(image_id, release.config, name)


def _texts(told: Mapping[object, object], key: str) -> dict[str, str]:
    inner = told.get(key)
    if inner is None:
        return {}
    if not isinstance(inner, dict):
        raise failed(BadRelease(f"{key}: {_kind(inner)}, not names and values"))
    for name, value in inner.items():
        if not isinstance(name, str) or isinstance(value, (dict, list)) or value is None:
            raise failed(BadRelease(f"{key}: `{name}` is {_kind(value)}, not text"))
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in inner.items()}


def _kind(value: object) -> str:
    names = {dict: "names and values", list: "a list", str: "text", type(None): "nothing", bool: "true or false"}
    return names.get(type(value), "a number")


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', None) or 'not YAML'}"
