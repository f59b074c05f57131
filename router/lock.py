"""One writer at a time, over all threads and processes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock file in `folder`, which is made if it is missing, for the block."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / "router.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
