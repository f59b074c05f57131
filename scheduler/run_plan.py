"""One-off runs: record + its container + the time → what to do next. Pure, as `plan` is for instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.runtime import Container
from scheduler.settings import SchedulerSettings
from scheduler.states import RunState
from scheduler.tables import RunRow

_LOST = "The connection to its client was lost."


@dataclass(frozen=True)
class Begin:
    """A detached run that nobody has begun yet: start its container."""

    row: RunRow


@dataclass(frozen=True)
class Resume:
    """A detached run that a worker which is gone was starting: note its container, or have it wait if there is none."""

    row: RunRow
    container: Container | None


@dataclass(frozen=True)
class Fail:
    """It never came to run."""

    row: RunRow
    reason: str


@dataclass(frozen=True)
class End:
    """It is over, with its container (None: that is gone)."""

    row: RunRow
    container: Container | None


@dataclass(frozen=True)
class Halt:
    """It must end: SIGTERM."""

    row: RunRow
    reason: str


@dataclass(frozen=True)
class KillRun:
    """It did not end on SIGTERM in time."""

    container: Container


@dataclass(frozen=True)
class Forget:
    """Its record has been kept for long enough."""

    row: RunRow


RunStep = Begin | Resume | Fail | End | Halt | KillRun | Forget


def plan_run(
    row: RunRow,
    containers: Mapping[str, Container],
    at: datetime,
    now: datetime,
    settings: SchedulerSettings,
    since: datetime | None = None,
) -> RunStep | None:
    """The step for one run, with the containers by run as they were `at` that moment; None: nothing to do.

    `since` is when the loop that looks began: whoever was starting a detached run before that is gone.
    """
    match RunState(row.state):
        case RunState.WAITING:
            return _waiting(row, now)
        case RunState.STARTING:
            return _starting(row, containers.get(row.id), now, settings, since)
        case RunState.ENDED | RunState.FAILED:
            over = now > (row.ended_at or row.created_at) + timedelta(seconds=settings.kept_s)
            return Forget(row) if over else None
    container = containers.get(row.id)
    if container is None:
        return End(row, None) if row.started_at is not None and row.started_at < at else None
    if container.ended:
        return End(row, container)
    if row.state == RunState.STOPPING:
        return KillRun(container) if row.kill_by is None or now >= row.kill_by else None
    return _overdue(row, now)


def has_container(row: RunRow) -> bool:
    """Whether a container of this run is no stray. A detached one's stays for its log, as long as the record."""
    if row.state in (RunState.STARTING, RunState.RUNNING, RunState.STOPPING):
        return True
    return row.state == RunState.ENDED and not row.attached


def _waiting(row: RunRow, now: datetime) -> RunStep | None:
    if not row.attached:
        return Begin(row)
    return Fail(row, "Its client did not connect.") if now > row.open_until else None


def _starting(
    row: RunRow, container: Container | None, now: datetime, settings: SchedulerSettings, since: datetime | None
) -> RunStep | None:
    if row.attached and row.seen_until is not None:  # its carrier says that it lives; it may wait for its turn long
        return Fail(row, _LOST) if now >= row.seen_until else None
    begun_at = row.started_at or row.created_at
    if now > begun_at + timedelta(seconds=settings.start_timeout_s):
        return Fail(row, "It could not be started in time.")
    return Resume(row, container) if not row.attached and since is not None and begun_at < since else None


def _overdue(row: RunRow, now: datetime) -> RunStep | None:
    if row.end_by is not None and now >= row.end_by:
        return Halt(row, f"It ran for longer than its limit of {row.limit_s} s.")
    if row.attached and row.seen_until is not None and now >= row.seen_until:
        return Halt(row, _LOST)
    return None
