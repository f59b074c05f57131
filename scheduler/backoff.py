"""When a process that has crashed is started again; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.settings import SchedulerSettings
from scheduler.tables import InstanceRow


def backoff_s(failures: int, settings: SchedulerSettings) -> float:
    """How long after its last crash a process is started again: 0 after a steady run, then doubling."""
    if failures <= 0:
        return 0.0
    doublings = min(failures - 1, 30)
    return float(min(settings.backoff_first_s * 2**doublings, settings.backoff_most_s))


def next_attempt(row: InstanceRow, settings: SchedulerSettings) -> datetime:
    """When the place of the crashed instance `row` is filled again."""
    return (row.ended_at or row.created_at) + timedelta(seconds=backoff_s(row.failures, settings))
