"""The scheduler's door in the task queue."""

from __future__ import annotations

from collections.abc import Callable

from core.ids import AppId
from core.queue import Queue
from scheduler.service import Scheduler

RECONCILE_APP = "scheduler.reconcile_app"


def doors(queue: Queue, scheduler: Scheduler) -> None:
    """Register what the queue may call: a look at one app whose wanted state has just changed."""
    queue.door(RECONCILE_APP, lambda app_id: scheduler.reconcile_app(AppId(app_id)))


def waker(queue: Queue) -> Callable[[AppId], None]:
    """What to give a `Scheduler` as `wake`, so that a wish made in one process is acted upon in the worker at once."""
    return lambda app_id: queue.nudge(RECONCILE_APP, app_id)
