"""The Celery doors of `releases`."""

from __future__ import annotations

from core.ids import AppId
from core.queue import Queue
from releases.service import BAKES, DELIVER, DROP_IMAGES, Releases

BAKES_EVERY_S = 5.0
CLOSE_LOGS = "releases.close_logs"
CLOSE_LOGS_EVERY_S = 600.0


def doors(queue: Queue, releases: Releases) -> None:
    """Register what a worker does for this package."""
    queue.door(BAKES, releases.look_at_bakes, every_s=BAKES_EVERY_S)
    queue.door(CLOSE_LOGS, releases.close_logs, every_s=CLOSE_LOGS_EVERY_S)
    queue.door(DROP_IMAGES, lambda app_id: releases.drop_old_images(AppId(app_id)))
    queue.door(DELIVER, lambda release_id: _deliver(releases, release_id))


def _deliver(releases: Releases, release_id: str) -> None:
    releases.deliver(release_id)
