"""The container of a one-off run. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from scheduler import run_records, sizes
from scheduler.launcher import own_variables
from scheduler.run_records import RUN_TYPE
from scheduler.runtime import ContainerOrder, Image
from scheduler.settings import SchedulerSettings
from scheduler.tables import RunRow
from scheduler.types import RunSpec
from scheduler.volumes import for_container


def order_for_run(
    spec: RunSpec, row: RunRow, image: Image, env: Mapping[str, str], address: str, settings: SchedulerSettings
) -> ContainerOrder:
    """The live release's image, config, mounts; `env` is what was asked for beside the config."""
    name, limits = run_records.name_of(row), sizes.limits_of(row.size, settings)
    config = {key: value for key, value in spec.env.items() if key != "PORT"}
    return ContainerOrder(
        instance_id=row.id,
        app_id=spec.app_id,
        app_name=spec.app_name,
        release_id=spec.release_id,
        version=spec.version,
        rollout=row.id,
        fence=0,
        process=name,
        image=image,
        command=row.command,
        env={**config, **env, **own_variables(spec, name)},
        address=address,
        memory_mb=limits.memory_mb,
        cpus=limits.cpus,
        pids=limits.pids,
        mounts=for_container(spec.app_id, spec.mounts, RUN_TYPE),
        once=True,
        terminal=run_records.terminal_of(row),
    )
