"""Which host names lack their certificate, or are about to: what `doctor` tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core import clock
from router import HostCertificate, HostState

OWN_LEAST = timedelta(days=14)
"""How long a certificate that people brought is to last, at least: nothing renews it."""
LATE = timedelta(days=1)
_MOST_NAMED = 10


def troubles(automatic: Iterable[HostCertificate], own: Mapping[str, datetime], moment: datetime) -> list[str]:
    """A sentence for each host that is not well, by name. `own`: when certificates of people's own expire, by host."""
    found = [(each.host, trouble) for each in automatic if (trouble := _trouble(each, moment))]
    found += [(host, _expiry(host, until, moment)) for host, until in own.items() if until < moment + OWN_LEAST]
    return [trouble for _, trouble in sorted(found)]


def told(found: list[str], automatic: int, own: int) -> str:
    """On one line, however many there are."""
    if not found:
        return f"{automatic} hosts with automatic certificates and {own} with one of people's own, all well"
    more = len(found) - _MOST_NAMED
    return " ".join(found[:_MOST_NAMED]) + (f" And {more} more." if more > 0 else "")


def _trouble(host: HostCertificate, moment: datetime) -> str:
    next_at = f"Next attempt: {clock.iso(host.next_at)}." if host.next_at else ""
    match host.state:
        case HostState.FAILING:
            reason = f"{host.reason.rstrip('.')}."
            return f"{host.host} has {_what_is_there(host, moment)}: {reason} {next_at}".rstrip()
        case HostState.PENDING | HostState.ISSUED if host.next_at is not None and host.next_at < moment - LATE:
            return f"{host.host} is due since {clock.iso(host.next_at)}, and nobody works on it."
    return ""


def _what_is_there(host: HostCertificate, moment: datetime) -> str:
    if host.expires_at is None:
        return "no certificate"
    word = "expires" if host.expires_at > moment else "expired"
    return f"one that {word} at {clock.iso(host.expires_at)} and is not renewed"


def _expiry(host: str, until: datetime, moment: datetime) -> str:
    word = "expires" if until > moment else "expired"
    return f"{host} shows one of people's own that {word} at {clock.iso(until)}."
