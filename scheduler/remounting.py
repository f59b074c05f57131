"""From a wish to mount or unmount to instances that have it so, or to an honest failure that changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import record_bug
from core.errors import Conflict, DeadlineExceeded, LeaseLost, NotFound, PortsideError
from core.ids import AppId
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter
from core.secrets import Mask
from core.states import LostRace
from scheduler import mounts
from scheduler.service import Scheduler
from scheduler.settings import SchedulerSettings
from scheduler.states import CHANGE, ChangeState
from scheduler.stored import StorageChange
from scheduler.tables import StorageChangeRow, VolumeRow
from scheduler.types import Mount, line_of

LOOK_AGAIN_S = 0.1


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
        change = self.find(change_id)
        if change is None or change.is_decided:
            return
        log = self.logs.writer(change.log_id)
        try:
            with self._turn(change) as lease:
                if lease is not None:
                    self._carry_out(change, lease, log)
        except (LeaseLost, LostRace):
            return
        except DeadlineExceeded as error:  # its turn never came
            self._fail(change, error, log, None)
        log.close()

    @contextmanager
    def _turn(self, change: StorageChange) -> Iterator[Lease | None]:
        """Hold the app's line for the block; None when the change is decided by then. DeadlineExceeded."""
        end = time.monotonic() + self.settings.change_timeout_s
        line = line_of(change.app_id)
        while self._is_pending(change):
            if not self.leases.is_held(line):
                with self.leases.held(line) as lease:
                    if lease is not None:
                        yield lease if self._is_pending(change) else None
                        return
            if time.monotonic() > end:
                raise DeadlineExceeded(f"{change.description} waited too long for the app's deploys to end")
            time.sleep(LOOK_AGAIN_S)
        yield None

    def _is_pending(self, change: StorageChange) -> bool:
        found = self.find(change.id)
        return found is not None and not found.is_decided

    def _carry_out(self, change: StorageChange, lease: Lease, log: LogWriter) -> None:
        try:
            self._roll(change, self._wanted(change), lease, log)
        except LeaseLost:
            raise
        except PortsideError as error:
            self._fail(change, error, log, lease)
        except Exception as error:  # a bug ends this change, not the worker
            self._fail(change, record_bug(error, f"storage change {change.id}"), log, lease)
        else:
            log.step(f"Done: {change.description}")
            for line in mounts.LIMITS if change.path is not None else (mounts.KEPT.format(name=change.name),):
                log.detail(line)

    def _roll(self, change: StorageChange, wanted: tuple[Mount, ...], lease: Lease, log: LogWriter) -> None:
        spec = self.scheduler.current(change.app_id)
        log.hide(Mask(spec.env.values() if spec is not None else ()))
        log.step(change.description)

        def stopped() -> BaseException | None:
            return LeaseLost() if lease.lost.is_set() else None

        def record(session: Session) -> None:
            self._record(session, change, lease)

        if not self.scheduler.remount(change.app_id, wanted, lease, log, stopped, record):
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

    def _fail(self, change: StorageChange, error: PortsideError, log: LogWriter, lease: Lease | None) -> None:
        log.problem(str(error))
        log.problem("Nothing has changed: what ran before still runs, with the mounts that it had.")
        guards = () if lease is None else (lease.fenced(),)
        values = {"reason": error.message, "decided_at": clock.now()}
        with self.database.write() as session:
            CHANGE.move(session, StorageChangeRow, change.id, ChangeState.FAILED, *guards, **values)


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
