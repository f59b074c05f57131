"""The pipe that a proxy's access log goes into, and somebody who reads it as the gateway does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from router.listener import EVERY_S
from router.pipe import PIPE_BYTES


@contextmanager
def emptied(pipe: int) -> Iterator[int]:
    """Read what comes into `pipe` for the block, then close it. A full pipe would spare a proxy the writing."""
    done = threading.Event()
    reader = threading.Thread(target=_empty, args=(pipe, done))
    reader.start()
    try:
        yield pipe
    finally:
        done.set()
        reader.join()
        os.close(pipe)


def _empty(pipe: int, done: threading.Event) -> None:
    while not done.wait(EVERY_S):
        with suppress(BlockingIOError):
            while os.read(pipe, PIPE_BYTES):
                pass
