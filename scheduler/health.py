"""Is an instance ready? Asked of its own address, never of a published port.

(A published port proves nothing: docker-proxy accepts before anything listens inside.)
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from urllib.parse import urlsplit

from scheduler.settings import SchedulerSettings
from scheduler.types import WEB, RunSpec

_CONNECT_S = 1.0
_ANSWER_S = 5.0


@dataclass(frozen=True)
class Check:
    """What makes one instance ready: an open port, a good answer at `path`, or (no port) `uptime_s` without exit."""

    address: str
    port: int | None
    path: str | None
    host: str
    uptime_s: float


class Seen(Enum):
    """What was seen of an instance that is not ready."""

    NOTHING_LISTENS = auto()
    NO_ANSWER = auto()
    BAD_STATUS = auto()
    SENT_AWAY = auto()
    TOO_YOUNG = auto()


@dataclass(frozen=True)
class Verdict:
    """Whether the instance is ready, and if not, what was seen.

    `status` is the HTTP status there was; `detail` where it redirects to, or what the failed request ended with.
    """

    ready: bool
    seen: Seen | None = None
    status: int = 0
    detail: str = ""


READY = Verdict(True)


def check_of(spec: RunSpec, process_type: str, address: str, host: str, settings: SchedulerSettings) -> Check:
    """The check for one instance. `host` is the host name that an HTTP check sends, as a visitor would."""
    wanted = spec.health.get(process_type)
    path = wanted.path if wanted else None
    has_port = process_type == WEB or path is not None
    return Check(address, spec.port if has_port else None, path, host, settings.uptime_s)


def probe(check: Check, started_at: datetime, now: datetime) -> Verdict:
    """Ask once."""
    if check.port is None:
        up = now - started_at >= timedelta(seconds=check.uptime_s)
        return READY if up else Verdict(False, Seen.TOO_YOUNG)
    return _connects(check, check.port) if check.path is None else _answers(check, check.port, check.path)


def _connects(check: Check, port: int) -> Verdict:
    try:
        socket.create_connection((check.address, port), timeout=_CONNECT_S).close()
    except OSError:
        return Verdict(False, Seen.NOTHING_LISTENS)
    return READY


def _answers(check: Check, port: int, path: str) -> Verdict:
    connection = http.client.HTTPConnection(check.address, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path, headers={"Host": check.host, "User-Agent": "Portside-Health"})
        answer = connection.getresponse()
        status, location = answer.status, answer.headers.get("Location", "")
    except ConnectionRefusedError:
        return Verdict(False, Seen.NOTHING_LISTENS)
    except (OSError, http.client.HTTPException) as error:
        return Verdict(False, Seen.NO_ANSWER, detail=_in_words(error))
    finally:
        connection.close()
    if not 200 <= status < 400:
        return Verdict(False, Seen.BAD_STATUS, status)
    if status >= 300 and _leads_away(location, check.host):
        return Verdict(False, Seen.SENT_AWAY, status, location)
    return READY


def _leads_away(location: str, host: str) -> bool:
    """Whether a redirect goes to another scheme or host: then the app's own answer is not known."""
    target = urlsplit(location)
    return target.scheme not in ("", "http") or target.hostname not in (None, host.partition(":")[0])


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {_ANSWER_S:g} s"
    return f"a broken answer ({type(error).__name__})"
