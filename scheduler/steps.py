"""What can be done for one app in a turn."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.records import Slot
from scheduler.runtime import Container
from scheduler.tables import InstanceRow


@dataclass(frozen=True)
class Start:
    """Start a new instance in `slot`."""

    slot: Slot


@dataclass(frozen=True)
class Promote:
    """It is healthy: into the route."""

    row: InstanceRow


@dataclass(frozen=True)
class Crash:
    """It ended by itself, or did not become healthy: out of the route; `failures` counts this one too."""

    row: InstanceRow
    container: Container | None
    failures: int
    detail: str


@dataclass(frozen=True)
class Retire:
    """Out of the route, to drain."""

    row: InstanceRow


@dataclass(frozen=True)
class Keep:
    """No request is left, and a rollback may want it: freeze it."""

    row: InstanceRow
    container: Container


@dataclass(frozen=True)
class Stop:
    """No request is left (or its time is up, or a frozen one is kept no longer): SIGTERM, awake."""

    row: InstanceRow
    container: Container


@dataclass(frozen=True)
class Kill:
    """It did not end on SIGTERM in time, or it is crashed and still holds on."""

    container: Container


@dataclass(frozen=True)
class Finish:
    """It is over: remove what is left of its container and close its record."""

    row: InstanceRow
    container: Container | None


@dataclass(frozen=True)
class Unroute:
    """Its readiness check fails: out of the route, and it runs on. `detail` says how."""

    row: InstanceRow
    detail: str


@dataclass(frozen=True)
class Reroute:
    """It is ready again: back into the route."""

    row: InstanceRow


@dataclass(frozen=True)
class Renew:
    """It hangs: another is to take its place. `failures` counts this one too."""

    row: InstanceRow
    failures: int
    detail: str


Step = Start | Promote | Crash | Retire | Keep | Stop | Kill | Finish | Unroute | Reroute | Renew
