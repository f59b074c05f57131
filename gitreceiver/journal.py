"""The journal of pushes: every push that was received, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from core import clock, timing
from core.database import Database
from core.errors import NotFound
from core.ids import AppId, UserId, is_id
from core.leases import Lease
from gitreceiver.desk import RefUpdate
from gitreceiver.states import PUSH
from gitreceiver.tables import PushRow
from gitreceiver.types import Push, PushKind, PushState
from gitreceiver.waterfall import Built, Waterfall, decode, encode
from releases import Actor

RUNNING = (PushState.BUILDING.value, PushState.RELEASING.value)
UNFINISHED = (PushState.RECEIVED.value, *RUNNING)


class Journal:
    """Records and reads pushes; every change of state goes through the table in `states`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, push_id: str, app_id: AppId, kind: PushKind, update: RefUpdate, options: Sequence[str], actor: Actor
    ) -> tuple[Push, list[str]]:
        """Record a push; gives it with the ids of the queued pushes of the same app that it supersedes."""
        moment = clock.now()
        row = PushRow(
            id=push_id,
            app_id=app_id,
            kind=kind,
            ref=update.ref,
            commit=update.new,
            old_commit=update.old,
            forced=update.forced,
            options="\n".join(options)[:1000],
            user_id=actor.user_id,
            email=actor.email,
            state=PushState.RECEIVED,
            log_id=push_id,
            created_at=moment,
            steps=encode(timing.recorded()),
        )
        with self._database.write() as session:
            queued = select(PushRow.id).where(PushRow.app_id == app_id, PushRow.state == PushState.RECEIVED.value)
            superseded = list(session.scalars(queued))
            reason = "superseded by a newer push"
            for old_id in superseded:
                PUSH.move(session, PushRow, old_id, PushState.SUPERSEDED, reason=reason, finished_at=moment)
            session.add(row)
            session.flush()
            return _push(row), superseded

    def move(self, push_id: str, to: PushState, lease: Lease, **values: Any) -> None:
        """Move a push on, as the holder of its lease. Raises LostRace when it is not ours to move any more."""
        self._move(push_id, to, (lease.fenced(),), values)

    def withdraw(self, push_id: str, reason: str) -> None:
        """Cancel a push that nobody has begun. Raises LostRace when somebody has."""
        guard = (PushRow.state == PushState.RECEIVED.value,)
        self._move(push_id, PushState.CANCELLED, guard, {"reason": reason})

    def _move(self, push_id: str, to: PushState, guards: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> None:
        if PUSH.is_final(to):
            values = {**values, "finished_at": clock.now()}
        with self._database.write() as session:
            PUSH.move(session, PushRow, push_id, to, *guards, **values)

    def record(self, push_id: str, **values: Any) -> None:
        """Set columns that are no state."""
        with self._database.write() as session:
            session.execute(update(PushRow).where(PushRow.id == push_id).values(**values))

    def get(self, push_id: str) -> Push:
        with self._database.read() as session:
            row = session.get(PushRow, push_id) if is_id(push_id) else None
        if row is None:
            raise NotFound("Couldn't find that push.", "See the recent ones: portside builds")
        return _push(row)

    def is_cancelled(self, push_id: str) -> bool:
        with self._database.read() as session:
            return bool(session.scalar(select(PushRow.cancel_requested).where(PushRow.id == push_id)))

    def recent(self, app_id: AppId, limit: int = 20) -> list[Push]:
        """The newest first."""
        query = select(PushRow).where(PushRow.app_id == app_id).order_by(PushRow.created_at.desc()).limit(limit)
        return self._pushes(query)

    def latest(self, app_ids: Collection[AppId]) -> dict[AppId, Push]:
        """The newest push of each app, in one query."""
        newest = select(PushRow.app_id, func.max(PushRow.created_at).label("at")).group_by(PushRow.app_id).subquery()
        ours = (PushRow.app_id == newest.c.app_id) & (PushRow.created_at == newest.c.at)
        query = select(PushRow).join(newest, ours).where(PushRow.app_id.in_(app_ids))
        return {push.app_id: push for push in self._pushes(query)}

    def waterfalls(self, app_id: AppId, kind: PushKind, limit: int = 20) -> list[Waterfall]:
        """What took how long in the app's latest live pushes of a kind, the newest first."""
        query = select(PushRow.total_ms, PushRow.steps, PushRow.built).where(
            PushRow.app_id == app_id,
            PushRow.kind == kind.value,
            PushRow.state == PushState.LIVE.value,
            PushRow.total_ms.is_not(None),
        )
        with self._database.read() as session:
            found = session.execute(query.order_by(PushRow.created_at.desc()).limit(limit))
            return [Waterfall(total_ms or 0, decode(steps), _built(built)) for total_ms, steps, built in found]

    def unfinished(self, app_id: AppId | None = None) -> list[Push]:
        """Received or running pushes, the oldest first."""
        query = select(PushRow).where(PushRow.state.in_(UNFINISHED)).order_by(PushRow.created_at)
        return self._pushes(query if app_id is None else query.where(PushRow.app_id == app_id))

    def kept(self, app_id: AppId, most: int = 20) -> list[str]:
        """The ids of the newest pushes that went live, or still may."""
        states = (PushState.LIVE.value, *UNFINISHED)
        query = select(PushRow.id).where(PushRow.app_id == app_id, PushRow.state.in_(states))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(PushRow.created_at.desc()).limit(most)))

    def with_open_log(self) -> list[Push]:
        """Finished pushes whose log a dying worker left open."""
        query = select(PushRow).where(PushRow.finished_at.is_not(None), PushRow.log_closed.is_(False))
        return self._pushes(query)

    def forget_app(self, app_id: AppId) -> None:
        with self._database.write() as session:
            for row in session.scalars(select(PushRow).where(PushRow.app_id == app_id)):
                session.delete(row)

    def _pushes(self, query: Any) -> list[Push]:
        with self._database.read() as session:
            return [_push(row) for row in session.scalars(query)]


def _push(row: PushRow) -> Push:
    return Push(
        id=row.id,
        app_id=AppId(row.app_id),
        kind=PushKind(row.kind),
        ref=row.ref,
        commit=row.commit,
        old_commit=row.old_commit,
        forced=row.forced,
        options=tuple(row.options.split("\n")) if row.options else (),
        user_id=UserId(row.user_id),
        email=row.email,
        state=PushState(row.state),
        reason=row.reason,
        log_id=row.log_id,
        version=row.version,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        total_ms=row.total_ms,
        steps=decode(row.steps),
        stack=row.stack or "",
        built=_built(row.built),
    )


def _built(text: str | None) -> Built | None:
    return Built(text) if text else None
