"""Is an instance ready? Asked of its own address, never of a published port, or by a command inside.

(A published port proves nothing: docker-proxy accepts before anything listens inside.)
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from urllib.parse import urlsplit

from scheduler.checks import TIMEOUT_S, CheckKind, HealthCheck
from scheduler.runtime import Executed
from scheduler.settings import SchedulerSettings
from scheduler.types import WEB, RunSpec

_CONNECT_S = 1.0
_MOST_READ_BYTES = 1024 * 1024
_LONGEST_SAID = 200

Run = Callable[[Sequence[str], float], Executed]
"""Runs a command inside the instance, for so many seconds at most."""


@dataclass(frozen=True)
class Check:
    """What makes one instance ready: an open port, a good answer at `path`, a `command` that ends with 0, or (none of
    these) `uptime_s` without exit. `timeout_s`: for one answer."""

    address: str
    port: int | None
    path: str | None
    host: str
    uptime_s: float
    command: tuple[str, ...] = ()
    scheme: str = "http"
    content: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = TIMEOUT_S
    warn: bool = False


class Seen(Enum):
    """What was seen of an instance that is not ready."""

    NOTHING_LISTENS = auto()
    NO_ANSWER = auto()
    BAD_STATUS = auto()
    SENT_AWAY = auto()
    NO_CONTENT = auto()
    COMMAND_FAILED = auto()
    COMMAND_LATE = auto()
    TOO_YOUNG = auto()


@dataclass(frozen=True)
class Verdict:
    """Whether the instance is ready, and if not, what was seen.

    `status` is the HTTP status, or the exit code, that there was; `detail` where it redirects to, what the failed
    request ended with, or what the command wrote last.
    """

    ready: bool
    seen: Seen | None = None
    status: int = 0
    detail: str = ""


READY = Verdict(True)


def boot_checks(spec: RunSpec, kind: str, address: str, host: str, settings: SchedulerSettings) -> tuple[Check, ...]:
    """All that an instance of the type `kind` must pass before it counts as running, those that only warn last.

    That is its startup checks, and its readiness checks once: nothing enters a route that would be taken out of it. A
    `web` whose checks ask its PORT nothing must listen there; any other without a startup check must run for a while.
    `host` is the host name that an HTTP check sends, as a visitor would.
    """
    wanted = [one for one in spec.checks_of(kind) if one.kind is not CheckKind.LIVENESS]
    checks = [check_of(spec, one, kind, address, host, settings) for one in wanted]
    asked = any(check.port == spec.port and not check.warn for check in checks)
    if kind == WEB and not asked:
        checks.insert(0, check_of(spec, HealthCheck(), kind, address, host, settings))
    elif kind != WEB and not any(one.kind is CheckKind.STARTUP and not one.warn for one in wanted):
        checks.append(check_of(spec, HealthCheck(), kind, address, host, settings))
    return tuple(sorted(checks, key=lambda check: check.warn))


def check_of(
    spec: RunSpec, wanted: HealthCheck, kind: str, address: str, host: str, settings: SchedulerSettings
) -> Check:
    """One check for one instance."""
    plain = wanted.path is None and not wanted.command and wanted.uptime_s is None
    asks_port = wanted.path is not None or wanted.listening or (plain and kind == WEB)
    return Check(
        address=address,
        port=(wanted.port or spec.port) if asks_port else None,
        path=wanted.path,
        host=host,
        uptime_s=settings.uptime_s if wanted.uptime_s is None else wanted.uptime_s,
        command=wanted.command,
        scheme=wanted.scheme,
        content=wanted.content,
        headers=wanted.headers,
        timeout_s=wanted.timeout_s,
        warn=wanted.warn,
    )


def patience_s(spec: RunSpec, kind: str, settings: SchedulerSettings) -> float:
    """How long an instance of the type may take to become healthy: as its startup checks say, or the server's own."""
    wanted = [one for one in spec.checks_of(kind) if one.kind is not CheckKind.LIVENESS and not one.warn]
    said = [one.patience_s if one.kind is CheckKind.STARTUP else None for one in wanted]
    return max((settings.boot_timeout_s if one is None else one for one in said), default=settings.boot_timeout_s)


