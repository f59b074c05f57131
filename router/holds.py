"""When an app's requests are held at the router, and what HAProxy is told of it. Pure.

HAProxy holds them itself, until the moment that stands in its map: so a hold ends in time whoever is alive then.
"""

from __future__ import annotations

from datetime import datetime

from core import clock
from router.plan import NOT_HELD


def is_on(until: datetime | None) -> bool:
    return until is not None and until > clock.now()


def entry(until: datetime | None) -> str:
    """The moment as HAProxy's map has it, in seconds since the epoch; NOT_HELD without a hold that is on."""
    return f"{until.timestamp():.3f}" if until is not None and is_on(until) else NOT_HELD
