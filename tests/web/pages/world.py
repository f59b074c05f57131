"""The dashboard over real accounts, releases, pushes and repositories; what runs outside is staged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dulwich.objects import Blob, Commit, Tree
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts import Accounts, AppRole, Identity
from core.errors import UserError
from core.ids import AppId, new_id
from core.secrets import Sealer
from gitreceiver import Journal, Push, Pushes, ReceiverSettings, RefUpdate, Repositories, Room, Workshop
from releases import App, Release
from router import Router
from router.config import version
from router.tables import slot_name
from scheduler import Formation, Instance, InstanceState, LogLine, Resizing, RunSpec, SchedulerSettings, Storage
from scheduler.crons import Crons
from scheduler.gate import Gate as StartGate
from scheduler.runs import Runs
from scheduler.types import Limits
from scheduler.wishes import require_scalable
from tests.releases.world import World as ReleasesWorld
from tests.releases.world import build_world as build_releases
from tests.router.conftest import MEMORY_SETTINGS, MemoryControl, MemoryFront
from tests.scheduler.fakes import MemoryRuntime
from tests.web.revolving import RevolvingStage
from web.parts import WebParts
from web.settings import WebSettings

PASSWORD = "correct horse battery"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class StagedScheduler:
    """Shows the instances and lines that a test put on the stage."""

    def __init__(self) -> None:
        self.staged: dict[AppId, list[Instance]] = {}
        self.lines: list[LogLine] = []
        self.specs: dict[AppId, RunSpec] = {}
        self.quantities: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []
        self.runs: Any = None
        self.crons: Any = None

    def stage(self, app_id: AppId, process: str, state: InstanceState, version: int = 1, detail: str = "") -> None:
        again = NOW if state is InstanceState.CRASHED else None
        instance = Instance(new_id(), process, state, version, "10.87.0.9", 5000, "c1", NOW, detail, again)
        self.staged.setdefault(app_id, []).append(instance)

    def all_instances(self) -> dict[AppId, list[Instance]]:
        return self.staged

    def instances(self, app_id: AppId) -> list[Instance]:
        return self.staged.get(app_id, [])

    def formation(self, app_id: AppId) -> list[Formation]:
        limits = Limits(512, 1.0, 256)
        commands = dict.fromkeys(("web", "worker"))
        if (spec := self.current(app_id)) is not None:
            commands = {process.name: process.command for process in spec.processes}
        return [
            Formation(name, self.quantities.get(name, int(name == "web")), "standard", command, limits)
            for name, command in commands.items()
        ]

    def scale(self, app_id: AppId, quantities: Mapping[str, int]) -> list[Formation]:
        known: Any = {entry.process_type: entry for entry in self.formation(app_id)}
        for name, quantity in quantities.items():
            require_scalable(name, quantity, known)
        self.quantities |= quantities
        return self.formation(app_id)

    def restart(self, app_id: AppId, process: str | None = None) -> None:
        self._find("restart", app_id, process or "")

    def stop(self, app_id: AppId, process: str) -> None:
        self._find("stop", app_id, process)

    def _find(self, verb: str, app_id: AppId, process: str) -> None:
        if not any(one.process.startswith(process) for one in self.instances(app_id)):
            raise UserError(f"There is no running {process} to {verb}.", "See `portside ps` for what runs.")
        self.asked.append((verb, process))

    def current(self, app_id: AppId) -> RunSpec | None:
        return self.specs.get(app_id)

    def renew(self, *_: Any) -> bool:
        return False

    def logs(
        self,
        app_id: AppId,
        lines: int = 100,
        follow: bool = False,
        process: str | None = None,
        gone: Callable[[], bool] = lambda: False,
    ) -> Iterator[LogLine | None]:
        for line in self.lines[-lines:]:
            if process is None or line.process.startswith(f"{process}."):
                yield line


@dataclass
class Site:
    """A web application with its insides at hand."""

    app: Flask
    parts: WebParts
    inner: ReleasesWorld
    scheduler: StagedScheduler
    router: Router
    control: MemoryControl
    ada: Identity
    journal: Journal
    repositories: Repositories
    commits: dict[str, str] = field(default_factory=dict)

    def new_app(self, name: str) -> App:
        app = self.inner.releases.create_app(name, self.ada.user_id)
        self.parts.accounts.grant(app.id, self.ada.user_id, AppRole.OWNER)
        self.router.name_app(app.id, name)
        return app

    def deploy(self, app: App, tag: str = "a", message: str = "Take the total from the basket") -> Release:
        image, push = self.inner.image(tag), self.push(app, message)
        submitted = self.inner.releases.submit_image(app.id, image, push.commit, push.id, push.log_id, self.ada)
        return self.inner.releases.deliver(submitted.id, self.parts.logs.writer(push.log_id))

    def push(self, app: App, message: str = "Take the total from the basket") -> Push:
        update = RefUpdate("refs/heads/main", None, self.commit(app, message))
        self.parts.pushes.receive(app.id, self.ada, [update], ())
        return self.parts.pushes.recent(app.id, 1)[0]

    def commit(self, app: App, message: str) -> str:
        if not self.repositories.exists(app.id):
            self.repositories.create(app.id)
        blob, tree, commit = Blob.from_string(message.encode()), Tree(), Commit()
        tree.add(b"file", 0o100644, blob.id)
        commit.tree, commit.message = tree.id, message.encode()
        commit.author = commit.committer = b"Ada <ada@example.com>"
        commit.author_time = commit.commit_time = commit.author_timezone = commit.commit_timezone = 0
        with self.repositories.open(app.id) as repo:
            for made in (blob, tree, commit):
                repo.object_store.add_object(made)
        return commit.id.decode()

    def browser(self, who: str | None = "ada@example.com") -> Browser:
        browser = Browser(self.app.test_client())
        if who is not None:
            assert browser.sign_in(who).status_code == 303
        return browser


class Browser:
    """A client that fills the CSRF token into forms, as a person's browser does by sending the page's own field."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def send(self, page: str, path: str, **fields: str) -> TestResponse:
        """Open `page`, take a form's token there, and send `fields` to `path` with it."""
        found = re.search(r'name="csrf_token" value="(\w+)"', self.get(page).text)
        assert found is not None, f"no form on {page}"
        return self.client.post(path, data={"csrf_token": found[1], **fields})

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        url = "/dashboard/sign-in"
        return self.send(url, url, email=email, password=password, **fields)


