"""Records + what is observed + the time → what to do next for one app. Pure: it decides and touches nothing.

Every turn plans again from what it finds, so a step that was lost or done twice does no harm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduler import judging, warm
from scheduler.backoff import next_attempt
from scheduler.judging import Judged
from scheduler.records import AppRecord, Slot, is_held, process_of
from scheduler.runtime import Container
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.steps import (
    Crash,
    Finish,
    Keep,
    Kill,
    Promote,
    Renew,
    Reroute,
    Retire,
    Start,
    Step,
    Stop,
    Unroute,
)
from scheduler.tables import InstanceRow
from scheduler.types import WEB

__all__ = [
    "Crash", "Finish", "Keep", "Kill", "Promote", "Renew", "Reroute", "Retire", "Seen", "Start", "Step", "Stop",
    "Unroute", "is_at_home", "may_start", "next_look", "plan", "strays",
]  # fmt: skip

_LEAVING = (InstanceState.RETIRED, InstanceState.WARM, InstanceState.STOPPING)


@dataclass(frozen=True)
class Seen:
    """What was observed. `at` is when the engine was asked: a container started later is not missing.

    `judged` is what the checks of running instances found.
    `surplus` are frozen instances that hold more memory than is to be had, see `warm.surplus`.
    `since` is when the loop that looks began: whoever was starting something before that is gone.
    """

    at: datetime
    containers: Mapping[str, Container] = field(default_factory=dict)
    healthy: frozenset[str] = frozenset()
    drained: frozenset[str] = frozenset()
    surplus: frozenset[str] = frozenset()
    judged: Judged = judging.NOTHING
    since: datetime | None = None


def plan(app: AppRecord, seen: Seen, now: datetime, settings: SchedulerSettings) -> list[Step]:
    """The steps for one app, which may be done in any order."""
    changes = list(_changes(app, seen, now, settings))
    return [*_endings(app, seen, now, settings), *changes, *_answers(app, changes, seen, now, settings)]


def next_look(app: AppRecord, now: datetime, settings: SchedulerSettings) -> datetime | None:
    """When this app needs another turn though nothing happens; None: only when something does."""
    moments = [moment for row in app.instances if (moment := _next_look(app, row, now, settings)) is not None]
    return min(moments, default=None)


def strays(apps: Iterable[AppRecord], containers: Iterable[Container]) -> list[Container]:
    """Containers that no record wants. (List the containers first, then load the records: a row comes before its
    container.)"""
    wanted = {row.id for app in apps for row in app.instances}
    return [container for container in containers if container.instance_id not in wanted]


def _next_look(app: AppRecord, row: InstanceRow, now: datetime, settings: SchedulerSettings) -> datetime | None:
    soon = now + timedelta(seconds=settings.pending_s)
    if row.state in (InstanceState.RETIRED, InstanceState.STOPPING):
        return soon
    if row.state == InstanceState.STARTING and row.rollout == app.rollout:
        return soon
    if row.state == InstanceState.WARM:
        return max((row.warm_at or now) + warm.warm_for(settings), soon)
    if row.state == InstanceState.CRASHED:
        return max(next_attempt(row, settings), soon)
    return soon if row.replace else None


def _endings(app: AppRecord, seen: Seen, now: datetime, settings: SchedulerSettings) -> Iterator[Step]:
    """Steps for instances that are on their way out, and for those of a deploy that nobody carries on."""
    for row in app.instances:
        leaving = row.state in _LEAVING
        abandoned = _is_abandoned(app, row)
        if not (leaving or abandoned):
            continue
        container = seen.containers.get(row.id)
        if container is None or not container.running:
            if container is not None or row.started_at is None or _is_gone(row, seen):
                yield Finish(row, container)
        elif row.state == InstanceState.STOPPING:
            if _passed(row.kill_by, now):
                yield Kill(container)
        elif row.state == InstanceState.WARM:
            if not _stays_warm(app, row, container, seen, now, settings):
                yield Stop(row, container)
        elif row.id in seen.drained and _is_wanted(app, row, settings):
            yield Keep(row, container)
        elif abandoned or row.id in seen.drained or _passed(row.drain_by, now):
            yield Stop(row, container)


def _is_wanted(app: AppRecord, row: InstanceRow, settings: SchedulerSettings) -> bool:
    return warm.is_wanted(row, app.warm_rollout, app.wanted.get(WEB, 0), settings)


def _stays_warm(
    app: AppRecord, row: InstanceRow, container: Container, seen: Seen, now: datetime, settings: SchedulerSettings
) -> bool:
    """Whoever froze it may have died before: then it is still awake some time later, and nobody tries again."""
    if not _is_wanted(app, row, settings) or row.id in seen.surplus or row.warm_at is None:
        return False
    late = seen.at - row.warm_at > timedelta(seconds=settings.grace_s)
    return now < row.warm_at + warm.warm_for(settings) and (container.paused or not late)


def _changes(app: AppRecord, seen: Seen, now: datetime, settings: SchedulerSettings) -> Iterator[Step]:
    """Steps for the live release: what died, what became healthy, and what the formation lacks or has too many of."""
    if app.rollout is None:
        return
    places: dict[tuple[str, int], list[InstanceRow]] = defaultdict(list)
    for row in app.instances:
        if row.rollout == app.rollout and row.state in (
            InstanceState.STARTING,
            InstanceState.RUNNING,
            InstanceState.CRASHED,
        ):
            places[row.process_type, row.number].append(row)
    for name, quantity in app.wanted.items():
        for number in range(1, quantity + 1):
            slot = Slot(name, number)
            steps = _fill(slot, places.pop((name, number), []), name in app.alone, seen, now, settings)
            yield from (step for step in steps if not isinstance(step, Start) or may_start(app, slot, seen))
    for rows in places.values():
        yield from _empty(rows, seen)


def may_start(app: AppRecord, slot: Slot, seen: Seen) -> bool:
    """Whether an instance may be started in `slot`: one of a type in `app.alone` only when no other is left there."""
    if is_held(slot, app.held):
        return False
    if slot.process_type not in app.alone:
        return True
    place = (slot.process_type, slot.number)
    left = [row for row in app.instances if (row.process_type, row.number) == place]
    process = f"{slot.process_type}.{slot.number}"
    runs = any(one.running and one.process == process for one in seen.containers.values())
    return not runs and all(_is_harmless(app, row) for row in left)


def _is_harmless(app: AppRecord, row: InstanceRow) -> bool:
    """It runs nothing and won't: crashed, or of a deploy that has not come to the types in `app.alone` yet."""
    ahead = row.rollout != app.rollout and row.state == InstanceState.STARTING and not _is_abandoned(app, row)
    return row.state == InstanceState.CRASHED or ahead


