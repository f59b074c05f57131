"""Which instances of the release before are kept frozen for a rollback, and for which release they may be woken. Pure.

Only `web` is kept: a frozen worker would hold its locks and jobs. What is kept is always what a fresh start of its
release would be, but for RELEASE_VERSION: config and mounts are still those of the live release, and its command, image
and limits are compared when it is to be woken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta

from scheduler.settings import SchedulerSettings
from scheduler.sizes import limits_for
from scheduler.states import InstanceState
from scheduler.tables import InstanceRow
from scheduler.types import WEB, RunSpec


def likeness(spec: RunSpec, settings: SchedulerSettings) -> str:
    """The same for two releases whose web instances differ in nothing but config and number. Empty without a web type.

    Config is not in it, since a digest of secrets could be guessed at: that it has not changed is seen to at each
    switch, see `outlives`.
    """
    commands = {process.name: process.command for process in spec.processes}
    if WEB not in commands:
        return ""
    parts = {
        "app": (spec.app_id, spec.app_name),
        "image": spec.image_id,
        "commit": spec.commit,
        "command": commands[WEB],
        "port": spec.port,
        "health": [asdict(check) for check in spec.checks_of(WEB)],
        "mounts": [asdict(mount) for mount in spec.mounts if mount.is_for(WEB)],
        "limits": asdict(limits_for(spec.sizes, WEB, settings)),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def outlives(old: RunSpec, new: RunSpec, settings: SchedulerSettings) -> bool:
    """Whether instances of `old` are still what a rollback would start, once `new` is live in its place.

    Not when config, mounts, sizes or the app's name change with it, nor where no two may be beside each other. Whoever
    has changed a password does not want a process kept that knows the old one.
    """
    same = (old.env, old.mounts, old.sizes, old.app_name) == (new.env, new.mounts, new.sizes, new.app_name)
    beside = old.may_overlap(WEB) and new.may_overlap(WEB)
    return settings.warm_s > 0 and same and beside and likeness(old, settings) != ""


def is_wanted(row: InstanceRow, warm_rollout: str | None, web: int, settings: SchedulerSettings) -> bool:
    """Whether this instance, drained or frozen, has a place in a rollback: the formation has `web` of its type."""
    kept = row.rollout == warm_rollout and row.process_type == WEB and not row.replace
    return settings.warm_s > 0 and kept and row.number <= web


def surplus(rows: Iterable[InstanceRow], free_mb: int | None, settings: SchedulerSettings) -> frozenset[str]:
    """The frozen ones among `rows` that must go, the oldest first, so that the rest holds no more than its share.

    The share is that of what would be free without them; where that can't be told, none is kept.
    """
    frozen = [row for row in rows if row.state == InstanceState.WARM]
    frozen.sort(key=lambda row: (row.warm_at or row.created_at, row.id))
    held_mb = sum(row.warm_mb for row in frozen)
    most_mb = 0.0 if free_mb is None else settings.warm_share * (max(free_mb, 0) + held_mb)
    gone = set()
    for row in frozen:
        if held_mb <= most_mb and free_mb is not None:
            break
        held_mb -= row.warm_mb
        gone.add(row.id)
    return frozenset(gone)


def warm_for(settings: SchedulerSettings) -> timedelta:
    return timedelta(seconds=settings.warm_s)
