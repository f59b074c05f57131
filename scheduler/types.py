"""The values that cross this package's front door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.ids import AppId
from core.reports import Explained
from scheduler.checks import CheckKind, HealthCheck, overlaid
from scheduler.states import InstanceState

WEB = "web"
RELEASE_PHASE = "release"
STANDARD = "standard"
SINGLETONS = frozenset({"clock", "scheduler", "beat"})
"""Process types of which, unless app.json says otherwise, an old and a new instance never run at the same time."""


def line_of(app_id: AppId) -> str:
    """The name of the lease under which everything that makes a release of one app happens, one after the other."""
    return f"app:{app_id}"


class BootFailed(Explained):
    """An instance of the new release did not become healthy; the old release serves on."""

    code = "boot_failed"


@dataclass(frozen=True)
class ProcessType:
    """One line of a Procfile. `command` None: the image's own entry point; else it runs under `/bin/sh -c`."""

    name: str
    command: str | None = None


@dataclass(frozen=True)
class Limits:
    """What one instance may use. `cpus` is a share of one second per second."""

    memory_mb: int
    cpus: float
    pids: int


@dataclass(frozen=True)
class Mount:
    """A named volume of an app at a path of its instances. `types` empty: in all of them, and in one-off runs."""

    name: str
    path: str
    types: tuple[str, ...] = ()

    def is_for(self, process_type: str) -> bool:
        return not self.types or process_type in self.types


@dataclass(frozen=True)
class RunSpec:
    """All that is needed to run a release, so that any instance can be started again without asking anyone.

    `image_id` is the engine's own id ("" for a release without an image), `image_ref` the digest reference to pull it
    by when the engine has lost it ("" until it is published). `mounts`, `sizes` and `checks`, like the quantities, are
    the scheduler's own to fill in: they belong to the app, not to a release. `overlap`, `shrink` and `health` are what
    app.json says of types, and `checks` go before that; `first_quantities` and `first_sizes` are its formation, with
    which an app begins. `cron` is app.json's list, as JSON text. `protocol`: what the app is spoken to in
    from the switch on, where a rollback brings that back; "": as it is set.
    """

    app_id: AppId
    app_name: str
    release_id: str
    version: int
    commit: str
    image_id: str
    image_ref: str
    processes: tuple[ProcessType, ...]
    env: Mapping[str, str]
    port: int
    health: Mapping[str, tuple[HealthCheck, ...]]
    overlap: Mapping[str, bool] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    sizes: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, tuple[HealthCheck, ...]] = field(default_factory=dict)
    shrink: Mapping[str, str] = field(default_factory=dict)
    first_quantities: Mapping[str, int] = field(default_factory=dict)
    first_sizes: Mapping[str, str] = field(default_factory=dict)
    cron: str = "[]"
    protocol: str = ""

    def command_of(self, process_type: str) -> str | None:
        """The command of a type; raises KeyError for one the release does not have."""
        return {process.name: process.command for process in self.processes}[process_type]

    def checks_of(self, process_type: str) -> tuple[HealthCheck, ...]:
        """The checks in force for a type, but for those that every instance goes through (see `scheduler.health`)."""
        return overlaid(self.health.get(process_type, ()), self.checks.get(process_type, ()))

    @property
    def is_watched(self) -> bool:
        """Whether its running instances have checks."""
        checks = (one for process in self.processes for one in self.checks_of(process.name))
        return any(one.kind is not CheckKind.STARTUP for one in checks)

    def may_overlap(self, process_type: str) -> bool:
        """Whether an old and a new instance of the type may run side by side; `web` always may: somebody must serve."""
        return process_type == WEB or self.overlap.get(process_type, process_type not in SINGLETONS)


@dataclass(frozen=True)
class Pause:
    """What rests during a release phase: old instances of the types in `stop`; requests, for `hold_s` at most."""

    stop: tuple[str, ...] = ()
    hold_s: float = 0.0


@dataclass(frozen=True)
class Formation:
    """How many instances of a process type are wanted, and what each may use: `limits` is what `size` means here.

    `shrink`: how far it may shrink while a new set starts, see `scheduler.shrink`.
    """

    process_type: str
    quantity: int
    size: str
    command: str | None
    limits: Limits
    shrink: str = "off"


@dataclass(frozen=True)
class Instance:
    """One running container (Heroku: dyno). `process` is `web.1`; `detail` says why it is not up, when it is not.

    `next_attempt_at`: when another is started in the place of one that has crashed.
    """

    id: str
    process: str
    state: InstanceState
    version: int
    address: str | None
    port: int
    container_id: str | None
    created_at: datetime
    detail: str
    next_attempt_at: datetime | None = None


@dataclass(frozen=True)
class LogLine:
    """A line of an app's own output (source `app`) or about it (source `portside`), in Heroku's form."""

    at: datetime
    source: str
    process: str
    text: str

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='microseconds')} {self.source}[{self.process}]: {self.text}"
