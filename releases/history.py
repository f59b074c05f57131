"""Looking into the ledger: releases as values, config as it is and as it is about to be."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from core.database import Database
from core.errors import NotFound
from core.ids import AppId, is_id
from core.secrets import Sealer
from releases import rows
from releases.content import Content, back_to, with_config
from releases.rows import UNDECIDED
from releases.tables import AppRow, ReleaseRow
from releases.types import KeptReleases, Release, ReleaseKind, ReleaseState


class History:
    """Reads only."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def get(self, release_id: str) -> Release:
        with self._database.read() as session:
            row = session.get(ReleaseRow, release_id)
            if row is None:
                raise NotFound("Couldn't find that release.", "See them: portside releases")
            return rows.release(row, session.get_one(AppRow, row.app_id))

    def find(self, app_id: AppId, version_or_id: str) -> Release:
        """By id, by `3` or by `v3`."""
        text = version_or_id.strip()
        with self._database.read() as session:
            query = select(ReleaseRow).where(ReleaseRow.app_id == app_id)
            if is_id(text):
                query = query.where(ReleaseRow.id == text)
            elif text.removeprefix("v").isdecimal() and len(text) < 12:
                query = query.where(ReleaseRow.version == int(text.removeprefix("v")))
            else:
                raise NotFound(f"{text!r} is not a release.", "Name it as v3; see them: portside releases")
            row = session.scalars(query).first()
            if row is None:
                raise NotFound(f"Couldn't find release {text}.", "See them: portside releases")
            return rows.release(row, session.get_one(AppRow, app_id))

    def newest(self, app_id: AppId, limit: int | None = None) -> list[Release]:
        """The newest first."""
        query = select(ReleaseRow).where(ReleaseRow.app_id == app_id).order_by(ReleaseRow.version.desc()).limit(limit)
        with self._database.read() as session:
            app = session.get_one(AppRow, app_id)
            return [rows.release(row, app) for row in session.scalars(query)]

    def before_current(self, app_id: AppId) -> Release | None:
        """The newest release but the current one that was live with an image: where a rollback without a name goes."""
        live = select(ReleaseRow).where(ReleaseRow.app_id == app_id, ReleaseRow.state == ReleaseState.LIVE.value)
        newest = live.where(ReleaseRow.image_ref != "").order_by(ReleaseRow.version.desc()).limit(1)
        with self._database.read() as session:
            app = session.get_one(AppRow, app_id)
            row = session.scalars(newest.where(ReleaseRow.id != (app.current_release_id or ""))).first()
            return None if row is None else rows.release(row, app)

    def with_image(self, app_id: AppId) -> list[Release]:
        """The decided releases whose image was not given up, the newest first."""
        query = select(ReleaseRow).where(*_has_image(app_id)).order_by(ReleaseRow.version.desc())
        with self._database.read() as session:
            app = session.get_one(AppRow, app_id)
            return [rows.release(row, app) for row in session.scalars(query)]

    def count_with_image(self, app_id: AppId) -> int:
        """How many `with_image` would give."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(ReleaseRow).where(*_has_image(app_id))) or 0

    def asked_back(self, app_id: AppId) -> frozenset[str]:
        """The ids of the releases that a rollback goes to which is not decided yet."""
        targets = select(ReleaseRow.target_id).where(ReleaseRow.app_id == app_id, ReleaseRow.state.in_(UNDECIDED))
        with self._database.read() as session:
            return frozenset(target for target in session.scalars(targets) if target is not None)

    def by_ids(self, release_ids: Collection[str]) -> dict[str, Release]:
        """Many at once, for lists of apps."""
        query = select(ReleaseRow, AppRow).join(AppRow, AppRow.id == ReleaseRow.app_id)
        with self._database.read() as session:
            found = session.execute(query.where(ReleaseRow.id.in_(release_ids)))
            return {row.id: rows.release(row, app) for row, app in found}

    def of_push(self, push_id: str) -> Release | None:
        with self._database.read() as session:
            row = rows.of_push(session, push_id)
            return None if row is None else rows.release(row, session.get_one(AppRow, row.app_id))

    def undecided(self, app_id: AppId | None = None) -> list[Release]:
        """Releases that wait or are being delivered, in the order of their turns."""
        query = select(ReleaseRow, AppRow).join(AppRow, AppRow.id == ReleaseRow.app_id)
        query = query.where(ReleaseRow.state.in_(UNDECIDED), AppRow.destroyed_at.is_(None))
        if app_id is not None:
            query = query.where(ReleaseRow.app_id == app_id)
        with self._database.read() as session:
            found = session.execute(query.order_by(ReleaseRow.app_id, ReleaseRow.version))
            return [rows.release(row, app) for row, app in found]

    def rollbacks_after(self, app_id: AppId, moment: datetime) -> bool:
        """Whether a rollback was asked for since `moment` and has not failed."""
        query = select(func.count()).where(
            ReleaseRow.app_id == app_id,
            ReleaseRow.kind == ReleaseKind.ROLLBACK.value,
            ReleaseRow.state != ReleaseState.FAILED.value,
            ReleaseRow.created_at > moment,
        )
        with self._database.read() as session:
            return bool(session.scalar(query))

    def kept(self) -> KeptReleases:
        """What the releases of all apps need that are current, undecided, or restorable."""
        wanted = (
            (ReleaseRow.id == AppRow.current_release_id)
            | ReleaseRow.state.in_(UNDECIDED)
            | ((ReleaseRow.state == ReleaseState.LIVE.value) & ReleaseRow.image_kept.is_(True))
        )
        query = select(ReleaseRow.app_id, ReleaseRow.version, ReleaseRow.image_id, ReleaseRow.log_id)
        query = query.join(AppRow, AppRow.id == ReleaseRow.app_id).where(AppRow.destroyed_at.is_(None), wanted)
        with self._database.read() as session:
            found = session.execute(query).all()
        return KeptReleases(
            frozenset((AppId(app_id), version) for app_id, version, _, _ in found),
            frozenset(image_id for _, _, image_id, _ in found if image_id),
            frozenset(log_id for *_, log_id in found),
        )

    def content(self, release_id: str) -> Content:
        with self._database.read() as session:
            return rows.content(session.get_one(ReleaseRow, release_id), self._sealer)

    def current_content(self, app_id: AppId) -> Content:
        """What is live now; empty before the first release."""
        with self._database.read() as session:
            return rows.current(session, session.get_one(AppRow, app_id), self._sealer)

    def expected_config(self, app_id: AppId) -> dict[str, str]:
        """The live config with the changes that still wait for their turn."""
        with self._database.read() as session:
            content = rows.current(session, session.get_one(AppRow, app_id), self._sealer)
            waiting = select(ReleaseRow).where(ReleaseRow.app_id == app_id, ReleaseRow.state.in_(UNDECIDED))
            for row in session.scalars(waiting.order_by(ReleaseRow.version)):
                if row.kind == ReleaseKind.CONFIG:
                    content = with_config(content, rows.delta(row, self._sealer))
                elif row.kind == ReleaseKind.ROLLBACK:
                    content = back_to(
                        content, rows.content(session.get_one(ReleaseRow, row.target_id), self._sealer), row.code_only
                    )
            return dict(content.config)


def _has_image(app_id: AppId) -> tuple[ColumnElement[bool], ...]:
    kept = (ReleaseRow.app_id == app_id, ReleaseRow.image_kept.is_(True), ReleaseRow.image_ref != "")
    return (*kept, ReleaseRow.state.not_in(UNDECIDED))
