"""The API over real accounts and releases, with parts behind them that start nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts import Accounts, AppRole, Identity
from builder import Builder, BuilderSettings, BuiltImage, Engine
from core import clock
from core.database import Database
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from core.leases import Leases
from core.logs import LogStreams
from core.secrets import Sealer
from gitreceiver import Push, PushKind, PushState
from releases import App, NewImage, Release, Releases, ReleaseSettings
from router import AcmeSettings, Domain, DomainKind, Metrics, Proxies, RouterSettings
from router.automatic import Automatic
from router.certificates import Certificates
from router.gate import Gate
from scheduler import Formation, Instance, InstanceState, LogLine, Resizing, SchedulerSettings, Storage
from scheduler.crons import Crons
from scheduler.gate import Gate as StartGate
from scheduler.runs import Runs
from scheduler.types import Limits
from tests.databases import new_database
from tests.releases.world import QUICK_TICK_S
from tests.scheduler.fakes import MemoryRuntime
from tests.web.maintenance import MaintenanceInMemory
from tests.web.revolving import RevolvingStage
from web import RunDoor, WebParts, WebSettings, create_web

PASSWORD = "correct horse battery"
COMMIT = "3f2a91c0" * 5
STANDARD = Limits(512, 1.0, 256)


class InstantScheduler:
    """Every release boots at once; nothing runs."""

    def __init__(self) -> None:
        self.formations: dict[str, dict[str, Formation]] = {}
        self.running: dict[str, list[Instance]] = {}
        self.restarted: list[tuple[str, str | None]] = []
        self.stopped: list[tuple[str, str]] = []
        self.lines: list[LogLine] = []
        self.runs: Any = None
        self.crons: Any = None

    def deploy(self, spec: Any, lease: Any, log: Any, before_switch: Callable[[], str], stopped: Any) -> None:
        before_switch()
        kinds = self.formations.setdefault(spec.app_id, {})
        for process in spec.processes:
            quantity = 1 if process.name == "web" else 0
            kinds.setdefault(process.name, Formation(process.name, quantity, "standard", process.command, STANDARD))

    def run_once(self, *_: Any, **__: Any) -> int:
        return 0

    def highest_version(self, app_id: str) -> int:
        return 0

    def current(self, app_id: str) -> None:
        """What runs is not known here."""

    def mounts(self, app_id: str) -> tuple[object, ...]:
        return ()

    def renew(self, *_: Any) -> bool:
        return False

    def formation(self, app_id: str) -> list[Formation]:
        return list(self.formations.get(app_id, {}).values())

    def scale(self, app_id: str, quantities: Mapping[str, int], shrink: Mapping[str, str]) -> list[Formation]:
        for kind, quantity in quantities.items():
            self.formations[app_id][kind] = replace(self.formations[app_id][kind], quantity=quantity)
        for kind, rule in shrink.items():
            self.formations[app_id][kind] = replace(self.formations[app_id][kind], shrink=rule or "off")
        return self.formation(app_id)

    def restart(self, app_id: str, process: str | None = None) -> None:
        self.restarted.append((app_id, process))

    def stop(self, app_id: str, process: str) -> None:
        self.stopped.append((app_id, process))

    def instances(self, app_id: str) -> list[Instance]:
        return self.running.get(app_id, [])

    def logs(
        self, app_id: str, lines: int, follow: bool, process: str | None, gone: Callable[[], bool]
    ) -> Iterator[LogLine | None]:
        yield from self.lines[-lines:] if lines else []
        while follow and not gone():
            threading.Event().wait(0.05)
            yield None


class NamesOnlyRouter:
    """Knows host names; serves nothing."""

    def __init__(self, certificates: Certificates, proxies: Proxies, gate: Gate) -> None:
        self.certificates = certificates
        self.automatic: Any = None
        self.gate = gate
        self.labels: dict[str, str] = {}
        self.maintenance = MaintenanceInMemory()
        self.proxies = proxies
        self.metrics = Metrics(Path("/nowhere"))
        self.custom: dict[str, list[Domain]] = {}
        self.waiting: set[str] = set()  # hosts that HAProxy does not have yet
        self.shared: set[str] = set()  # what `shares` said yes to, when a domain was added last

    def name_app(self, app_id: str, label: str) -> None:
        self.labels[app_id] = label

    def url(self, app_id: str) -> str:
        return f"http://{self.labels[app_id]}.localhost:8080"

    def urls(self) -> dict[str, str]:
        return {app_id: self.url(app_id) for app_id in self.labels}

    def domains(self, app_id: str) -> list[Domain]:
        own = Domain(app_id, f"{self.labels[app_id]}.localhost", DomainKind.PLATFORM, clock.now())
        return [own, *self.custom.get(app_id, [])]

    def domain(self, app_id: str, wanted: str) -> Domain:
        for domain in self.domains(app_id):
            if wanted.lower().rstrip(".") in (domain.name, domain.id):
                return domain
        raise NotFound(f"This app has no domain {wanted}.", "See: portside domains")

    def is_routed(self, host: str) -> bool:
        return host not in self.waiting

    def add_domain(
        self,
        app_id: str,
        host: str,
        redirect_to: str | None = None,
        shares: Callable[[str], bool] = lambda other: False,
        strip: bool = False,
    ) -> Domain:
        if " " in host:
            raise UserError(f"{host!r} is not a host name.", "Example: portside domains:add www.example.com")
        self.shared = {other for other in self.labels if shares(other)}
        name, slash, rest = host.lower().partition("/")
        domain = Domain(new_id(), name, DomainKind.CUSTOM, clock.now(), redirect_to, slash + rest, strip)
        self.custom.setdefault(app_id, []).append(domain)
        return domain

    def remove_domain(self, app_id: str, host: str) -> None:
        self.custom[app_id] = [domain for domain in self.custom[app_id] if domain.name != host]


class KeepsAllImages:
    """A registry that has every image."""

    def publish(self, app_id: str, app_name: str, image_id: str, version: int, labels: Any, stopped: Any) -> str:
        return f"127.0.0.1:5050/apps/{app_id}@{image_id}"

    def republish(self, app_id: str, app_name: str, ref: str, version: int, labels: Any) -> str:
        return ref

    def restore(self, *_: Any) -> str | None:
        return None

    def holds(self, image_id: str, ref: str) -> bool:
        return False

    def has(self, ref: str, closely: bool = False) -> bool:
        return True

    def highest_version(self, app_id: str) -> int:
        return 0

    def forget_release(self, app_id: str, version: int) -> None: ...

    def forget_app(self, app_id: str) -> None: ...


class StandingPushes:
    """Pushes that nobody works on."""

    def __init__(self) -> None:
        self.known: list[Push] = []
        self.purged: list[AppId] = []

    def purge_cache(self, app_id: AppId) -> None:
        self.purged.append(app_id)

    def redeploy(self, app_id: AppId, commitish: str, actor: Identity) -> Push:
        if not COMMIT.startswith(commitish):
            raise NotFound(f"No commit {commitish!r} is stored for this app.")
        moment, push_id = clock.now(), new_id()
        values = dict.fromkeys(Push.__dataclass_fields__) | {"id": push_id, "log_id": push_id, "app_id": app_id}
        values |= {"kind": PushKind.REDEPLOY, "ref": "refs/heads/main", "commit": COMMIT, "forced": False}
        values |= {"options": (), "user_id": actor.user_id, "email": actor.email, "state": PushState.RECEIVED}
        push = Push(**{**values, "reason": "", "created_at": moment, "steps": ()})
        self.known.insert(0, push)
        return push

    def try_build(self, app_id: AppId, source: Any, log: Any, stopped: Any) -> BuiltImage:
        log.step(f"Building {', '.join(source.paths())}")
        return BuiltImage(new_id(), "sha256:1", (("web", "gunicorn app:app"),), 5000, {}, "python", False)

    def push(self, push_id: str) -> Push:
        for push in self.known:
            if push.id == push_id:
                return push
        raise NotFound("Couldn't find that push.")

    def recent(self, app_id: AppId, limit: int = 20) -> list[Push]:
        return [push for push in self.known if push.app_id == app_id][:limit]

    def cancel(self, app_id: AppId, push_id: str | None = None) -> Push:
        for index, push in enumerate(self.known):
            if push.app_id == app_id and push_id in (None, push.id) and not push.is_final:
                done = replace(push, state=PushState.CANCELLED, reason="cancelled", finished_at=clock.now())
                self.known[index] = done
                return done
        raise Conflict("No deploy of this app is under way.")


class SilentQueue:
    def nudge(self, name: str, *ids: str) -> None: ...


def git_speaks(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"git {environ['PATH_INFO']}".encode()]


@dataclass
class Stage:
    """The platform as a test sees it."""

    parts: WebParts
    app: Flask
    database: Database
    scheduler: InstantScheduler
    router: NamesOnlyRouter
    pushes: StandingPushes
    releases: Releases
    accounts: Accounts
    tokens: dict[str, str] = field(default_factory=dict)

    def user(self, email: str, admin: bool = False) -> Identity:
        """A user with a token."""
        identity = self.accounts.add_user(email, PASSWORD, admin=admin)
        self.tokens[email] = self.accounts.issue_token(identity.user_id, "test")[1]
        return identity

    def client(self, email: str | None) -> FlaskClient:
        """An HTTP client with that user's token."""
        client = self.app.test_client()
        if email is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.tokens[email]}"
        return client

    def create(self, name: str, owner: Identity) -> App:
        app = self.releases.create_app(name, owner.user_id)
        self.accounts.grant(app.id, owner.user_id, AppRole.OWNER)
        self.router.name_app(app.id, name)
        return app

    def deploy(self, app: App, owner: Identity, commit: str = COMMIT) -> Release:
        """A push that went live."""
        image = NewImage(f"sha256:{new_id()}", {"web": "serve", "worker": "work"}, 8000)
        push_id = new_id()
        made = self.releases.submit_image(app.id, image, commit, push_id, push_id, owner)
        return self.releases.deliver(made.id)

    def set_config(self, app: App, owner: Identity, **config: str | None) -> Release:
        return self.releases.deliver(self.releases.submit_config(app.id, config, owner).id)

    def runs(self, app: App, process: str, version: int, state: InstanceState = InstanceState.RUNNING) -> Instance:
        instance = Instance(new_id(), process, state, version, "10.87.0.9", 8000, "c1", clock.now(), "")
        self.scheduler.running.setdefault(app.id, []).append(instance)
        return instance


