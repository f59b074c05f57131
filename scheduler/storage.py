"""The storage of apps: named volumes that outlive instances and releases. Asking only writes records; `apply` acts."""

from __future__ import annotations

from sqlalchemy import delete, select

from core import clock
from core.database import Database
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from core.leases import Leases
from core.logs import LogStreams
from core.queue import Queue
from scheduler import line, mounts
from scheduler.remounting import Remounting
from scheduler.runtime import Runtime
from scheduler.service import Scheduler
from scheduler.settings import SchedulerSettings
from scheduler.states import ChangeState
from scheduler.stored import StorageChange, StoredVolume
from scheduler.tables import StorageChangeRow, VolumeRow
from scheduler.types import Mount, line_of

APPLY = "scheduler.apply_storage_change"
_MB = 1024 * 1024


class Storage:
    """Volumes of apps. `queue` tells a worker of a change that was asked for. `limits`: what people should know."""

    limits = mounts.LIMITS

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
        self._remounting = Remounting(database, leases, scheduler, logs, settings)

    def volumes(self, app_id: AppId, measure: bool = False) -> list[StoredVolume]:
        """The app's volumes by name; with `measure` their sizes too, which takes the engine some time."""
        sizes = self._runtime.volumes.sizes() if measure else {}
        with self._database.read() as session:
            return [
                StoredVolume(
                    name=row.name,
                    path=row.path,
                    types=mounts.types_of(row),
                    size_bytes=sizes.get(mounts.volume_name(app_id, row.name)),
                    created_at=row.created_at,
                )
                for row in mounts.volume_rows(session, app_id)
            ]

    def ask_mount(self, app_id: AppId, name: str, path: str, types: tuple[str, ...], user_email: str) -> StorageChange:
        """Mount the volume `name`, made if there is none, at `path` in the instances of `types` (none: of all).

        UserError for what can't be mounted, or where the host's disk is nearly full; Conflict with other mounts.
        """
        mount = Mount(name, path, tuple(dict.fromkeys(types)))
        mounts.check_name(name)
        mounts.check_path(path)
        mounts.check_types(mount.types, [entry.process_type for entry in self._scheduler.formation(app_id)])
        with self._database.read() as session:
            mounts.check_beside(mount, mounts.volume_rows(session, app_id))
        self._require_room()
        return self._ask(app_id, mount.name, mount.path, mount.types, user_email)

    def ask_unmount(self, app_id: AppId, name: str, user_email: str) -> StorageChange:
        """Unmount the volume; its data stays. NotFound, Conflict when it is not mounted."""
        if self._need(app_id, name).path is None:
            raise Conflict(f"{name} is not mounted.", f"To delete it: portside storage:destroy {name}")
        return self._ask(app_id, name, None, (), user_email)

    def change(self, app_id: AppId, change_id: str) -> StorageChange:
        """A change that was asked for; NotFound for one of another app."""
        found = self._remounting.find(change_id)
        if found is None or found.app_id != app_id:
            raise NotFound("Couldn't find that change of storage.", "See: portside storage")
        return found

    def apply(self, change_id: str) -> None:
        """Wait for the app's line and carry the change out, or record why not. Harmless when repeated."""
        self._remounting.apply(change_id)

    def resume(self) -> None:
        """Nudge a worker for each change that nobody works on; close the logs that a dead one left open."""
        self._remounting.line.close_left_open()
        pending = select(StorageChangeRow).where(StorageChangeRow.state == ChangeState.PENDING)
        with self._database.read() as session:
            waiting = [(row.id, AppId(row.app_id)) for row in session.scalars(pending)]
        for change_id, app_id in waiting:
            if not self._leases.is_held(line_of(app_id)):
                self._queue.nudge(APPLY, change_id)

    def destroy(self, app_id: AppId, name: str) -> None:
        """Delete a volume with its data. NotFound; Conflict while it is mounted, in use, or something is deployed."""
        self._need_unmounted(app_id, name)
        with self._leases.held(line_of(app_id)) as lease:
            if lease is None:
                raise Conflict("A deploy or a change of storage is under way.", "Try again when it has ended.")
            self._need_unmounted(app_id, name)
            self._runtime.volumes.remove(mounts.volume_name(app_id, name))
            with self._database.write() as session:
                lease.hold_in(session)
                session.delete(session.get_one(VolumeRow, (app_id, name)))

    def unknown(self) -> list[str]:
        """Volumes that carry this platform's label and are in no record: nobody deletes those but a person."""
        found = {volume.name for volume in self._runtime.volumes.all()}
        with self._database.read() as session:
            rows = session.execute(select(VolumeRow.app_id, VolumeRow.name))
            return sorted(found - {mounts.volume_name(AppId(app_id), name) for app_id, name in rows})

    def forget_app(self, app_id: AppId) -> None:
        """Delete the app's volumes with their data. Nothing of the app may run any more."""
        with self._database.read() as session:
            recorded = {mounts.volume_name(app_id, row.name) for row in mounts.volume_rows(session, app_id)}
        for name in recorded | {volume.name for volume in self._runtime.volumes.all(app_id)}:
            self._runtime.volumes.remove(name)
        with self._database.write() as session:
            for table in (StorageChangeRow, VolumeRow):
                session.execute(delete(table).where(table.app_id == app_id))

    def _ask(
        self, app_id: AppId, name: str, path: str | None, types: tuple[str, ...], user_email: str
    ) -> StorageChange:
        change_id = new_id()
        row = StorageChangeRow(id=change_id, app_id=app_id, state=ChangeState.PENDING, name=name, path=path)
        row.types, row.user_email, row.log_id = ",".join(types), user_email, change_id
        row.reason, row.created_at = "", clock.now()
        waiting = (StorageChangeRow.app_id == app_id, StorageChangeRow.state == ChangeState.PENDING)
        with self._database.write() as session:
            if session.scalar(select(StorageChangeRow.id).where(*waiting)) is not None:
                raise Conflict("Another change of this app's storage is under way.", "Try again when it has ended.")
            session.add(row)
            line.forget_old(session, StorageChangeRow, app_id)
        self._queue.nudge(APPLY, change_id)
        return self.change(app_id, change_id)

    def _require_room(self) -> None:
        free, needed = self._runtime.volumes.free_bytes(), self._settings.volume_free_mb * _MB
        if free is not None and free < needed:
            raise UserError(
                f"Only {free // _MB} MB are free where volumes are kept; a volume is mounted while there are "
                f"{self._settings.volume_free_mb} MB.",
                "On the server, `portside-server gc` frees space; PORTSIDE_SCHEDULER_VOLUME_FREE_MB sets the limit.",
            )

    def _need(self, app_id: AppId, name: str) -> VolumeRow:
        with self._database.read() as session:
            row = session.get(VolumeRow, (app_id, name))
        if row is None:
            raise NotFound(f"This app has no volume {name}.", "See them: portside storage")
        return row

    def _need_unmounted(self, app_id: AppId, name: str) -> None:
        path = self._need(app_id, name).path
        if path is not None:
            raise Conflict(
                f"{name} is mounted at {path}, so it is not deleted.", f"First: portside storage:unmount {name}"
            )
