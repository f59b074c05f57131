"""From an instance's record to its container."""

from __future__ import annotations

from pathlib import Path

from core.database import Database
from router import Router
from scheduler import addresses, records
from scheduler.gate import Gate, Stopped
from scheduler.runtime import AddressTaken, ContainerOrder, Image, ImageGone, Runtime, StartFailed
from scheduler.settings import SchedulerSettings
from scheduler.sizes import limits_for
from scheduler.slots import Slots
from scheduler.tables import InstanceRow
from scheduler.types import RunSpec
from scheduler.volumes import for_container

_TRIES = 5


class Launcher:
    """Starts containers for instance rows that exist already, so that none is ever unknown to the records."""

    def __init__(
        self,
        database: Database,
        router: Router,
        runtime: Runtime,
        settings: SchedulerSettings,
        starts: Path | None = None,
    ) -> None:
        """`starts`: the folder of the places that all processes share, see `slots`."""
        self._database = database
        self._router = router
        self._runtime = runtime
        self._settings = settings
        most = settings.starts_per_cpu
        self.gate = Gate(lambda: round(most * runtime.capacity().cpus), Slots(starts) if starts else None)

    def launch(
        self, spec: RunSpec, row: InstanceRow, command: str | None, stopped: Stopped | None = None, queue: str = ""
    ) -> str:
        """Start the container of `row`, record it, and give its id. It takes its turn in `queue`, else in its app's.

        StartFailed, Unavailable, what `stopped` gives before it is started.
        """
        address = row.address
        for attempt in range(_TRIES):
            image = self._runtime.image(spec.image_id, spec.image_ref)
            order = order_for(spec, row, image, command, address, self._settings)
            try:
                with self.gate.passing(queue or spec.app_id, stopped):
                    container_id = self._runtime.start(order)
            except AddressTaken:
                address = self._other_address(row.id)
                continue
            except ImageGone:
                if attempt:
                    raise
                continue  # the runtime now looks for it anew, and pulls it if need be
            row.address, row.container_id = address, container_id
            with self._database.write() as session:
                records.mark_started(session, row, container_id)
            return container_id
        raise StartFailed(
            f"Containers that are not Portside's use the addresses of the network {self._settings.network}.",
            f"Disconnect them (`docker network inspect {self._settings.network}` lists them).",
        )

    def _other_address(self, instance_id: str) -> str:
        listed = addresses.listed_by(self._router)
        with self._database.write() as session:
            return addresses.swap(session, self._settings.subnet, instance_id, listed)


def order_for(
    spec: RunSpec, row: InstanceRow, image: Image, command: str | None, address: str, settings: SchedulerSettings
) -> ContainerOrder:
    """The container for an instance. Portside's own variables win over config of the same name, as on Heroku."""
    process = records.process_of(row)
    limits = limits_for(spec.sizes, row.process_type, settings)
    own = {"PORT": str(spec.port), **own_variables(spec, process)}
    return ContainerOrder(
        instance_id=row.id,
        app_id=spec.app_id,
        app_name=spec.app_name,
        release_id=spec.release_id,
        version=spec.version,
        rollout=row.rollout,
        fence=row.fence,
        process=process,
        image=image,
        command=command,
        env={**spec.env, **own},
        address=address,
        memory_mb=limits.memory_mb,
        cpus=limits.cpus,
        pids=limits.pids,
        mounts=for_container(spec.app_id, spec.mounts, row.process_type),
    )


def own_variables(spec: RunSpec, process: str) -> dict[str, str]:
    """What Portside tells every container of a release."""
    return {
        "PORTSIDE_APP": spec.app_name,
        "RELEASE_VERSION": f"v{spec.version}",
        "SOURCE_VERSION": spec.commit,
        "DYNO": process,
    }