@pytest.fixture(scope="session")
def revolving() -> RevolvingStage:
    return RevolvingStage(create_web)


@pytest.fixture
def stage(tmp_path: Path, revolving: RevolvingStage, quick_passwords: None) -> Iterator[Stage]:
    database = new_database(tmp_path / "web.db")
    certificates = Certificates(database, "localhost", tmp_path / "secret.key", lambda: None)
    gate = Gate(database, RouterSettings(), lambda: None)
    router = NamesOnlyRouter(certificates, Proxies(database, lambda: None), gate)
    router.automatic = Automatic(database, "localhost", AcmeSettings(agree_terms=True))
    accounts, scheduler, pushes = Accounts(database), InstantScheduler(), StandingPushes()
    nobody = redis.Redis(unix_socket_path=str(tmp_path / "none.sock"), retry=Retry(NoBackoff(), 0))
    logs = LogStreams(database, nobody, tick_s=QUICK_TICK_S)
    sealer, leases, images = Sealer(tmp_path / "secret.key"), Leases(database), KeepsAllImages()
    queue: Any = SilentQueue()
    behind: Any = (database, router, MemoryRuntime(), sealer, SchedulerSettings(), StartGate(lambda: 1))
    scheduler.runs = Runs(*behind, lambda _: None)
    scheduler.crons = Crons(database, scheduler.runs, SchedulerSettings(), lambda *_: None, lambda _: None)
    standing: Any = scheduler
    releases: Any = Releases(
        database,
        leases,
        scheduler,
        images,
        sealer,
        logs,
        queue,
        ReleaseSettings(),  # type: ignore[arg-type]
    )
    parts: Any = WebParts(
        accounts,
        releases,
        scheduler,
        Storage(database, leases, standing, MemoryRuntime(), logs, queue, SchedulerSettings()),
        Resizing(database, leases, standing, MemoryRuntime(), logs, queue, SchedulerSettings()),
        router,
        pushes,
        object(),
        Builder(database, Engine(BuilderSettings()), BuilderSettings(), images),
        logs,
        git_speaks,
        "sign",
        WebSettings(),  # type: ignore[arg-type]
        RunDoor(2223, "ab" * 32),
    )
    yield Stage(parts, revolving.bring_on(parts), database, scheduler, router, pushes, releases, accounts)
    database.close()


@pytest.fixture
def ada(stage: Stage) -> Identity:
    return stage.user("ada@example.com")


@pytest.fixture
def api(stage: Stage, ada: Identity) -> FlaskClient:
    """Ada's client."""
    return stage.client("ada@example.com")


@pytest.fixture
def app(stage: Stage, ada: Identity) -> App:
    """Ada's app `shop`, with nothing pushed."""
    return stage.create("shop", ada)