def build_site(folder: Path, revolving: RevolvingStage, settings: WebSettings) -> Site:
    inner = build_releases(folder)
    accounts, journal = Accounts(inner.database), Journal(inner.database)
    ada = accounts.add_user("ada@example.com", PASSWORD)
    scheduler = StagedScheduler()
    control, front = MemoryControl([slot_name(number) for number in range(4)]), MemoryFront(version(MEMORY_SETTINGS))
    router = Router(inner.database, MEMORY_SETTINGS, folder, "localhost", control, front)
    sealer, settled = Sealer(folder / "secret.key"), SchedulerSettings()
    behind: Any = (inner.database, router, MemoryRuntime(), sealer, settled, StartGate(lambda: 1))
    scheduler.runs = Runs(*behind, lambda _: None)
    scheduler.crons = Crons(inner.database, scheduler.runs, settled, lambda *_: None, lambda _: None)
    receiver = ReceiverSettings()
    repositories = Repositories(folder / "repos", receiver)
    unused: Any = None
    queue: Any = inner.queue
    room = Room(inner.database, unused, repositories.root, receiver)
    workshop = Workshop(
        journal, inner.leases, repositories, unused, inner.releases, inner.logs, queue, receiver, router.url, room
    )
    staging: Any = scheduler
    changing = (inner.database, inner.leases, staging, MemoryRuntime(), inner.logs, queue, SchedulerSettings())
    storage, resizing = Storage(*changing), Resizing(*changing)
    staged: Any = {"scheduler": scheduler, "router": router, "git_http": None, "builder": None}
    parts = WebParts(
        accounts=accounts,
        releases=inner.releases,
        pushes=Pushes(workshop),
        repositories=repositories,
        logs=inner.logs,
        storage=storage,
        resizing=resizing,
        secret="not so secret",
        settings=settings,
        **staged,
    )
    return Site(revolving.bring_on(parts), parts, inner, scheduler, router, control, ada, journal, repositories)
