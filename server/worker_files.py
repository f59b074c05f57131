"""The two files by which a worker shows that it works."""

from __future__ import annotations

from pathlib import Path


def ready_file(run: Path) -> Path:
    """Holds the record of the worker that is ready to take work."""
    return run / "worker.ready"


def heartbeat_file(run: Path) -> Path:
    """Touched every 5 s by a task that has been all the way: beat, redis, a thread of the pool."""
    return run / "worker.heartbeat"
