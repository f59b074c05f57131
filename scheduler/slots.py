"""Places that all processes of a platform share: a file each, locked while its place is taken.

What a process held that is gone, the kernel has freed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("portside.scheduler")

LOOK_EVERY_S = 0.05


class Slots:
    """Their files are in `folder`, which is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def one_of(self, most: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait for one of so many places, and have it for the block. `check` may end the waiting by an error."""
        try:
            while (file := self._take(most)) is None:
                check()
                threading.Event().wait(LOOK_EVERY_S)
        except OSError as error:  # a full disk, say, is no reason to start nothing
            log.warning("the places in %s can't be counted: %s", self._folder, error)
            yield
            return
        try:
            yield
        finally:
            os.close(file)

    def _take(self, most: int) -> int | None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(most):
            file = os.open(self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(file)
                if not isinstance(error, BlockingIOError):
                    raise
            else:
                return file
        return None
