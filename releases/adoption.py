"""Releases that the scheduler runs and the records lack, because they were restored from an older backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select

from core import clock
from core.database import Database
from core.edge import contained
from core.ids import AppId, new_id
from core.secrets import Sealer
from releases import rows
from releases.content import Content
from releases.tables import AppRow, ReleaseRow
from releases.types import ReleaseKind, ReleaseState
from scheduler import RunSpec, Scheduler, write_checks

NOBODY = "portside"


class Adoption:
    """Gives the ledger a row for each such release, so that it can be seen, followed and rolled back to."""

    def __init__(
        self, database: Database, sealer: Sealer, scheduler: Scheduler, protocol_of: Callable[[AppId], str]
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._scheduler = scheduler
        self._protocol_of = protocol_of

    def look(self) -> None:
        """Adopt what is newer than the records. Two queries when there is nothing."""
        for app_id in self._newer(self._scheduler.versions()):
            with contained(f"adoption of what app {app_id} runs"):
                spec = self._scheduler.current(app_id)
                if spec is not None:
                    self._adopt(spec, self._protocol_of(app_id))

    def _newer(self, running: Mapping[AppId, int]) -> list[AppId]:
        """Apps that run a number which is beyond any that the records have given."""
        with self._database.read() as session:
            given = session.execute(select(AppRow.id, AppRow.last_version).where(AppRow.destroyed_at.is_(None)))
            return [AppId(app_id) for app_id, last in given if running.get(AppId(app_id), 0) > last]

    def _adopt(self, spec: RunSpec, protocol: str) -> None:
        moment = clock.now()
        with self._database.write() as session:
            app = session.get_one(AppRow, spec.app_id, with_for_update=True)
            if session.get(ReleaseRow, spec.release_id) is not None or app.last_version >= spec.version:
                return
            before = session.get(ReleaseRow, app.current_release_id) if app.current_release_id else None
            row = ReleaseRow(
                id=spec.release_id,
                app_id=spec.app_id,
                version=spec.version,
                state=ReleaseState.LIVE,
                kind=ReleaseKind.IMAGE,
                description=f"Found running; the records knew {f'v{before.version}' if before else 'no release'}",
                user_id=app.owner_id,
                user_email=NOBODY,
                log_id=new_id(),
                delta_sealed=self._sealer.seal({"set": "{}", "removed": "[]"}),
                config_sealed=self._sealer.seal(spec.env),
                created_at=moment,
                updated_at=moment,
            )
            rows.put_image(row, _content(spec, protocol))
            session.add(row)
            app.last_version, app.current_release_id = spec.version, spec.release_id
            app.released_at = app.updated_at = moment


def _content(spec: RunSpec, protocol: str) -> Content:
    return Content(
        image_id=spec.image_id,
        image_ref=spec.image_ref,
        commit=spec.commit,
        port=spec.port,
        processes={process.name: process.command for process in spec.processes},
        healthchecks={name: write_checks(checks) for name, checks in spec.health.items()},
        overlap=spec.overlap,
        shrink=spec.shrink,
        protocol=protocol,
    )
