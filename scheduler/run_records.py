"""Reading and writing the records of one-off runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import clock
from core.errors import UserError
from core.ids import AppId, new_id
from scheduler.runtime import Terminal
from scheduler.sizes import canonical
from scheduler.states import RUN, RunState
from scheduler.tables import RunRow
from scheduler.types import STANDARD

RUN_TYPE = "run"
_NAME = re.compile(rf"^{RUN_TYPE}\.([1-9]\d{{0,8}})$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_LONGEST_COMMAND = 32_000
_WIDEST = 1000


@dataclass(frozen=True)
class RunWish:
    """What somebody wants to run.

    `terminal`: its (columns, lines); None: without one. `limit_s` None: as long as any run may. `size`: see `sizes`.
    """

    command: str
    user_email: str
    attached: bool = False
    terminal: tuple[int, int] | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    limit_s: int | None = None
    size: str = STANDARD


@dataclass(frozen=True)
class Run:
    """A one-off run (Heroku: one-off dyno). `name` is `run.1`; `reason` says why it was ended or never began."""

    id: str
    app_id: AppId
    name: str
    command: str
    size: str
    attached: bool
    state: RunState
    version: int
    user_email: str
    exit_code: int | None
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def over(self) -> bool:
        return RUN.is_final(self.state)


def check(wish: RunWish, most_s: int) -> None:
    """UserError for what can't be run."""
    if not wish.command.strip() or len(wish.command) > _LONGEST_COMMAND or "\0" in wish.command:
        raise UserError("There is no command to run.", "Give one: portside run ls -l")
    bad = [name for name, value in wish.env.items() if not _VARIABLE.match(name) or "\0" in value]
    if bad:
        raise UserError(f"{bad[0]!r} is no name of an environment variable.", "Use letters, digits and underscores.")
    if wish.limit_s is not None and not 1 <= wish.limit_s <= most_s:
        raise UserError(f"A run may take 1 to {most_s} s, not {wish.limit_s}.", "Give another time limit.")
    check_terminal(wish.terminal)


def check_terminal(size: tuple[int, int] | None) -> None:
    """UserError for a size that no terminal has."""
    if size is not None and not all(0 < number <= _WIDEST for number in size):
        raise UserError(f"A terminal has 1 to {_WIDEST} columns and lines.", "Send COLUMNS and LINES as such.")


def new_row(
    session: Session,
    app_id: AppId,
    version: int,
    wish: RunWish,
    sealed_env: str,
    digest: str,
    open_s: float,
    most_s: int,
) -> RunRow:
    """A waiting run under the app's next number. The caller has locked the app's row."""
    last = session.scalar(select(func.max(RunRow.number)).where(RunRow.app_id == app_id)) or 0
    moment, (columns, lines) = clock.now(), wish.terminal or (0, 0)
    row = RunRow(
        id=new_id(),
        app_id=app_id,
        number=last + 1,
        state=RunState.WAITING,
        attached=wish.attached,
        command=wish.command,
        sealed_env=sealed_env,
        columns=columns,
        lines=lines,
        size=canonical(wish.size),
        version=version,
        user_email=wish.user_email,
        secret_digest=digest,
        limit_s=wish.limit_s or most_s,
        reason="",
        created_at=moment,
        open_until=clock.after(open_s, moment),
    )
    session.add(row)
    return row


def going(session: Session, app_id: AppId) -> int:
    """How many runs of the app are not over."""
    unfinished = (RunRow.app_id == app_id, RunRow.state.not_in(sorted(RUN.final)))
    return session.scalar(select(func.count()).select_from(RunRow).where(*unfinished)) or 0


def rows_of(session: Session, app_ids: Collection[AppId] | None) -> Sequence[RunRow]:
    """All runs that are in the records, of these apps (None: of all)."""
    query = select(RunRow).order_by(RunRow.created_at)
    if app_ids is not None:
        query = query.where(RunRow.app_id.in_(app_ids))
    return session.scalars(query).all()


def row_named(session: Session, app_id: AppId, wanted: str) -> RunRow | None:
    """The app's run by its name (`run.1`) or id."""
    named = _NAME.match(wanted)
    which = RunRow.number == int(named[1]) if named else RunRow.id == wanted
    return session.scalar(select(RunRow).where(RunRow.app_id == app_id, which))


def name_of(row: RunRow) -> str:
    return f"{RUN_TYPE}.{row.number}"


def terminal_of(row: RunRow) -> Terminal | None:
    return Terminal(row.columns, row.lines) if row.columns else None


def end_all(session: Session, app_id: AppId, reason: str) -> None:
    """The app is stopped for good: no run of it goes on."""
    over = {"ended_at": clock.now(), "reason": reason, "secret_digest": ""}
    going = sorted({RunState.RUNNING, RunState.STOPPING})
    unbegun = sorted({RunState.WAITING, RunState.STARTING})
    mine = RunRow.app_id == app_id
    session.execute(update(RunRow).where(mine, RunRow.state.in_(going)).values(state=RunState.ENDED, **over))
    session.execute(update(RunRow).where(mine, RunRow.state.in_(unbegun)).values(state=RunState.FAILED, **over))


def to_run(row: RunRow) -> Run:
    return Run(
        id=row.id,
        app_id=AppId(row.app_id),
        name=name_of(row),
        command=row.command,
        size=row.size,
        attached=row.attached,
        state=RunState(row.state),
        version=row.version,
        user_email=row.user_email,
        exit_code=row.exit_code,
        reason=row.reason,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
