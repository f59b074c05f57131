"""How many containers are started at once, and whose is next.

A start costs the engine and the host far more than it costs us: after a reboot, hundreds at once would only be in each
other's way, and be late all together. So there are few at a time, and each app that waits gets its turn before any
gets a second one, however many instances it has.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.ids import AppId


class Gate:
    """`most` gives how many may be inside at once; it is asked once, when the first one comes."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._ask = most
        self._most: int | None = None
        self._inside = 0
        self._waiting: OrderedDict[AppId, deque[threading.Event]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def passing(self, app_id: AppId) -> Iterator[None]:
        """Wait for a turn, and be inside for the block."""
        if self._most is None:
            self._most = max(1, self._ask())
        turn = threading.Event()
        with self._lock:
            self._waiting.setdefault(app_id, deque()).append(turn)
            self._admit()
        turn.wait()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                self._admit()

    def _admit(self) -> None:
        """Let in whoever has waited longest of the app whose turn it is; that app is the last one then."""
        while self._waiting and self._inside < (self._most or 1):
            app_id, turns = self._waiting.popitem(last=False)
            turns.popleft().set()
            self._inside += 1
            if turns:
                self._waiting[app_id] = turns
