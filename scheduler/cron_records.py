"""Reading and writing the records of cron: the live release's entries, and what came of each due moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import clock
from core.ids import AppId, new_id
from core.schedules import next_moment
from scheduler.cron_plan import Entry, Policy, entries
from scheduler.states import RUN, RunState
from scheduler.tables import CronRow, CronRunRow, RunRow
from scheduler.types import RunSpec

KEPT = 50
"""How many moments of each entry are remembered."""
SKIPPED = "skipped"


@dataclass(frozen=True)
class CronRun:
    """What came of a due moment: `state` is that of its run, or `skipped`; then `reason` says why."""

    id: str
    entry_id: str
    due_at: datetime
    state: str
    run: str | None
    exit_code: int | None
    reason: str
    ended_at: datetime | None


@dataclass(frozen=True)
class Cron:
    """An entry of the live release. `next_at` None: it is suspended, or app.json says `maintenance`."""

    entry: Entry
    suspended: bool
    next_at: datetime | None
    last: CronRun | None


def offer(session: Session, spec: RunSpec) -> None:
    """Make the entries of `spec` those of the app, in the switch's transaction.

    One that was there before keeps its next moment: a moment that comes during a switch runs once, from one of the two.
    """
    mine = CronRow.app_id == spec.app_id
    known = {row.entry_id: row for row in session.scalars(select(CronRow).where(mine))}
    wanted = {entry.id: entry for entry in entries(spec.cron)}
    for row in known.values():
        row.offered = row.offered and row.entry_id in wanted
    for position, entry in enumerate(wanted.values()):
        row = known.get(entry.id) or CronRow(app_id=spec.app_id, entry_id=entry.id, suspended=False, offered=False)
        if not row.offered or row.next_at is None or entry.maintenance:
            row.next_at = first_moment(entry, row.suspended)
        row.command, row.schedule, row.policy = entry.command, entry.schedule, entry.policy
        row.maintenance, row.limit_s, row.position, row.offered = entry.maintenance, entry.limit_s, position, True
        session.add(row)
    session.flush()
    _forget_gone(session, spec.app_id)


def _forget_gone(session: Session, app_id: AppId) -> None:
    """Delete the entries that the release lacks, but for what people said of them; of all their moments together the
    newest `KEPT` stay. Each release may have other commands, and so other entries."""
    session.execute(delete(CronRow).where(CronRow.app_id == app_id, ~CronRow.offered, ~CronRow.suspended))
    offered = select(CronRow.entry_id).where(CronRow.app_id == app_id, CronRow.offered)
    gone = (CronRunRow.app_id == app_id, CronRunRow.entry_id.not_in(offered))
    newest = select(CronRunRow.id).where(*gone).order_by(CronRunRow.due_at.desc()).limit(KEPT)
    session.execute(delete(CronRunRow).where(*gone, CronRunRow.id.not_in(newest.scalar_subquery())))


def first_moment(entry: Entry, suspended: bool) -> datetime | None:
    """When an entry that begins now is due."""
    return None if suspended or entry.maintenance else next_moment(entry.schedule, clock.now())


def withdraw(session: Session, app_id: AppId) -> None:
    """The app runs nothing any more."""
    session.execute(update(CronRow).where(CronRow.app_id == app_id).values(offered=False))


def row_of(session: Session, app_id: AppId, entry_id: str) -> CronRow | None:
    found = session.get(CronRow, (app_id, entry_id))
    return found if found is not None and found.offered else None


def rows_of(session: Session, app_id: AppId) -> list[CronRow]:
    offered = select(CronRow).where(CronRow.app_id == app_id, CronRow.offered)
    return list(session.scalars(offered.order_by(CronRow.position)))


def going(session: Session, app_id: AppId, entry_id: str) -> list[str]:
    """The ids of the entry's runs that are not over."""
    mine = (CronRunRow.app_id == app_id, CronRunRow.entry_id == entry_id)
    query = select(RunRow.id).join(CronRunRow, CronRunRow.run_id == RunRow.id).where(*mine)
    return list(session.scalars(query.where(RunRow.state.not_in(sorted(RUN.final)))))


def note(session: Session, row: CronRow, due_at: datetime, run: RunRow | None, reason: str = "") -> None:
    """Record what comes of a moment: a run, or nothing for that reason. The oldest are forgotten."""
    made = CronRunRow(id=new_id(), app_id=row.app_id, entry_id=row.entry_id, due_at=due_at, reason=reason)
    made.state, made.run_id = (SKIPPED, None) if run is None else (RunState.WAITING, run.id)
    session.add(made)
    session.flush()
    mine = (CronRunRow.app_id == row.app_id, CronRunRow.entry_id == row.entry_id)
    newest = select(CronRunRow.id).where(*mine).order_by(CronRunRow.due_at.desc()).limit(KEPT)
    session.execute(delete(CronRunRow).where(*mine, CronRunRow.id.not_in(newest.scalar_subquery())))


def keep_outcome(session: Session, run: RunRow) -> None:
    """The run's own record goes; what came of its moment stays."""
    values = {"state": run.state, "run": f"run.{run.number}", "exit_code": run.exit_code, "reason": run.reason}
    session.execute(update(CronRunRow).where(CronRunRow.run_id == run.id).values(**values, ended_at=run.ended_at))


def history(session: Session, app_id: AppId) -> list[CronRun]:
    """What came of the app's moments, newest first."""
    query = select(CronRunRow, RunRow).outerjoin(RunRow, RunRow.id == CronRunRow.run_id)
    query = query.where(CronRunRow.app_id == app_id).order_by(CronRunRow.due_at.desc())
    return [_to_cron_run(made, run) for made, run in session.execute(query)]


def to_cron(row: CronRow, last: CronRun | None) -> Cron:
    return Cron(to_entry(row), row.suspended, row.next_at, last)


def to_entry(row: CronRow) -> Entry:
    return Entry(row.entry_id, row.command, row.schedule, Policy(row.policy), row.maintenance, row.limit_s)


def _to_cron_run(made: CronRunRow, run: RunRow | None) -> CronRun:
    if run is None:
        said = (made.state, made.run, made.exit_code, made.reason, made.ended_at)
    else:
        said = (run.state, f"run.{run.number}", run.exit_code, run.reason, run.ended_at)
    return CronRun(made.id, made.entry_id, made.due_at, *said)
