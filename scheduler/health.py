"""Is an instance ready? Asked of its own address, never of a published port.

(A published port proves nothing: docker-proxy accepts before anything listens inside.)
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

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


@dataclass(frozen=True)
class Verdict:
    """Whether the instance is ready, and if not, what was found and what would mend it."""

    ready: bool
    found: str = ""
    hint: str = ""


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
        return READY if up else Verdict(False, f"it has not run for {check.uptime_s:g} s yet")
    return _connects(check, check.port) if check.path is None else _answers(check, check.port, check.path)


def _connects(check: Check, port: int) -> Verdict:
    try:
        socket.create_connection((check.address, port), timeout=_CONNECT_S).close()
    except OSError:
        return _nothing_listens(port)
    return READY


def _answers(check: Check, port: int, path: str) -> Verdict:
    connection = http.client.HTTPConnection(check.address, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path, headers={"Host": check.host, "User-Agent": "Portside-Health"})
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return _nothing_listens(port)
    except (OSError, http.client.HTTPException) as error:
        found = f"GET {path} got no answer ({type(error).__name__})"
        return Verdict(False, found, "The health path must answer within 5 s, without signing in.")
    finally:
        connection.close()
    if 200 <= status < 400:
        return READY
    return Verdict(
        False,
        f"GET {path} answered {status} where 2xx or 3xx was expected",
        "Mend the health path, or name another one in app.json (formation.web healthcheck path).",
    )


def _nothing_listens(port: int) -> Verdict:
    return Verdict(
        False,
        f"nothing listens on port {port}",
        "The web process must listen on 0.0.0.0 and the port in $PORT (and not on 127.0.0.1).",
    )


def explain_sockets(port: int, sockets: frozenset[tuple[str, int]]) -> str:
    """What listens in the container instead of the right address and port; "" when nothing does.

    The resolver that Docker puts on 127.0.0.11 is not the app's.
    """
    own = sorted((address, number) for address, number in sockets if address != "127.0.0.11")
    if not own:
        return ""
    address, number = next((one for one in own if one[1] == port), own[0])
    if number == port:
        return f"it listens on {address}:{port}, which only the container itself can reach"
    return f"it listens on port {number} instead"
