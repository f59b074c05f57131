"""Checks that people set for an app, beside app.json: what they may say, and what is in force. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import UserError
from scheduler import checks
from scheduler.checks import CheckKind, HealthCheck
from scheduler.types import WEB, RunSpec

EXAMPLE = "For example: portside checks:set web --path /health"
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "type": str,
    "path": str,
    "command": list,
    "listening": bool,
    "uptime": int,
    "port": int,
    "scheme": str,
    "content": str,
    "attempts": int,
    "timeout": int,
    "wait": int,
    "initialDelay": int,
    "warn": bool,
}
_WAYS = ("path", "command", "listening", "uptime")


@dataclass(frozen=True)
class InForce:
    """A check that holds for a process type. `source`: `app.json`, `set` (for the app) or `default`."""

    process_type: str
    check: HealthCheck
    source: str


def checks_in_force(spec: RunSpec) -> list[InForce]:
    """All checks of all types; a type without a startup check has the one that it has by itself."""
    found = []
    for process in spec.processes:
        own, all_checks = spec.checks.get(process.name, ()), spec.checks_of(process.name)
        if not any(one.kind is CheckKind.STARTUP for one in all_checks):
            found.append(InForce(process.name, HealthCheck(listening=process.name == WEB), "default"))
        found += [InForce(process.name, one, "set" if one in own else "app.json") for one in all_checks]
    return found


def parse_check(values: Mapping[str, Any]) -> HealthCheck:
    """One check with the keys of app.json. UserError with all that is wrong."""
    said = {key: value for key, value in values.items() if value is not None}
    wrong = [f"{key} is not known" for key in said if key not in _KINDS]
    wrong += [f"{key} has a wrong kind of value" for key in said if key in _KINDS and not _fits(key, said[key])]
    if not wrong:
        wrong = _wrong(said)
    if wrong:
        raise UserError(f"That check can't be: {'; '.join(wrong)}.", EXAMPLE)
    return checks.read_one(said)


def with_check(own: Sequence[HealthCheck], check: HealthCheck) -> tuple[HealthCheck, ...]:
    """With `check` in the place of those of its kind."""
    return (*without(own, check.kind), check)


def without(own: Sequence[HealthCheck], kind: CheckKind | None) -> tuple[HealthCheck, ...]:
    """Without those of a kind (None: of any)."""
    return tuple(one for one in own if kind is not None and one.kind is not kind)


def check_kind(text: str | None) -> CheckKind | None:
    """The kind by its name; UserError for what is none."""
    if not text:
        return None
    if text not in list(CheckKind):
        raise UserError(f"There is no {text} check: the types are {', '.join(CheckKind)}.", EXAMPLE)
    return CheckKind(text)


def described(own: Sequence[HealthCheck]) -> str:
    """`startup: GET /up, liveness: bin/alive`; `none` for none."""
    return ", ".join(f"{one.kind}: {one}" for one in own) or "none"


def _fits(key: str, value: object) -> bool:
    is_flag = isinstance(value, bool)
    if key == "command":
        return isinstance(value, list) and all(isinstance(part, str) and part for part in value)
    return isinstance(value, _KINDS[key]) and is_flag == (_KINDS[key] is bool)


def _wrong(said: Mapping[str, Any]) -> list[str]:
    wrong = []
    ways = [way for way in _WAYS if said.get(way)]
    if len(ways) != 1:
        wrong.append(f"it needs one of {', '.join(_WAYS)}" + (f", not {' and '.join(ways)}" if ways else ""))
    if said.get("type") and said["type"] not in list(CheckKind):
        wrong.append(f"type is one of {', '.join(CheckKind)}, not {said['type']}")
    if said.get("path") and not re.fullmatch(r"/[!-~]*", said["path"]):
        wrong.append(f"path begins with / and has no blanks, unlike {said['path']!r}")
    if said.get("content") and not said.get("path"):
        wrong.append("content needs a path")
    if said.get("scheme", "http") not in ("http", "https"):
        wrong.append(f"scheme is http or https, not {said['scheme']}")
    if not 1 <= said.get("port", 1) <= 65535:
        wrong.append(f"port is 1 to 65535, not {said['port']}")
    numbers = ("uptime", "attempts", "timeout", "wait", "initialDelay")
    return wrong + [f"{key} is 0 or more" for key in numbers if said.get(key, 0) < 0]
