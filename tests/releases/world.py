"""A ledger on SQLite, with fakes for what lies outside: the engine's side and the image registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.database import Database
from core.errors import Away, NotFound, Unavailable
from core.ids import AppId, UserId, new_id
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter, connect
from core.secrets import Sealer
from releases import NewImage, Release, Releases, ReleaseSettings
from releases.bake_policy import Numbers
from router import Protocol
from scheduler import Pause, RunSpec
from tests.databases import new_database

QUICK_TICK_S = 0.02


@dataclass(frozen=True)
class Someone:
    user_id: UserId = UserId("user-1")
    email: str = "ada@example.com"


class ObedientScheduler:
    """Runs whatever it is told to, and remembers it."""

    def __init__(self) -> None:
        self.running: RunSpec | None = None
        self.finished: list[str] = []  # what served already, and was asked for again
        self.phases: list[tuple[int, str]] = []
        self.phase_code = 0
        self.pauses: list[Pause] = []
        self.highest = 0
        self.before_switch: Callable[[], None] = lambda: None

    def deploy(self, spec: RunSpec, lease: Lease, log: LogWriter, publish: Callable[[], str], stopped: Any) -> None:
        if self.running is not None and self.running.release_id == spec.release_id:
            self.finished.append(spec.release_id)
            return
        self.before_switch()
        reason = stopped()
        if reason is not None:
            raise reason
        publish()
        self.running = spec

    @contextmanager
    def paused(self, app_id: AppId, pause: Pause, *_: Any) -> Iterator[None]:
        self.pauses.append(pause)
        yield

    def check_engine(self, app_id: AppId) -> None:
        return None

    def moved(self, app_id: AppId, release_id: str, image_ref: str) -> None:
        assert self.running is not None
        if self.running.release_id == release_id:
            self.running = replace(self.running, image_ref=image_ref)

    def versions(self) -> dict[AppId, int]:
        return {} if self.running is None else {self.running.app_id: self.running.version}

    def current(self, app_id: AppId) -> RunSpec | None:
        return self.running

    def mounts(self, app_id: AppId) -> tuple[object, ...]:
        return ()

    def run_once(self, spec: RunSpec, name: str, command: str, *_: Any) -> int:
        self.phases.append((spec.version, command))
        return self.phase_code

    def highest_version(self, app_id: AppId) -> int:
        return self.highest


class MemoryImageStore:
    """A registry in memory; it does not answer the next `away` uploads. `copies`: the images that an engine has."""

    def __init__(self) -> None:
        self.refs: dict[str, int] = {}
        self.highest = 0
        self.away = 0
        self.copies: set[str] = set()
        self.suffix = ""

    def publish(self, app_id: AppId, name: str, image_id: str, version: int, labels: Mapping[str, str], _: Any) -> str:
        self.away -= 1
        if self.away >= 0:
            raise Away("The image registry does not answer.")
        return self._put(app_id, version)

    def republish(self, app_id: AppId, name: str, ref: str, version: int, labels: Mapping[str, str]) -> str:
        if ref not in self.refs:
            raise NotFound("The image registry has no such image.")
        return self._put(app_id, version)

    def restore(
        self, app_id: AppId, name: str, image_id: str, ref: str, version: int, labels: Mapping[str, str], *_: Any
    ) -> str | None:
        return self._put(app_id, version) if self.holds(image_id, ref) else None

    def holds(self, image_id: str, ref: str) -> bool:
        return image_id in self.copies

    def _put(self, app_id: AppId, version: int) -> str:
        ref = f"registry/apps/{app_id}@sha256:{version:064x}{self.suffix}"
        self.refs[ref] = version
        return ref

    def has(self, ref: str, closely: bool = False) -> bool:
        return ref in self.refs

    def highest_version(self, app_id: AppId) -> int:
        return self.highest

    def forget_release(self, app_id: AppId, version: int) -> None:
        self.refs = {ref: kept for ref, kept in self.refs.items() if kept != version}

    def forget_app(self, app_id: AppId) -> None:
        self.refs.clear()


class ScriptedTraffic:
    """Has counted what the test says, of apps that are counted."""

    def __init__(self) -> None:
        self.counted: set[AppId] = set()
        self.numbers = Numbers()
        self.away = False

    def count(self, app_id: AppId, on: bool) -> None:
        (self.counted.add if on else self.counted.discard)(app_id)

    def seen(self, app_id: AppId) -> Numbers | None:
        if self.away:
            raise Unavailable("The router does not answer.")
        return self.numbers if app_id in self.counted else None


class RecordingQueue:
    """Keeps the nudges; nobody acts on them until the test does."""

    def __init__(self) -> None:
        self.nudges: list[tuple[str, ...]] = []

    def nudge(self, *words: str) -> None:
        self.nudges.append(words)


@dataclass
class World:
    """Everything a test of releases touches."""

    database: Database
    releases: Releases
    scheduler: ObedientScheduler
    images: MemoryImageStore
    queue: RecordingQueue
    logs: LogStreams
    leases: Leases
    traffic: ScriptedTraffic
    spoken: dict[AppId, str]  # the protocol that an app is set to
    someone: Someone = field(default_factory=Someone)
    resting: dict[str, Any] = field(default_factory=dict)

    def new_app(self, name: str | None = None) -> AppId:
        return self.releases.create_app(name, self.someone.user_id).id

    def image(self, tag: str = "a", **processes: str | None) -> NewImage:
        return NewImage(f"sha256:{tag}", processes or {"web": None}, 5000, **self.resting)

    def submit_push(self, app_id: AppId, tag: str = "a", **processes: str | None) -> Release:
        push_id = new_id()
        image = self.image(tag, **processes)
        return self.releases.submit_image(app_id, image, f"{tag:0<40}", push_id, push_id, self.someone)

    def push(self, app_id: AppId, tag: str = "a", **processes: str | None) -> Release:
        return self.releases.deliver(self.submit_push(app_id, tag, **processes).id)

    def set_config(self, app_id: AppId, **values: str | None) -> Release:
        return self.releases.deliver(self.releases.submit_config(app_id, values, self.someone).id)

    def roll_back(
        self, app_id: AppId, version: str | None = None, code_only: bool = False, with_phase: bool = False
    ) -> Release:
        asked = self.releases.submit_rollback(app_id, version, self.someone, code_only, with_phase)
        return self.releases.deliver(asked.id)

    def text(self, release: Release) -> str:
        return self.logs.text(release.log_id)


def build_world(
    folder: Path,
    settings: ReleaseSettings | None = None,
    scheduler: ObedientScheduler | None = None,
    traffic: Any = None,
    database: Database | None = None,
) -> World:
    database = database or new_database(folder / "portside.db")
    leases = Leases(database)
    logs = LogStreams(database, connect(folder / "no-redis.sock"), tick_s=QUICK_TICK_S)
    scheduler, images, queue = scheduler or ObedientScheduler(), MemoryImageStore(), RecordingQueue()
    sealer = Sealer(folder / "secret.key")
    traffic = traffic or ScriptedTraffic()
    parts: Any = (database, leases, scheduler, images, sealer, logs, queue, settings or ReleaseSettings(), traffic)
    spoken: dict[AppId, str] = {}
    releases = Releases(*parts, lambda app_id: spoken.get(app_id, Protocol.HTTP1))
    return World(database, releases, scheduler, images, queue, logs, leases, traffic, spoken)
