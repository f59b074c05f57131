"""From a wish to mount or unmount to instances that have it so, or to an honest failure that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import Conflict, NotFound
from core.ids import AppId
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter
from core.secrets import Mask
from scheduler import mounts
from scheduler.line import ChangeLine, unless_lost
from scheduler.service import Scheduler
from scheduler.settings import SchedulerSettings
from scheduler.states import CHANGE, ChangeState
from scheduler.stored import StorageChange
from scheduler.tables import StorageChangeRow, VolumeRow
from scheduler.types import Mount, RunSpec


@dataclass(frozen=True)
class Remounting:
    """Carries changes out, each in the app's line. What a dead worker leaves, the next begins again."""

    database: Database
    leases: Leases
    scheduler: Scheduler
    logs: LogStreams
    settings: SchedulerSettings

    def find(self, change_id: str) -> StorageChange | None:
        with self.database.read() as session:
            row = session.get(StorageChangeRow, change_id)
            return None if row is None else to_change(row)

    def apply(self, change_id: str) -> None:
        """Returns when the change is decided, or another worker's."""
        self.line.apply(change_id)

    @property
    def line(self) -> ChangeLine[StorageChange]:
        parts = (self.database, self.leases, self.logs, self.settings.change_timeout_s)
        return ChangeLine(*parts, StorageChangeRow, "mounts", self.find, self._carry_out)

    def _carry_out(self, change: StorageChange, lease: Lease, log: LogWriter) -> None:
        self._roll(change, self._wanted(change), lease, log)
        log.step(f"Done: {change.description}")
        for line in mounts.LIMITS if change.path is not None else (mounts.KEPT.format(name=change.name),):
            log.detail(line)

    def _roll(self, change: StorageChange, wanted: tuple[Mount, ...], lease: Lease, log: LogWriter) -> None:
        spec = self.scheduler.current(change.app_id)
        log.hide(Mask(spec.env.values() if spec is not None else ()))

        def mounted(spec: RunSpec) -> RunSpec:
            return replace(spec, mounts=wanted)

        def record(session: Session) -> None:
            self._record(session, change, lease)

        if not self.scheduler.renew(change.app_id, mounted, lease, log, unless_lost(lease), record):
            with self.database.write() as session:
                lease.hold_in(session)
                record(session)
            log.detail("Nothing of this app is live yet: it holds from the first release on.")

    def _wanted(self, change: StorageChange) -> tuple[Mount, ...]:
        """All of the app's mounts as they shall be. Conflict, NotFound: something else has changed since the asking."""
        with self.database.read() as session:
            rows = mounts.volume_rows(session, change.app_id)
            now = mounts.mounts_of(session, change.app_id)
        if change.path is not None:
            asked = Mount(change.name, change.path, change.types)
            mounts.check_beside(asked, rows)
            return tuple(sorted((*now, asked), key=lambda mount: mount.name))
        if change.name not in {row.name for row in rows}:
            raise NotFound(f"This app has no volume {change.name}.")
        left = tuple(mount for mount in now if mount.name != change.name)
        if left == now:
            raise Conflict(f"{change.name} is not mounted.")
        return left

    def _record(self, session: Session, change: StorageChange, lease: Lease) -> None:
        row = session.get(VolumeRow, (change.app_id, change.name))
        if row is None:
            row = VolumeRow(app_id=change.app_id, name=change.name, owner="", created_at=clock.now())
            session.add(row)
        row.path, row.types = change.path, ",".join(change.types)
        moment = clock.now()
        CHANGE.move(session, StorageChangeRow, change.id, ChangeState.DONE, lease.fenced(), decided_at=moment)


def to_change(row: StorageChangeRow) -> StorageChange:
    return StorageChange(
        id=row.id,
        app_id=AppId(row.app_id),
        state=ChangeState(row.state),
        name=row.name,
        path=row.path,
        types=tuple(row.types.split(",")) if row.types else (),
        user_email=row.user_email,
        log_id=row.log_id,
        reason=row.reason,
        created_at=row.created_at,
    )
