"""The end of an app: nothing of it runs any more."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sqlalchemy import update

from core import clock
from core.database import Database
from core.edge import contained
from core.errors import Unavailable
from core.ids import AppId
from router import Router
from scheduler import cron_records, records, run_records
from scheduler.reconciler import Reconciler, finished
from scheduler.runtime import Runtime
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.tables import FormationRow, InstanceRow

_MARGIN_S = 10.0


@dataclass(frozen=True)
class Endgame:
    """Stops apps for good."""

    database: Database
    router: Router
    runtime: Runtime
    settings: SchedulerSettings
    reconciler: Reconciler

    def stop(self, app_id: AppId) -> None:
        """Take the app out of its route, end every instance, and wait until they are gone. Repeating is harmless."""
        self._record(app_id)
        with contained(f"route of app {app_id}"):
            self.router.apply(app_id)
        self._await_gone(app_id)

    def _record(self, app_id: AppId) -> None:
        moment = clock.now()
        with self.database.write() as session:
            run = records.locked_run(session, app_id)
            if run is not None and run.rollout is not None:
                self.router.point(session, app_id, run.rollout, [])
                run.rollout = run.release_id = run.version = None
                run.spec = run.sealed_env = run.warm_likeness = ""
                run.warm_rollout = None
            mine = InstanceRow.app_id == app_id
            leaving = sorted({InstanceState.STARTING, InstanceState.RUNNING})
            retired = {"state": InstanceState.RETIRED, "retired_at": moment, "drain_by": moment}
            session.execute(update(InstanceRow).where(mine, InstanceRow.state.in_(leaving)).values(**retired))
            crashed = InstanceRow.state == InstanceState.CRASHED
            over = {"state": InstanceState.STOPPED, "ended_at": moment}
            session.execute(update(InstanceRow).where(mine, crashed).values(**over))
            run_records.end_all(session, app_id, "The app was stopped.")
            session.execute(update(FormationRow).where(FormationRow.app_id == app_id).values(offered=False))
            cron_records.withdraw(session, app_id)

    def _await_gone(self, app_id: AppId) -> None:
        end = time.monotonic() + self.settings.grace_s + _MARGIN_S
        pause = threading.Event()
        while self._remains(app_id):
            if time.monotonic() > end:
                raise Unavailable("The app's containers do not end.", "The loop goes on trying; try again later.")
            pause.wait(self.settings.pending_s)

    def _remains(self, app_id: AppId) -> bool:
        """Take a turn; whether anything is left after it."""
        finished(self.reconciler.apps([app_id]))
        with self.database.read() as session:
            left = bool(records.live_rows(session, app_id))
        if left:
            return True
        strays = self.runtime.containers(app_id)
        for stray in strays:
            self.runtime.remove(stray.id)
        return bool(strays)
