"""When the loop should look at which app: at once for those that it is woken for, later for those that wait.

What is left until a moment is kept, not the moment: a clock that is set back holds nothing up.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime

from core import clock
from core.ids import AppId


class Agenda:
    """Moments by app, the earliest counting; forgets nothing that is added while the loop works."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due_s: dict[AppId, float] = {}

    def add(self, app_id: AppId, at: datetime | None = None) -> None:
        """Look at the app `at` that moment (default: now)."""
        left_s = 0.0 if at is None else (at - clock.now()).total_seconds()
        due_s = time.monotonic() + left_s
        with self._condition:
            self._due_s[app_id] = min(self._due_s.get(app_id, due_s), due_s)
            self._condition.notify_all()

    def wait(self, timeout_s: float) -> set[AppId]:
        """Those that are due, as soon as any is, else none after `timeout_s`."""
        end_s = time.monotonic() + timeout_s
        with self._condition:
            while not (due := self._due()) and time.monotonic() < end_s:
                wake_s = min([end_s, *self._due_s.values()])
                self._condition.wait(max(0.0, wake_s - time.monotonic()))
            for app_id in due:
                del self._due_s[app_id]
        return due

    def _due(self) -> set[AppId]:
        now_s = time.monotonic()
        return {app_id for app_id, due_s in self._due_s.items() if due_s <= now_s}