def _answers(
    app: AppRecord, changes: list[Step], seen: Seen, now: datetime, settings: SchedulerSettings
) -> Iterator[Step]:
    """Steps for running instances whose checks fail, or pass again, among those that stay after `changes`."""
    if seen.judged == judging.NOTHING:
        return
    leaving = {step.row.id for step in changes if isinstance(step, Crash | Retire)}
    live = (row for row in app.instances if row.rollout == app.rollout and row.state == InstanceState.RUNNING)
    rows = [row for row in live if row.id not in leaving]
    out, back = judging.routing((row for row in rows if row.process_type == WEB), seen.judged)
    yield from (Unroute(row, seen.judged.unready[row.id]) for row in out)
    yield from (Reroute(row) for row in back)
    beside = (row for row in rows if row.process_type not in app.alone)
    yield from (Renew(*one) for one in judging.to_renew(beside, seen.judged, now, settings))


def _fill(
    slot: Slot, rows: list[InstanceRow], alone: bool, seen: Seen, now: datetime, settings: SchedulerSettings
) -> Iterator[Step]:
    """One place of the formation should have one running instance."""
    crashes = [step for row in rows if (step := _crash(row, alone, seen, now, settings)) is not None]
    yield from crashes
    ended = {step.row.id for step in crashes}
    alive = [row for row in rows if row.id not in ended and row.state != InstanceState.CRASHED]
    starting = [row for row in alive if row.state == InstanceState.STARTING]
    running = [row for row in alive if row.state == InstanceState.RUNNING]
    fresh = [row for row in running if not row.replace]
    yield from (Promote(row) for row in starting if row.id in seen.healthy)
    if fresh:
        yield from (Retire(row) for row in running if row is not fresh[-1])
        yield from (Retire(row) for row in starting if row.id not in seen.healthy)
    if alone and not fresh:
        yield from (Retire(row) for row in running)
    crashed = [row for row in rows if row.state == InstanceState.CRASHED]
    if fresh or starting:
        yield from (Finish(row, seen.containers.get(row.id)) for row in crashed)
        return
    yield from (Kill(seen.containers[row.id]) for row in crashed if _still_runs(row, seen))
    if ended:
        return  # the next turn knows how often it has failed
    last = max(crashed, key=lambda row: row.ended_at or row.created_at, default=None)
    if last is None:
        yield Start(Slot(slot.process_type, slot.number, max((row.failures for row in running), default=0)))
    elif now >= next_attempt(last, settings):
        yield Start(Slot(slot.process_type, slot.number, last.failures))


