"""Which retired instances nobody needs any more.

An instance of a release that was replaced is drained when the router has twice seen nothing in flight on it, the
second time at least `settle_s` after the switch. One that was taken out of the live release's route (scaled down,
restarted) is drained when the router no longer lists its address. Only `web` has anything to drain.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from core.errors import Unavailable
from core.ids import AppId
from router import Router
from scheduler.records import AppRecord
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.tables import InstanceRow
from scheduler.types import WEB


class Drains:
    """Asks the router; remembers only the last answer for each generation."""

    def __init__(self, router: Router, settings: SchedulerSettings) -> None:
        self._router = router
        self._settings = settings
        self._idle: set[tuple[AppId, str]] = set()
        self._lock = threading.Lock()

    def drained(self, app: AppRecord, now: datetime) -> frozenset[str]:
        """The ids of this app's retired instances that may be stopped."""
        retired = [row for row in app.instances if row.state == InstanceState.RETIRED]
        done = {row.id for row in retired if row.process_type != WEB}
        web = [row for row in retired if row.process_type == WEB]
        try:
            done |= self._unlisted(app.app_id, [row for row in web if row.rollout == app.rollout])
            for rollout in {row.rollout for row in web} - {app.rollout}:
                rows = [row for row in web if row.rollout == rollout]
                if self._is_idle(app.app_id, rollout, rows, now):
                    done |= {row.id for row in rows}
        except Unavailable:
            pass  # the drain deadline decides then
        return frozenset(done)

    def _unlisted(self, app_id: AppId, rows: list[InstanceRow]) -> set[str]:
        if not rows:
            return set()
        self._router.apply(app_id)  # the router could not drop a busy one at first: it tries again
        listed = self._router.listed_addresses()
        return {row.id for row in rows if row.address not in listed}

    def _is_idle(self, app_id: AppId, rollout: str, rows: list[InstanceRow], now: datetime) -> bool:
        idle = self._router.in_flight(app_id, rollout) == 0
        with self._lock:
            before = (app_id, rollout) in self._idle
            if not idle:
                self._idle.discard((app_id, rollout))
                return False
            self._idle.add((app_id, rollout))
        settled = timedelta(seconds=self._settings.settle_s)
        done = before and all(row.retired_at is not None and now - row.retired_at >= settled for row in rows)
        if done:
            with self._lock:
                self._idle.discard((app_id, rollout))
        return done
