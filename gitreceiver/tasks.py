"""The Celery doors of `gitreceiver`."""

from __future__ import annotations

from core.ids import AppId
from core.queue import Queue
from gitreceiver.pushes import DEPLOY_PUSH, DISPATCH, PRUNE, Pushes

SWEEP = "gitreceiver.sweep"


def doors(queue: Queue, pushes: Pushes, sweep_s: float) -> None:
    """Register what a worker does for this package; beat calls the sweep every `sweep_s` seconds."""
    queue.door(DEPLOY_PUSH, pushes.deploy)
    queue.door(DISPATCH, pushes.dispatch)
    queue.door(PRUNE, lambda app_id: pushes.prune(AppId(app_id)))
    queue.door(SWEEP, pushes.sweep, every_s=sweep_s)