def needs_host(spec: RunSpec) -> bool:
    """Whether any check sends a host name."""
    return any(one.path is not None for process in spec.processes for one in spec.checks_of(process.name))


def probe(check: Check, started_at: datetime, now: datetime, run: Run) -> Verdict:
    """Ask once."""
    if check.command:
        return _succeeds(check, run)
    if check.port is None:
        up = now - started_at >= timedelta(seconds=check.uptime_s)
        return READY if up else Verdict(False, Seen.TOO_YOUNG)
    return _connects(check, check.port) if check.path is None else _answers(check, check.port, check.path)


def in_words(check: Check, verdict: Verdict) -> str:
    """What was seen, in a few words."""
    asked = f"GET {check.path}"
    match verdict.seen:
        case Seen.NOTHING_LISTENS:
            return f"nothing listens on port {check.port}"
        case Seen.NO_ANSWER:
            return f"{asked} got {verdict.detail}"
        case Seen.BAD_STATUS | Seen.SENT_AWAY:
            return f"{asked} answered {verdict.status}"
        case Seen.NO_CONTENT:
            return f"{asked} answered without {check.content!r}"
        case Seen.COMMAND_FAILED:
            return f"`{' '.join(check.command)}` ended with exit code {verdict.status}"
        case Seen.COMMAND_LATE:
            return f"`{' '.join(check.command)}` did not end within {check.timeout_s:g} s"
    return "it has not run for long enough"


def _succeeds(check: Check, run: Run) -> Verdict:
    ran = run(check.command, check.timeout_s)
    written = [line.strip() for line in ran.output.splitlines() if line.strip()]
    said = written[-1][:_LONGEST_SAID] if written else "no output"
    if ran.code is None:
        return Verdict(False, Seen.COMMAND_LATE, detail=said)
    return Verdict(False, Seen.COMMAND_FAILED, ran.code, said) if ran.code else READY


def _connects(check: Check, port: int) -> Verdict:
    try:
        socket.create_connection((check.address, port), timeout=min(_CONNECT_S, check.timeout_s)).close()
    except OSError:
        return Verdict(False, Seen.NOTHING_LISTENS)
    return READY


def _answers(check: Check, port: int, path: str) -> Verdict:
    connection = _connection(check, port)
    headers = {"Host": check.host, "User-Agent": "Portside-Health", **dict(check.headers)}
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        status, location = answer.status, answer.headers.get("Location", "")
        body = answer.read(_MOST_READ_BYTES) if check.content else b""
    except ConnectionRefusedError:
        return Verdict(False, Seen.NOTHING_LISTENS)
    except (OSError, http.client.HTTPException) as error:
        return Verdict(False, Seen.NO_ANSWER, detail=_broken(error, check.timeout_s))
    finally:
        connection.close()
    if not 200 <= status < 400:
        return Verdict(False, Seen.BAD_STATUS, status)
    if status >= 300 and _leads_away(location, check):
        return Verdict(False, Seen.SENT_AWAY, status, location)
    if check.content and check.content.encode() not in body:
        return Verdict(False, Seen.NO_CONTENT, status)
    return READY


def _connection(check: Check, port: int) -> http.client.HTTPConnection:
    """A certificate proves nothing at a container's address, so none is asked for."""
    if check.scheme != "https":
        return http.client.HTTPConnection(check.address, port, timeout=check.timeout_s)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(check.address, port, timeout=check.timeout_s, context=context)


def _leads_away(location: str, check: Check) -> bool:
    """Whether a redirect goes to another scheme or host: then the app's own answer is not known."""
    target = urlsplit(location)
    return target.scheme not in ("", check.scheme) or target.hostname not in (None, check.host.partition(":")[0])


def _broken(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {timeout_s:g} s"
    return f"a broken answer ({type(error).__name__})"
