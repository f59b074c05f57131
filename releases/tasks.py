"""The Celery doors of `releases`."""

from __future__ import annotations

from core.queue import Queue
from releases.service import DELIVER, Releases


def doors(queue: Queue, releases: Releases) -> None:
    """Register what a worker does for this package."""
    queue.door(DELIVER, lambda release_id: _deliver(releases, release_id))


def _deliver(releases: Releases, release_id: str) -> None:
    releases.deliver(release_id)
