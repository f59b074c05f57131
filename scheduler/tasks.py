"""The scheduler's doors in the task queue."""

from __future__ import annotations

from collections.abc import Callable

from core.ids import AppId
from core.queue import Queue
from scheduler.resizing import RESIZE, Resizing
from scheduler.service import Scheduler
from scheduler.storage import APPLY, Storage

RECONCILE_APP = "scheduler.reconcile_app"
RESUME_STORAGE = "scheduler.resume_storage_changes"
RESUME_SIZES = "scheduler.resume_size_changes"


def doors(queue: Queue, scheduler: Scheduler, storage: Storage, resizing: Resizing, sweep_s: float) -> None:
    """Register what the queue may call: a look at one app whose wanted state has just changed; a change of an app's
    storage or sizes, and the sweep that finds those whose message was lost."""
    queue.door(RECONCILE_APP, lambda app_id: scheduler.reconcile_app(AppId(app_id)))
    queue.door(APPLY, storage.apply)
    queue.door(RESUME_STORAGE, storage.resume, every_s=sweep_s)
    queue.door(RESIZE, resizing.apply)
    queue.door(RESUME_SIZES, resizing.resume, every_s=sweep_s)


def waker(queue: Queue) -> Callable[[AppId], None]:
    """What to give a `Scheduler` as `wake`, so that a wish made in one process is acted upon in the worker at once."""
    return lambda app_id: queue.nudge(RECONCILE_APP, app_id)
