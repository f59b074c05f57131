"""An app's volumes, made before anything starts with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import update

from core import clock
from core.database import Database
from core.ids import AppId
from core.logs import LogWriter
from scheduler.mounts import mounts_of, volume_name
from scheduler.runtime import Image, Runtime, VolumeMount
from scheduler.tables import VolumeRow
from scheduler.types import Mount, RunSpec


@dataclass(frozen=True)
class Volumes:
    """Whoever calls this holds the app's line, so a volume is made once."""

    database: Database
    runtime: Runtime

    def mounted(self, spec: RunSpec) -> RunSpec:
        """`spec` with what the records say is mounted for its app."""
        with self.database.read() as session:
            return replace(spec, mounts=mounts_of(session, spec.app_id))

    def provide(self, spec: RunSpec, log: LogWriter) -> None:
        """See that each volume of `spec.mounts` was made and belongs to the user of the image. StartFailed.

        The owner is given once: what is in a volume later is its app's own business.
        """
        if not spec.mounts:
            return
        image = self.runtime.image(spec.image_id, spec.image_ref)
        for mount in spec.mounts:
            owner = self._owner(spec.app_id, mount.name)
            if not owner:
                self._make(spec.app_id, mount.name, image)
                log.detail(f"The volume {mount.name} is new and empty; it belongs to user {image.runs_as}.")
            elif owner != image.runs_as:
                log.detail(
                    f"The volume {mount.name} was made for user {owner}; this release runs as {image.runs_as}, who may "
                    "not be able to write there."
                )

    def _owner(self, app_id: AppId, name: str) -> str:
        with self.database.write() as session:
            row = session.get(VolumeRow, (app_id, name))
            if row is None:
                row = VolumeRow(app_id=app_id, name=name, types="", owner="", created_at=clock.now())
                session.add(row)
            return row.owner

    def _make(self, app_id: AppId, name: str, image: Image) -> None:
        self.runtime.volumes.make(volume_name(app_id, name), app_id, image)
        ours = (VolumeRow.app_id == app_id, VolumeRow.name == name)
        with self.database.write() as session:
            session.execute(update(VolumeRow).where(*ours).values(owner=image.runs_as))


def for_container(app_id: AppId, mounts: Iterable[Mount], process_type: str) -> tuple[VolumeMount, ...]:
    """What a container of that type mounts, by the engine's names."""
    return tuple(VolumeMount(volume_name(app_id, one.name), one.path) for one in mounts if one.is_for(process_type))
