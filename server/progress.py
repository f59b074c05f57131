"""Progress for long steps: a line per step with its seconds, and a sign of life while one is quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HEARTBEAT_S = 5.0


class Progress:
    """Prints steps to `write` (default: standard output)."""

    def __init__(self, write: Callable[[str], None] | None = None, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._write = write or _print
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._last = 0.0

    def line(self, text: str = "") -> None:
        """A line of its own."""
        with self._lock:
            self._last = time.monotonic()
            self._write(text)

    def detail(self, text: str) -> None:
        """A line of what a step has to say."""
        self.line(f"       {text}")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """`-----> Title`, a heartbeat while the block runs in silence, and its seconds if it took over one."""
        self.line(f"-----> {title}")
        began, done = time.monotonic(), threading.Event()
        beat = threading.Thread(target=self._beat, args=(began, done), daemon=True)
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()
        took_s = time.monotonic() - began
        if took_s >= 1:
            self.detail(f"done in {took_s:.1f} s")

    def _beat(self, began: float, done: threading.Event) -> None:
        while not done.wait(self._heartbeat_s):
            if time.monotonic() - self._last >= self._heartbeat_s:
                self.detail(f"… {time.monotonic() - began:.0f} s")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
