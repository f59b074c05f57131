"""From an old singleton to a new one: of a type that may not overlap, the old instances end before the new begin.

While a deploy holds such types, the loop starts none of them; when the deploy has failed, or its worker is dead and the
lease over, the loop finds them missing and starts those of the live release again. So nothing has to be undone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, update

from core import clock
from core.database import Database
from core.errors import Unavailable
from core.ids import AppId
from core.leases import Lease
from core.logs import LogWriter
from scheduler import records
from scheduler.gate import Stopped
from scheduler.runtime import Container, Runtime
from scheduler.settings import SchedulerSettings
from scheduler.states import LIFE, InstanceState
from scheduler.tables import AppRunRow, InstanceRow
from scheduler.types import RunSpec

LOOK_EVERY_S = 0.05
_MARGIN_S = 10.0
_ENDS = frozenset({InstanceState.STARTING, InstanceState.RUNNING, InstanceState.RETIRED})


@dataclass(frozen=True)
class Handover:
    """Ends the instances that may not run beside those of a new rollout."""

    database: Database
    runtime: Runtime
    settings: SchedulerSettings

    def types(self, spec: RunSpec) -> frozenset[str]:
        """The types of `spec` that must be handed over: alone in the new release, or in the one that is live."""
        with self.database.read() as session:
            before = {row.process_type for row in records.formation_rows(session, spec.app_id) if not row.overlap}
        names = {process.name for process in spec.processes}
        return frozenset({name for name in names if not spec.may_overlap(name)} | (names & before))

    def take(
        self, spec: RunSpec, rollout: str, types: Collection[str], lease: Lease, log: LogWriter, stopped: Stopped
    ) -> None:
        """Return when none of `types` runs any more but what is of `rollout`. Unavailable, what `stopped` gives."""
        why = "the new may not run beside the old"
        self.clear(spec.app_id, rollout, types, why, lease, log, stopped)

    def clear(
        self,
        app_id: AppId,
        rollout: str,
        types: Collection[str],
        why: str,
        lease: Lease,
        log: LogWriter,
        stopped: Stopped,
    ) -> None:
        """The same; `why` says in the log what it is for."""
        if not self._hold(app_id, types, lease):
            return  # nothing is live yet
        end = time.monotonic() + self.settings.start_timeout_s
        while self._being_started(app_id, rollout, types) and time.monotonic() < end:
            _pause(lease, stopped)
        ending = self._record_end(app_id, rollout, types, lease)
        if ending:
            names = ", ".join(sorted(records.process_of(row) for row in ending))
            log.step(f"Stopping {names}: {why}")
        for row in ending:
            if row.container_id:
                self.runtime.signal(row.container_id, "SIGTERM")
        self._await_end(app_id, rollout, types, lease, stopped)

    def give_back(self, app_id: AppId, lease: Lease) -> None:
        """After a failure: the loop may start what is missing of the live release."""
        mine = (AppRunRow.app_id == app_id, AppRunRow.held_fence == lease.fence)
        with self.database.write() as session:
            session.execute(update(AppRunRow).where(*mine).values(held_fence=None, held_types=""))

    def _hold(self, app_id: AppId, types: Collection[str], lease: Lease) -> bool:
        with self.database.write() as session:
            lease.hold_in(session)
            run = records.locked_run(session, app_id)
            if run is None or run.rollout is None:
                return False
            hold(run, lease, {*held_by(run, lease), *types})
            return True

    def _being_started(self, app_id: AppId, rollout: str, types: Collection[str]) -> bool:
        """Whether the loop, from before the hold, is still making a container that we could not stop yet."""
        with self.database.read() as session:
            rows = records.live_rows(session, app_id)
        starting = (row for row in rows if row.state == InstanceState.STARTING and row.started_at is None)
        return any(row.process_type in types and row.rollout != rollout for row in starting)

    def _record_end(self, app_id: AppId, rollout: str, types: Collection[str], lease: Lease) -> list[InstanceRow]:
        kill_by = clock.after(self.settings.grace_s)
        with self.database.write() as session:
            lease.hold_in(session)
            records.locked_run(session, app_id)
            rows = [
                row
                for row in records.live_rows(session, app_id)
                if row.process_type in types and row.rollout != rollout and row.state in _ENDS
            ]
            for row in rows:
                LIFE.move(session, InstanceRow, row.id, InstanceState.STOPPING, kill_by=kill_by)
        return rows

    def _await_end(self, app_id: AppId, rollout: str, types: Collection[str], lease: Lease, stopped: Stopped) -> None:
        kill_at = time.monotonic() + self.settings.grace_s
        while left := self._left(app_id, rollout, types):
            late_s = time.monotonic() - kill_at
            if late_s > _MARGIN_S:
                raise Unavailable(f"{left[0].process} of v{left[0].version} does not end.", "Try again later.")
            if late_s > 0:
                for one in left:
                    self.runtime.signal(one.id, "SIGKILL")
            _pause(lease, stopped)

    def _left(self, app_id: AppId, rollout: str, types: Collection[str]) -> list[Container]:
        with self.database.read() as session:
            ours = {row.id for row in records.live_rows(session, app_id) if row.rollout == rollout}
        running = (one for one in self.runtime.containers(app_id) if one.running and one.instance_id not in ours)
        return [one for one in running if one.process.rpartition(".")[0] in types]


def held_by(run: AppRunRow, lease: Lease) -> frozenset[str]:
    """The types and places (`web.3`) that the lease holds."""
    mine = run.held_fence == lease.fence and run.held_types
    return frozenset(run.held_types.split(",")) if mine else frozenset()


def hold(run: AppRunRow, lease: Lease, names: Collection[str]) -> None:
    """Let the loop start nothing in these types and places while the lease lasts."""
    run.held_fence, run.held_types = lease.fence, ",".join(sorted(names))


def _pause(lease: Lease, stopped: Stopped) -> None:
    lease.check()
    reason = stopped()
    if reason is not None:
        raise reason
    threading.Event().wait(LOOK_EVERY_S)


def end_crashed(app_id: AppId, rollout: str, moment: datetime) -> Update:
    """What ends the crashed instances of every rollout of the app but this one."""
    crashed = (
        InstanceRow.app_id == app_id,
        InstanceRow.rollout != rollout,
        InstanceRow.state == InstanceState.CRASHED,
    )
    return update(InstanceRow).where(*crashed).values(state=InstanceState.STOPPED, ended_at=moment)
