"""Platforms for the scheduler's tests: one on an engine in memory, one on the real engine."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker
import pytest

from core.database import Database
from core.ids import AppId, new_id
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter, connect
from core.secrets import Sealer
from scheduler import (
    HealthCheck,
    InstanceState,
    ProcessType,
    Resizing,
    RunSpec,
    Scheduler,
    SchedulerSettings,
    SizeChange,
    Storage,
    StorageChange,
    line_of,
)
from scheduler.docker_runtime import DockerRuntime
from tests.databases import new_database
from tests.scheduler.fakes import SERVE, MemoryRuntime, RememberingRouter

BASE_IMAGE = "portside/base:debian-13"
GENEROUS_S = 60.0
FAST: dict[str, Any] = {
    "grace_s": 2.0,
    "drain_s": 3.0,
    "settle_s": 0.1,
    "uptime_s": 0.3,
    "boot_timeout_s": 20.0,
    "loop_s": 0.5,
    "pending_s": 0.05,
    "router_wait_s": 0.2,
    "backoff_first_s": 0.2,
    "memory_mb": 64,
    "warm_s": 0.0,
}

IN_MEMORY: dict[str, Any] = {**FAST, "uptime_s": 0.1, "loop_s": 0.2}
"""There, an instance starts at once."""


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that is on its way; the deadline only ends a test that has failed."""
    end = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.02)


@dataclass
class RememberingQueue:
    """Sends nothing."""

    nudges: list[tuple[str, ...]]

    def nudge(self, name: str, *ids: str) -> None:
        self.nudges.append((name, *ids))


@dataclass
class Platform:
    """A scheduler with all that it stands on."""

    database: Database
    leases: Leases
    router: RememberingRouter
    runtime: Any
    settings: SchedulerSettings
    scheduler: Scheduler
    image_id: str
    storage: Storage
    resizing: Resizing
    logs: LogStreams
    nudges: list[tuple[str, ...]]
    lines: list[str] = field(default_factory=list)

    def log(self) -> LogWriter:
        return LogWriter(self.logs, new_id(), self.lines)

    def mount(self, app_id: AppId, name: str, path: str, *types: str) -> StorageChange:
        """Ask for a mount and carry it out."""
        return self.carried_out(self.storage.ask_mount(app_id, name, path, types, "ada@example.com"))

    def unmount(self, app_id: AppId, name: str) -> StorageChange:
        return self.carried_out(self.storage.ask_unmount(app_id, name, "ada@example.com"))

    def resize(self, app_id: AppId, **sizes: str) -> SizeChange:
        """Ask for sizes and carry the change out."""
        change = self.resizing.ask(app_id, sizes, "ada@example.com")
        assert change is not None
        self.resizing.apply(change.id)
        return self.resizing.change(app_id, change.id)

    def carried_out(self, change: StorageChange) -> StorageChange:
        self.storage.apply(change.id)
        return self.storage.change(change.app_id, change.id)

    def spec(self, app_id: AppId, version: int = 1, **changes: Any) -> RunSpec:
        plain = RunSpec(
            app_id=app_id,
            app_name="sample",
            release_id=new_id(),
            version=version,
            commit="c0ffee",
            image_id=self.image_id,
            image_ref="",
            processes=(ProcessType("web", SERVE),),
            env={"WORD": "hello"},
            port=5000,
            health={},
        )
        return replace(plain, **changes)

    def deploy(self, spec: RunSpec, before_switch: Callable[[], str] = lambda: "ref") -> None:
        with self.line(spec.app_id) as lease:
            self.scheduler.deploy(spec, lease, self.log(), before_switch, lambda: None)

    @contextmanager
    def line(self, app_id: AppId) -> Iterator[Lease]:
        with self.leases.held(line_of(app_id)) as lease:
            assert lease is not None
            yield lease

    @contextmanager
    def looping(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self.scheduler.run_loop, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)

    def states(self, app_id: AppId) -> dict[str, list[InstanceState]]:
        found: dict[str, list[InstanceState]] = {}
        for instance in self.scheduler.instances(app_id):
            found.setdefault(instance.process, []).append(instance.state)
        return found

    def running(self, app_id: AppId) -> list[str]:
        return [one.process for one in self.scheduler.instances(app_id) if one.state is InstanceState.RUNNING]

    def settled(self, app_id: AppId, processes: list[str], version: int | None = None) -> bool:
        """Exactly these run, of this version, the route is theirs, and nothing else is left of the app."""
        instances = self.scheduler.instances(app_id)
        right = [one.process for one in instances] == processes and self.running(app_id) == processes
        same = version is None or all(one.version == version for one in instances)
        routed = {one.address for one in instances if one.process.startswith("web.")} == self.routed(app_id)
        return right and same and routed and len(self.runtime.containers(app_id)) == len(processes)

    def routed(self, app_id: AppId) -> set[str]:
        return {backend.address for backend in self.router.applied[app_id][1]}


