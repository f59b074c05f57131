"""Health checks as app.json writes them (`healthchecks`, Dokku's format); pure.

https://github.com/dokku/docker-container-healthchecker/blob/main/docs/file-format.md. What differs: a startup check is
asked at once and again and again until it passes, so `initialDelay` and `wait` only say how long that may take; and
`onFailure` is not carried out (its command would run on the host).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ATTEMPTS = 3
TIMEOUT_S = 5.0
WAIT_S = 5.0


class CheckKind(StrEnum):
    STARTUP = "startup"  # decides whether a boot has succeeded
    READINESS = "readiness"  # decides whether a running instance is in its route
    LIVENESS = "liveness"  # decides whether a running instance is replaced


@dataclass(frozen=True)
class HealthCheck:
    """One check of a process type: GET `path`, a `command` inside, a connection (`listening`), or a time without exit.

    With none of the four, it is what its type has by itself: `web` listens, others run for a while. `port` None: PORT.
    `attempts` failures in a row, `wait_s` apart, make it fail; None: as many as its kind has by itself. `warn`: its
    failure is only told.
    """

    kind: CheckKind = CheckKind.STARTUP
    name: str = ""
    path: str | None = None
    command: tuple[str, ...] = ()
    listening: bool = False
    uptime_s: float | None = None
    port: int | None = None
    scheme: str = "http"
    content: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attempts: int | None = None
    timeout_s: float = TIMEOUT_S
    wait_s: float = WAIT_S
    initial_delay_s: float = 0.0
    warn: bool = False

    @property
    def failures_allowed(self) -> int:
        """How many failures in a row make it fail."""
        return self.attempts or ATTEMPTS

    @property
    def patience_s(self) -> float | None:
        """How long a boot may take to pass it; None where it does not say."""
        if self.uptime_s is not None:
            return self.initial_delay_s + self.uptime_s + self.timeout_s
        if self.attempts is None and not self.initial_delay_s:
            return None
        return self.initial_delay_s + self.failures_allowed * (self.wait_s + self.timeout_s)

    def __str__(self) -> str:
        """What it does, for people: `GET /up`."""
        at = "" if self.port is None else f" on port {self.port}"
        if self.path is not None:
            secure = " over TLS" if self.scheme == "https" else ""
            return f"GET {self.path}{at}{secure}" + (f" has {self.content!r}" if self.content else "")
        if self.command:
            return " ".join(self.command)
        if self.listening:
            return f"listens{at or ' on PORT'}"
        return "runs" if self.uptime_s is None else f"runs for {self.uptime_s:g} s"


def overlaid(app_json: Sequence[HealthCheck], own: Sequence[HealthCheck]) -> tuple[HealthCheck, ...]:
    """What holds where `own` were set for the app: they take the place of app.json's of the same kind."""
    kinds = {one.kind for one in own}
    return (*(one for one in app_json if one.kind not in kinds), *own)


def read(text: str) -> tuple[HealthCheck, ...]:
    """The checks of one type from the JSON text of its list; a text that begins with / is the path of a startup check
    (as releases recorded it once)."""
    if text.startswith("/"):
        return (HealthCheck(path=text),)
    return tuple(read_one(entry) for entry in json.loads(text))


def write(checks: Iterable[HealthCheck]) -> str:
    """The JSON text that `read` reads."""
    return json.dumps([as_app_json(one) for one in checks])


def as_app_json(check: HealthCheck) -> dict[str, object]:
    """The check with the keys of app.json, those left out that say nothing."""
    headers = [{"name": name, "value": value} for name, value in check.headers]
    said: dict[str, object] = {
        "type": str(check.kind),
        "name": check.name or None,
        "path": check.path,
        "command": list(check.command) or None,
        "listening": check.listening or None,
        "uptime": check.uptime_s,
        "port": check.port,
        "scheme": None if check.scheme == "http" else check.scheme,
        "content": check.content or None,
        "httpHeaders": headers or None,
        "attempts": check.attempts,
        "timeout": None if check.timeout_s == TIMEOUT_S else check.timeout_s,
        "wait": None if check.wait_s == WAIT_S else check.wait_s,
        "initialDelay": check.initial_delay_s or None,
        "warn": check.warn or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def read_one(entry: Mapping[str, Any]) -> HealthCheck:
    """A check with the keys of app.json; 0 and "" mean what leaving a key out means, as with Dokku."""
    return HealthCheck(
        kind=CheckKind(entry.get("type") or CheckKind.STARTUP),
        name=entry.get("name") or "",
        path=entry.get("path") or None,
        command=tuple(entry.get("command") or ()),
        listening=bool(entry.get("listening")),
        uptime_s=entry.get("uptime") or None,
        port=entry.get("port") or None,
        scheme=entry.get("scheme") or "http",
        content=entry.get("content") or "",
        headers=tuple((one["name"], one["value"]) for one in entry.get("httpHeaders") or ()),
        attempts=entry.get("attempts") or None,
        timeout_s=float(entry.get("timeout") or TIMEOUT_S),
        wait_s=float(entry.get("wait") or WAIT_S),
        initial_delay_s=float(entry.get("initialDelay") or 0),
        warn=bool(entry.get("warn")),
    )