def _empty(rows: list[InstanceRow], seen: Seen) -> Iterator[Step]:
    """A place that the formation no longer has."""
    for row in rows:
        crashed = row.state == InstanceState.CRASHED
        yield Finish(row, seen.containers.get(row.id)) if crashed else Retire(row)


def _crash(row: InstanceRow, alone: bool, seen: Seen, now: datetime, settings: SchedulerSettings) -> Crash | None:
    if row.state not in (InstanceState.STARTING, InstanceState.RUNNING):
        return None
    container = seen.containers.get(row.id)
    detail = ""
    if container is not None and container.ended:
        detail = f"exited with code {container.exit_code}"
    elif _is_gone(row, seen):
        detail = "its container disappeared"
    elif container is not None and row.state == InstanceState.RUNNING and not is_at_home(row, container):
        detail = f"its container is at {container.address}, not at its own address"
    elif row.state == InstanceState.STARTING and row.id not in seen.healthy:
        if row.started_at is not None and now > row.boot_by:
            detail = f"{process_of(row)} did not become healthy in time"
        elif row.started_at is None and now > row.created_at + timedelta(seconds=settings.start_timeout_s):
            detail = f"{process_of(row)} could not be started in time"
        elif row.started_at is None and seen.since is not None and row.created_at < seen.since:
            detail = "whoever was starting it went away"
    if not detail:
        hung = judging.to_renew([row] if alone else [], seen.judged, now, settings)
        return next((Crash(row, container, failures, why) for _, failures, why in hung), None)
    steady = row.running_at is not None and now - row.running_at >= timedelta(seconds=settings.steady_s)
    return Crash(row, container, 0 if steady else row.failures + 1, detail)


def is_at_home(row: InstanceRow, container: Container) -> bool:
    """Whether the engine has the container at the address that is the instance's, and so its route's; else another
    app may be there."""
    return container.address in ("", row.address)


def _is_abandoned(app: AppRecord, row: InstanceRow) -> bool:
    unfinished = row.rollout != app.rollout and row.state in (InstanceState.STARTING, InstanceState.RUNNING)
    return unfinished and row.fence != app.line_fence


def _is_gone(row: InstanceRow, seen: Seen) -> bool:
    """It has no container. One that was being started while we looked may yet appear."""
    return row.id not in seen.containers and row.started_at is not None and row.started_at < seen.at


def _still_runs(row: InstanceRow, seen: Seen) -> bool:
    return row.id in seen.containers and seen.containers[row.id].running


def _passed(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now >= moment