def build(path: Path, runtime: Any, settings: SchedulerSettings, image_id: str) -> Platform:
    database = new_database(path / "records.db")
    leases, router = Leases(database), RememberingRouter()
    sealer = Sealer(path / "secret.key")
    scheduler = Scheduler(database, router, runtime, sealer, settings, path / "live")  # type: ignore[arg-type]
    logs = LogStreams(database, connect(Path("/nonexistent/redis.sock")))
    queue: Any = RememberingQueue([])
    parts = (database, leases, scheduler, runtime, logs, queue, settings)
    storage, resizing = Storage(*parts), Resizing(*parts)
    shown = (scheduler, image_id, storage, resizing, logs, queue.nudges)
    return Platform(database, leases, router, runtime, settings, *shown)


def another_process(platform: Platform, wake: Callable[[AppId], None]) -> Scheduler:
    """A scheduler over the same records, as another process has it."""
    home = Path(platform.database.url.removeprefix("sqlite:///")).parent
    sealer = Sealer(home / "secret.key")
    parts = (platform.database, platform.router, platform.runtime, sealer, platform.settings)
    return Scheduler(*parts, home / "live", wake)  # type: ignore[arg-type]


@pytest.fixture
def app_id() -> AppId:
    return AppId(new_id())


@pytest.fixture
def make_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Builds a platform on an engine in memory; arguments are the runtime and changed settings."""
    made: list[Platform] = []

    def make(runtime: MemoryRuntime | None = None, **changes: Any) -> Platform:
        subnet = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}.0/24"
        settings = SchedulerSettings(**{**IN_MEMORY, "subnet": subnet, **changes})
        made.append(build(tmp_path, runtime or MemoryRuntime(), settings, "sha256:memory"))
        return made[-1]

    yield make
    for platform in made:
        for held in platform.runtime.sockets.values():
            held.close()
        platform.database.close()


@pytest.fixture
def platform(make_platform: Callable[..., Platform]) -> Platform:
    return make_platform()


@pytest.fixture(scope="session")
def engine_settings() -> Iterator[SchedulerSettings]:
    """A network and a label of this session's own on the real engine; all of it is removed at the end."""
    name = f"portside-test-{secrets.token_hex(4)}"
    settings = SchedulerSettings(
        **{**FAST, "network": name, "platform": name, "subnet": f"10.88.{secrets.randbelow(256)}.0/24"}
    )
    yield settings
    runtime = DockerRuntime(settings)
    for container in runtime.containers():
        runtime.remove(container.id)
    for volume in runtime.volumes.all():
        runtime.volumes.remove(volume.name)
    client = docker.from_env()
    for network in client.networks.list(names=[name]):
        network.remove()
    client.close()


@pytest.fixture(scope="session")
def base_image() -> str:
    client = docker.from_env()
    try:
        return str(client.images.get(BASE_IMAGE).id)
    finally:
        client.close()


@pytest.fixture
def engine(tmp_path: Path, engine_settings: SchedulerSettings, base_image: str, app_id: AppId) -> Iterator[Platform]:
    """A platform on the real engine; what the test leaves running of `app_id` is removed."""
    runtime = DockerRuntime(engine_settings)
    runtime.prepare()
    platform = build(tmp_path, runtime, engine_settings, base_image)
    yield platform
    for container in runtime.containers():
        runtime.remove(container.id)
    for volume in runtime.volumes.all():
        runtime.volumes.remove(volume.name)
    platform.database.close()


def within(timeout_s: float, check: HealthCheck | None = None) -> HealthCheck:
    """A startup check that must pass in so many seconds after a boot."""
    answer_s = min(5.0, timeout_s)
    return replace(check or HealthCheck(), attempts=1, timeout_s=answer_s, wait_s=timeout_s - answer_s)


def with_path(path: str, timeout_s: float = 20.0) -> Mapping[str, tuple[HealthCheck, ...]]:
    return {"web": (within(timeout_s, HealthCheck(path=path)),)}
