"""Cron: an entry's next moment + the time → what is to run now. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.schedules import moments, next_moment


class Policy(StrEnum):
    """What happens when an entry is due while a run of it goes on; Dokku's `concurrency_policy`."""

    ALLOW = "allow"
    FORBID = "forbid"
    REPLACE = "replace"


@dataclass(frozen=True)
class Entry:
    """One of app.json's `cron`. `id` follows from schedule and command, so that it is the same in every release.

    `limit_s` None: as long as any run may.
    """

    id: str
    command: str
    schedule: str
    policy: Policy = Policy.ALLOW
    maintenance: bool = False
    limit_s: int | None = None


@dataclass(frozen=True)
class Due:
    """`moment` is to run (None: none is recent enough); `next_at` is the entry's next.

    What was due from `missed` on until then is not run (None: nothing was).
    """

    moment: datetime | None
    missed: datetime | None
    next_at: datetime


def due(schedule: str, next_at: datetime, now: datetime, late_s: float) -> Due | None:
    """What of an entry that was next due at `next_at` is due now; None: nothing yet.

    Of several missed moments only the last is made up for, and only within `late_s`.
    """
    if next_at > now:
        return None
    since = now - timedelta(seconds=late_s)
    last = next_at if next_at >= since else None
    for moment in moments(schedule, max(next_at, since)):
        if moment > now:
            break
        last = moment
    return Due(last, None if last == next_at else next_at, next_moment(schedule, now))


def entries(text: str) -> tuple[Entry, ...]:
    """What app.json's `cron`, as JSON, says; an entry that stands there twice counts once."""
    found: dict[str, Entry] = {}
    for said in json.loads(text):
        schedule, command = str(said["schedule"]).strip(), str(said["command"]).strip()
        name = hashlib.sha256(f"{schedule}\n{command}".encode()).hexdigest()[:8]
        policy, limit_s = Policy(said.get("concurrency_policy", Policy.ALLOW)), said.get("time_limit")
        found[name] = Entry(name, command, schedule, policy, bool(said.get("maintenance", False)), limit_s)
    return tuple(found.values())
