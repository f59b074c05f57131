"""The values of who gets to an app and how much. Each checks itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import UserError

_MOST_LIMIT = 100_000
_LONGEST_IDLE_S, _LONGEST_TUNNEL_S = 86_400, 604_800


class Verdict(StrEnum):
    """What a rule of access says of the addresses in its network."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True)
class AccessRule:
    """With any `allow`, an app is for those networks only; `deny` goes before it."""

    id: str
    network: str
    verdict: Verdict
    created_at: datetime


@dataclass(frozen=True)
class Login:
    """Somebody who may use an app that asks for a password."""

    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class TrafficLimits:
    """`requests_per_s` for each client; `connections`: requests and tunnels at once, of all clients. None: no limit.

    Raises UserError.
    """

    requests_per_s: int | None = None
    connections: int | None = None

    def __post_init__(self) -> None:
        _check("requests_per_second", self.requests_per_s, _MOST_LIMIT)
        _check("connections", self.connections, _MOST_LIMIT)


@dataclass(frozen=True)
class TrafficTimeouts:
    """For how long nothing may come from the app, and from either side of a tunnel. None: as for every app.

    Raises UserError.
    """

    idle_s: int | None = None
    tunnel_s: int | None = None

    def __post_init__(self) -> None:
        _check("idle_s", self.idle_s, _LONGEST_IDLE_S)
        _check("tunnel_s", self.tunnel_s, _LONGEST_TUNNEL_S)


def _check(name: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise UserError(f"{name} is {value}; it must be 1 to {most}.", "Unset it to have it as for every app.")
