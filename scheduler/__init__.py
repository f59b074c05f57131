"""Running apps: formations, instances, health, one-off runs, volumes; the loop that makes reality equal the records.

TAKES  a complete `RunSpec` under the app's lease; wishes to scale, resize, restart, stop, run once, mount a volume.
GIVES  healthy, routed instances; a switch from one release to the next that users never notice; runs; logs.
NEVER  builds or numbers anything; serves a release of which one instance is not healthy; restarts a container.
"""

from scheduler.checking import InForce, check_kind, checks_in_force, parse_check
from scheduler.checks import CheckKind, HealthCheck
from scheduler.checks import as_app_json as check_as_app_json
from scheduler.checks import read as read_checks
from scheduler.checks import write as write_checks
from scheduler.cron_records import Cron, CronRun
from scheduler.docker_runtime import DockerRuntime
from scheduler.names import InstanceNames
from scheduler.resizing import Resizing
from scheduler.run_records import Run, RunWish
from scheduler.runtime import Runtime
from scheduler.service import Scheduler
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.storage import Storage
from scheduler.stored import SizeChange, StorageChange, StoredVolume
from scheduler.tasks import doors, waker
from scheduler.types import STANDARD, BootFailed, Formation, Instance, LogLine, Pause, ProcessType, RunSpec, line_of

__all__ = [
    "STANDARD", "BootFailed", "CheckKind", "Cron", "CronRun", "DockerRuntime", "Formation", "HealthCheck", "InForce",
    "Instance", "InstanceNames", "InstanceState", "LogLine", "Pause", "ProcessType", "Resizing", "Run", "RunSpec",
    "RunWish", "Runtime", "Scheduler", "SchedulerSettings", "SizeChange", "Storage", "StorageChange", "StoredVolume",
    "check_as_app_json", "check_kind", "checks_in_force", "doors", "line_of", "parse_check", "read_checks",
    "waker", "write_checks",
]  # fmt: skip
