"""Cron: the live release's entries are run when they are due, as one-off runs; each moment once.

The entry's next moment is moved on in the transaction that records its run, guarded by its value: of any number of
workers one gets it, and a worker that dies leaves either both or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import contained
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId
from scheduler import cron_plan, cron_records, records, run_records
from scheduler.cron_plan import Due, Policy
from scheduler.cron_records import Cron, CronRun
from scheduler.run_records import Run, RunWish
from scheduler.runs import Runs
from scheduler.settings import SchedulerSettings
from scheduler.tables import CronRow, RunRow

_REPLACED = "Its next moment came."


@dataclass(frozen=True)
class Crons:
    """Safe to use from several threads and processes at once. `look_at` has the loop look at an app at a moment."""

    database: Database
    runs: Runs
    settings: SchedulerSettings
    look_at: Callable[[AppId, datetime], None]
    wake: Callable[[AppId], None]

    def of_app(self, app_id: AppId) -> list[Cron]:
        """The live release's entries, in app.json's order."""
        with self.database.read() as session:
            last = {one.entry_id: one for one in reversed(cron_records.history(session, app_id))}
            return [cron_records.to_cron(row, last.get(row.entry_id)) for row in cron_records.rows_of(session, app_id)]

    def history(self, app_id: AppId) -> list[CronRun]:
        """What came of the last moments of all entries, newest first; also of entries that are no more."""
        with self.database.read() as session:
            return cron_records.history(session, app_id)

    def run_now(self, app_id: AppId, entry_id: str, user_email: str) -> Run:
        """Run an entry once, now, suspended or not. NotFound; Conflict if its policy forbids it."""
        with self.database.write() as session:
            row = _needed(session, app_id, entry_id)
            run, replaced, reason = self._begin(session, row, clock.now(), user_email)
            if run is None:
                raise Conflict(f"{row.command} can't run now. {reason}", "See: portside run:list")
            begun = run_records.to_run(run)
        self._end(replaced)
        self.wake(app_id)
        return begun

    def suspend(self, app_id: AppId, entry_id: str, suspended: bool) -> Cron:
        """Run an entry no more, in this and later releases, or (False) again, from its next moment on. NotFound."""
        with self.database.write() as session:
            row = _needed(session, app_id, entry_id)
            if row.maintenance and not suspended:
                message = f"app.json says `maintenance` of {row.command}, so it is not run."
                raise UserError(message, "Take `maintenance` out of its entry and push.")
            if row.suspended != suspended:
                row.suspended = suspended
                row.next_at = cron_records.first_moment(cron_records.to_entry(row), suspended)
            last = [one for one in cron_records.history(session, app_id) if one.entry_id == entry_id]
            changed = cron_records.to_cron(row, last[0] if last else None)
        self.wake(app_id)
        return changed

    def take(self, app_ids: Collection[AppId] | None) -> None:
        """Record a run for each entry (of these apps) that is due, and have those looked at that soon will be."""
        now = clock.now()
        soon = select(CronRow).where(CronRow.offered, CronRow.next_at <= clock.after(self.settings.loop_s, now))
        if app_ids is not None:
            soon = soon.where(CronRow.app_id.in_(app_ids))
        with self.database.read() as session:
            rows = list(session.scalars(soon))
        for row in rows:
            with contained(f"cron entry {row.entry_id} of app {row.app_id}"):
                assert row.next_at is not None  # the query's own condition
                due = cron_plan.due(row.schedule, row.next_at, now, self.settings.cron_late_s)
                if due is None:
                    self.look_at(AppId(row.app_id), row.next_at)
                else:
                    self._end(self._claim(row, due))

    def _claim(self, row: CronRow, due: Due) -> list[str]:
        """Take the moment if nobody has; the runs that must end for it."""
        with self.database.write() as session:
            live = records.locked_run(session, AppId(row.app_id))
            if live is None or live.version is None:
                return []
            ours = (CronRow.app_id == row.app_id, CronRow.entry_id == row.entry_id, CronRow.next_at == row.next_at)
            moved = update(CronRow).where(*ours, CronRow.offered).values(next_at=due.next_at)
            if session.execute(moved).rowcount != 1:  # type: ignore[attr-defined]
                return []
            if due.missed is not None:
                until = due.moment or clock.now()
                reason = f"Portside did not run when it was due, nor at what followed until {clock.iso(until)}."
                cron_records.note(session, row, due.missed, None, reason)
            if due.moment is None:
                return []
            run, replaced, reason = self._begin(session, row, due.moment, "cron")
            if run is None:
                cron_records.note(session, row, due.moment, None, reason)
            return replaced

    def _begin(self, session: Session, row: CronRow, due_at: datetime, by: str) -> tuple[RunRow | None, list[str], str]:
        """A waiting run for a moment, and which runs it replaces; or why there is none."""
        app_id, settings = AppId(row.app_id), self.settings
        live = records.locked_run(session, app_id)
        if live is None or live.version is None:
            return None, [], "The app runs nothing."
        going = cron_records.going(session, app_id, row.entry_id)
        if going and row.policy == Policy.FORBID:
            return None, [], "A run of it goes on, and its concurrency_policy is forbid."
        if run_records.going(session, app_id) >= settings.run_most:
            return None, [], f"The app has {settings.run_most} one-off runs already, which is the most at once."
        limit_s = min(row.limit_s or settings.run_limit_s, settings.run_limit_s)
        wish = RunWish(row.command, by, limit_s=limit_s)
        sealed = self.runs.sealer.seal({})
        run = run_records.new_row(session, app_id, live.version, wish, sealed, "", settings.run_open_s, limit_s)
        session.flush()
        cron_records.note(session, row, due_at, run)
        return run, going if row.policy == Policy.REPLACE else [], ""

    def _end(self, run_ids: Collection[str]) -> None:
        for run_id in run_ids:
            with contained("ending a run that its next one replaces"):
                self.runs.halt(run_id, _REPLACED)


def _needed(session: Session, app_id: AppId, entry_id: str) -> CronRow:
    row = cron_records.row_of(session, app_id, entry_id)
    if row is None:
        raise NotFound(f"The live release has no cron entry {entry_id}.", "See: portside cron:list")
    return row
