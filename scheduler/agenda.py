"""When the loop should look at which app: at once for those that it is woken for, later for those that wait."""

from __future__ import annotations

import threading
from datetime import datetime

from core import clock
from core.ids import AppId


class Agenda:
    """Moments by app, the earliest counting; forgets nothing that is added while the loop works."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._moments: dict[AppId, datetime] = {}

    def add(self, app_id: AppId, at: datetime | None = None) -> None:
        """Look at the app `at` that moment (default: now)."""
        moment = at or clock.now()
        with self._condition:
            known = self._moments.get(app_id)
            self._moments[app_id] = moment if known is None else min(known, moment)
            self._condition.notify_all()

    def wait(self, timeout_s: float) -> set[AppId]:
        """Those that are due, as soon as any is, else none after `timeout_s`."""
        end = clock.after(timeout_s)
        with self._condition:
            while not (due := self._due()) and clock.now() < end:
                wake_at = min([end, *self._moments.values()])
                self._condition.wait(max(0.0, (wake_at - clock.now()).total_seconds()))
            for app_id in due:
                del self._moments[app_id]
        return due

    def _due(self) -> set[AppId]:
        now = clock.now()
        return {app_id for app_id, moment in self._moments.items() if moment <= now}
