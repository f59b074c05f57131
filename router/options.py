"""What an app asks of those who want in, how much it gives them, and what it lets the router do with their requests, in
one word for HAProxy's map. Pure.

A request to an app with nothing of this looks into one map, finds nothing, and is asked nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from router.gate_types import TrafficLimits, TrafficTimeouts

ASKS = "asks"
RETRIES = "retries"
_NOTHING = "0"


class Admits(StrEnum):
    """Whom an app admits: `all`; `others`, all who are not on its list of the denied; `listed`, only the allowed."""

    ALL = "all"
    OTHERS = "others"
    LISTED = "listed"


@dataclass(frozen=True)
class Options:
    """All of an app."""

    admits: Admits = Admits.ALL
    asks_password: bool = False
    limits: TrafficLimits = field(default_factory=TrafficLimits)
    timeouts: TrafficTimeouts = field(default_factory=TrafficTimeouts)
    retries_posts: bool = False


def encoded(options: Options) -> str:
    """Fields with a colon between two, as gate.cfg.j2, retries.cfg.j2 and timeouts.cfg.j2 read them: whom it admits,
    whether it asks for a password, requests per second, connections, milliseconds of silence, and of a tunnel's,
    whether any method is sent again. 0: as usual."""
    limits, timeouts = options.limits, options.timeouts
    fields = (
        options.admits.value,
        ASKS if options.asks_password else _NOTHING,
        limits.requests_per_s or 0,
        limits.connections or 0,
        1000 * (timeouts.idle_s or 0),
        1000 * (timeouts.tunnel_s or 0),
        RETRIES if options.retries_posts else _NOTHING,
    )
    return ":".join(map(str, fields))
