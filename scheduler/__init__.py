"""Running apps: formations, instances, health, one-off runs, volumes; the loop that makes reality equal the records.

TAKES  a complete `RunSpec` (image, commands, environment, port, health) under the app's lease; wishes to scale, to
       restart, to mount a volume.
GIVES  running, healthy, routed instances; a switch from one release to the next that users never notice; logs.
NEVER  builds or numbers anything; serves a release of which one instance is not healthy; restarts a container.
"""

from scheduler.docker_runtime import DockerRuntime
from scheduler.runtime import Runtime
from scheduler.service import Scheduler
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.storage import Storage
from scheduler.stored import StorageChange, StoredVolume
from scheduler.tasks import doors, waker
from scheduler.types import BootFailed, Formation, HealthCheck, Instance, LogLine, ProcessType, RunSpec, line_of

__all__ = [
    "BootFailed",
    "DockerRuntime",
    "Formation",
    "HealthCheck",
    "Instance",
    "InstanceState",
    "LogLine",
    "ProcessType",
    "RunSpec",
    "Runtime",
    "Scheduler",
    "SchedulerSettings",
    "Storage",
    "StorageChange",
    "StoredVolume",
    "doors",
    "line_of",
    "waker",
]
