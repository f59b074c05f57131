"""Sizes of process types: from a wish to instances that have them, or to an honest failure that changes nothing.

Asking only writes a record; `apply`, in a worker, replaces the live release's instances as a deploy would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import Conflict, NotFound
from core.ids import AppId, new_id
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter
from core.queue import Queue
from core.secrets import Mask
from scheduler import checking, checks, line, records, sizes
from scheduler.checks import CheckKind, HealthCheck
from scheduler.line import ChangeLine, unless_lost
from scheduler.runtime import Runtime
from scheduler.service import Scheduler
from scheduler.settings import SchedulerSettings
from scheduler.states import CHANGE, ChangeState
from scheduler.stored import SizeChange
from scheduler.tables import AppRunRow, FormationChangeRow, FormationRow
from scheduler.types import STANDARD, RunSpec, line_of

Checks = tuple[HealthCheck, ...]
RESIZE = "scheduler.apply_size_change"


class Resizing:
    """What people do with sizes. `queue` tells a worker of a change that was asked for."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        scheduler: Scheduler,
        runtime: Runtime,
        logs: LogStreams,
        queue: Queue,
        settings: SchedulerSettings,
    ) -> None:
        self._database = database
        self._leases = leases
        self._scheduler = scheduler
        self._runtime = runtime
        self._queue = queue
        self._settings = settings
        parts = (database, leases, logs, settings.change_timeout_s, FormationChangeRow, "sizes and checks")
        self._line: ChangeLine[SizeChange] = ChangeLine(*parts, self._find, self._carry_out)

    def check(self, app_id: AppId, wanted: Mapping[str, str]) -> dict[str, str]:
        """What of `wanted` would be a change, as sizes are stored.

        UserError for what is no size or more than the host has; NotFound for a type that the live release lacks.
        """
        now = {entry.process_type: entry.size for entry in self._scheduler.formation(app_id)}
        new = {}
        for name, text in wanted.items():
            size = sizes.canonical(text)
            if name not in now:
                raise NotFound(f"This app has no process type {name}.", "See: portside ps:type")
            if size != now[name]:
                new[name] = size
        if own := {name: size for name, size in new.items() if size != STANDARD}:
            capacity = self._runtime.capacity()
            for name, size in own.items():
                sizes.require_room(name, size, self._settings, capacity)
        return new

    def ask(self, app_id: AppId, wanted: Mapping[str, str], user_email: str) -> SizeChange | None:
        """Give process types these sizes; None when they have them already.

        The errors of `check`; Conflict while another change of sizes is under way.
        """
        new = self.check(app_id, wanted)
        return self._ask(app_id, new, user_email) if new else None

    def set_check(self, app_id: AppId, kind: str, check: HealthCheck, user_email: str) -> SizeChange | None:
        """Set a check of the process type `kind` in the place of those of its type; None when it is so already.

        NotFound for a type that the live release lacks; Conflict while another change is under way.
        """
        return self._ask_checks(app_id, kind, lambda own: checking.with_check(own, check), user_email)

    def unset_checks(
        self, app_id: AppId, kind: str, check_kind: CheckKind | None, user_email: str
    ) -> SizeChange | None:
        """Take back the checks (of one kind) set for a type, so that app.json's hold again. As `set_check`."""
        return self._ask_checks(app_id, kind, lambda own: checking.without(own, check_kind), user_email)

    def _ask_checks(
        self, app_id: AppId, kind: str, changed: Callable[[Checks], Checks], user_email: str
    ) -> SizeChange | None:
        if kind not in {entry.process_type for entry in self._scheduler.formation(app_id)}:
            raise NotFound(f"This app has no process type {kind}.", "See: portside checks")
        with self._database.read() as session:
            own = records.checks_of(session, app_id).get(kind, ())
        new = changed(own)
        return None if new == own else self._ask(app_id, {}, user_email, {kind: new})

    def change(self, app_id: AppId, change_id: str) -> SizeChange:
        """A change that was asked for; NotFound for one of another app."""
        found = self._find(change_id)
        if found is None or found.app_id != app_id:
            raise NotFound("Couldn't find that change of sizes.", "See: portside ps:type")
        return found

    def apply(self, change_id: str) -> None:
        """Wait for the app's line and carry the change out, or record why not. Harmless when repeated."""
        self._line.apply(change_id)

    def resume(self) -> None:
        """Nudge a worker for each change that nobody works on; close the logs that a dead one left open."""
        self._line.close_left_open()
        pending = select(FormationChangeRow).where(FormationChangeRow.state == ChangeState.PENDING)
        with self._database.read() as session:
            waiting = [(row.id, AppId(row.app_id)) for row in session.scalars(pending)]
        for change_id, app_id in waiting:
            if not self._leases.is_held(line_of(app_id)):
                self._queue.nudge(RESIZE, change_id)

    def forget_app(self, app_id: AppId) -> None:
        with self._database.write() as session:
            session.execute(delete(FormationChangeRow).where(FormationChangeRow.app_id == app_id))

    def _ask(
        self, app_id: AppId, new: Mapping[str, str], user_email: str, own: Mapping[str, Checks] | None = None
    ) -> SizeChange:
        change_id = new_id()
        row = FormationChangeRow(id=change_id, app_id=app_id, state=ChangeState.PENDING, sizes=json.dumps(dict(new)))
        row.checks = json.dumps({name: checks.write(said) for name, said in (own or {}).items()})
        row.user_email, row.log_id, row.reason, row.created_at = user_email, change_id, "", clock.now()
        waiting = (FormationChangeRow.app_id == app_id, FormationChangeRow.state == ChangeState.PENDING)
        with self._database.write() as session:
            if session.scalar(select(FormationChangeRow.id).where(*waiting)) is not None:
                raise Conflict(
                    "Another change of this app's sizes or checks is under way.", "Try again when it has ended."
                )
            session.add(row)
            line.forget_old(session, FormationChangeRow, app_id)
        self._queue.nudge(RESIZE, change_id)
        return self.change(app_id, change_id)

    def _find(self, change_id: str) -> SizeChange | None:
        with self._database.read() as session:
            row = session.get(FormationChangeRow, change_id)
            return None if row is None else _to_change(row)

    def _carry_out(self, change: SizeChange, lease: Lease, log: LogWriter) -> None:
        def resized(spec: RunSpec) -> RunSpec:
            log.hide(Mask(spec.env.values()))
            return replace(spec, sizes={**spec.sizes, **change.sizes}, checks={**spec.checks, **change.checks})

        def record(session: Session) -> None:
            self._record(session, change, lease)

        running = {entry.process_type for entry in self._scheduler.formation(change.app_id) if entry.quantity}
        rolled = bool(running & {*change.sizes, *change.checks}) and self._scheduler.renew(
            change.app_id, resized, lease, log, unless_lost(lease), record
        )
        if not rolled:
            with self._database.write() as session:
                lease.hold_in(session)
                record(session)
                self._watch(session, change)
            log.detail("No instance of it is wanted now: it holds for those to come.")
        log.step(f"Done: {change.description}")

    def _record(self, session: Session, change: SizeChange, lease: Lease) -> None:
        rows = {row.process_type: row for row in records.formation_rows(session, change.app_id)}
        for name, size in change.sizes.items():
            row: FormationRow | None = rows.get(name)
            if row is not None:  # gone only if the app was destroyed meanwhile
                row.size = size
        for name, own in change.checks.items():
            if (known := rows.get(name)) is not None:
                known.checks = checks.write(own) if own else ""
        moment = clock.now()
        CHANGE.move(session, FormationChangeRow, change.id, ChangeState.DONE, lease.fenced(), decided_at=moment)

    def _watch(self, session: Session, change: SizeChange) -> None:
        """Instances to come have checks; that none has them any more, the next switch finds."""
        kinds = {check.kind for own in change.checks.values() for check in own}
        run = session.get(AppRunRow, change.app_id)
        if run is not None and kinds - {CheckKind.STARTUP}:
            run.watched = True


def _to_change(row: FormationChangeRow) -> SizeChange:
    return SizeChange(
        id=row.id,
        app_id=AppId(row.app_id),
        state=ChangeState(row.state),
        sizes=json.loads(row.sizes),
        user_email=row.user_email,
        log_id=row.log_id,
        reason=row.reason,
        created_at=row.created_at,
        checks={name: checks.read(text) for name, text in json.loads(row.checks).items()},
    )
