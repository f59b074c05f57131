"""The ledger of releases: where every number is given and every change of state is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import Conflict, NotFound
from core.ids import AppId, new_id
from core.leases import Lease
from core.secrets import Sealer
from releases import rows
from releases.content import FIRST_PROTOCOL, Content, back_to, with_config, with_image
from releases.rows import UNDECIDED
from releases.settings import ReleaseSettings
from releases.states import RELEASE
from releases.tables import AppRow, ReleaseRow
from releases.types import Actor, Release, ReleaseKind, ReleaseState


@dataclass(frozen=True)
class Draft:
    """What is asked for, before it has a number."""

    kind: ReleaseKind
    description: str
    actor: Actor
    image: Content | None = None
    delta: Mapping[str, str] | None = None
    removed: tuple[str, ...] = ()
    target_id: str | None = None
    code_only: bool = False
    with_phase: bool = False
    push_id: str | None = None
    log_id: str | None = None


class Ledger:
    """Records and reads releases; every change of state goes through the table in `states`."""

    def __init__(self, database: Database, sealer: Sealer, settings: ReleaseSettings) -> None:
        self._database = database
        self._sealer = sealer
        self._settings = settings

    def submit(self, app_id: AppId, draft: Draft, floor: int) -> Release:
        """Give the draft the next number: one more than the highest in the records and than `floor`."""
        with self._database.write() as session:
            app = session.get(AppRow, app_id, with_for_update=True)
            if app is None or app.destroyed_at is not None:
                raise NotFound("Couldn't find that app.", "See your apps: portside apps")
            earlier = rows.of_push(session, draft.push_id)
            if earlier is not None:
                return rows.release(earlier, app)
            self._check_room(session, app_id)
            if draft.kind is ReleaseKind.ROLLBACK:
                _cancel_undecided(session, app_id)
            app.last_version = max(app.last_version, floor) + 1
            row = self._row(app_id, app.last_version, draft)
            session.add(row)
            session.flush()
            return rows.release(row, app)

    def _check_room(self, session: Session, app_id: AppId) -> None:
        undecided = select(func.count()).where(ReleaseRow.app_id == app_id, ReleaseRow.state.in_(UNDECIDED))
        if (session.scalar(undecided) or 0) >= self._settings.most_waiting:
            raise Conflict(
                f"{self._settings.most_waiting} releases of this app are waiting to go live already.",
                "Wait for them, or give up on them: portside builds:cancel",
            )

    def _row(self, app_id: AppId, version: int, draft: Draft) -> ReleaseRow:
        moment = clock.now()
        image = draft.image or Content()
        delta = {"set": json.dumps(dict(draft.delta or {})), "removed": json.dumps(list(draft.removed))}
        release_id = new_id()
        row = ReleaseRow(
            id=release_id,
            app_id=app_id,
            version=version,
            state=ReleaseState.PENDING,
            kind=draft.kind,
            description=draft.description[:500],
            user_id=draft.actor.user_id,
            user_email=draft.actor.email,
            push_id=draft.push_id,
            log_id=draft.log_id or release_id,
            delta_sealed=self._sealer.seal(delta),
            target_id=draft.target_id,
            code_only=draft.code_only,
            with_phase=draft.with_phase,
            created_at=moment,
            updated_at=moment,
        )
        rows.put_image(row, image)
        return row

    def begin(self, release_id: str, lease: Lease, protocol: str = FIRST_PROTOCOL) -> tuple[Release, Content]:
        """The release's turn: decide its content from what is live now, once; later calls give the same. `protocol`:
        what the app is set to be spoken to in."""
        with self._database.write() as session:
            lease.hold_in(session)
            row = session.get_one(ReleaseRow, release_id)
            app = session.get_one(AppRow, row.app_id)
            if row.state == ReleaseState.PENDING:
                content = self._decide(session, row, app, protocol)
                rows.put_image(row, content)
                row.config_sealed = self._sealer.seal(content.config)
                row.state = ReleaseState.DELIVERING
                row.updated_at = clock.now()
                row.deadline_at = clock.after(self._settings.deliver_timeout_s)
            return rows.release(row, app), rows.content(row, self._sealer)

    def _decide(self, session: Session, row: ReleaseRow, app: AppRow, protocol: str) -> Content:
        current = rows.current(session, app, self._sealer)
        if row.kind == ReleaseKind.IMAGE:
            return with_image(current, rows.image(row), protocol)
        if row.kind == ReleaseKind.CONFIG:
            return with_config(current, rows.delta(row, self._sealer), protocol)
        target = rows.content(session.get_one(ReleaseRow, row.target_id), self._sealer)
        return back_to(current, target, row.code_only)

    def record_ref(self, release_id: str, ref: str, lease: Lease) -> None:
        """The image is in the registry under `ref`."""
        with self._database.write() as session:
            lease.hold_in(session)
            session.get_one(ReleaseRow, release_id).image_ref = ref

    def moved(self, release_id: str, ref: str) -> None:
        """The image of a decided release is in the registry under another reference now."""
        with self._database.write() as session:
            session.get_one(ReleaseRow, release_id).image_ref = ref

    def succeed(self, release_id: str, lease: Lease) -> None:
        """The release serves: it is the app's current one from here on."""
        moment = clock.now()
        with self._database.write() as session:
            RELEASE.move(session, ReleaseRow, release_id, ReleaseState.LIVE, lease.fenced(), updated_at=moment)
            app_id = session.scalars(select(ReleaseRow.app_id).where(ReleaseRow.id == release_id)).one()
            app = session.get_one(AppRow, app_id)
            app.current_release_id, app.released_at, app.updated_at = release_id, moment, moment

    def fail(self, release_id: str, reason: str, lease: Lease) -> None:
        """The release never served; the one before it is still current."""
        with self._database.write() as session:
            values = {"reason": reason, "updated_at": clock.now()}
            RELEASE.move(session, ReleaseRow, release_id, ReleaseState.FAILED, lease.fenced(), **values)

    def ask_to_cancel(self, release_id: str) -> None:
        with self._database.write() as session:
            session.execute(update(ReleaseRow).where(ReleaseRow.id == release_id).values(cancel_requested=True))

    def cancel_undecided(self, app_id: AppId) -> None:
        """Ask for the end of everything that waits or is being delivered."""
        with self._database.write() as session:
            _cancel_undecided(session, app_id)

    def is_cancelled(self, release_id: str) -> bool:
        with self._database.read() as session:
            return bool(session.scalar(select(ReleaseRow.cancel_requested).where(ReleaseRow.id == release_id)))

    def is_late(self, release_id: str) -> bool:
        with self._database.read() as session:
            deadline = session.scalar(select(ReleaseRow.deadline_at).where(ReleaseRow.id == release_id))
        return deadline is not None and clock.now() > deadline

    def without_image(self, app_id: AppId, version: int) -> None:
        """The image of that release was given up: it can't be brought back any more."""
        ours = (ReleaseRow.app_id == app_id, ReleaseRow.version == version)
        with self._database.write() as session:
            session.execute(update(ReleaseRow).where(*ours).values(image_kept=False))

    def image_seen(self, release_id: str, is_there: bool) -> None:
        """What the registry said of the release's image when it was last asked."""
        with self._database.write() as session:
            session.execute(update(ReleaseRow).where(ReleaseRow.id == release_id).values(image_lost=not is_there))


def _cancel_undecided(session: Session, app_id: AppId) -> None:
    waiting = (ReleaseRow.app_id == app_id, ReleaseRow.state.in_(UNDECIDED))
    session.execute(update(ReleaseRow).where(*waiting).values(cancel_requested=True))
