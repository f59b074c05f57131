"""The dashboard over real accounts, releases, pushes and repositories; what runs outside is staged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dulwich.objects import Blob, Commit, Tree
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts import Accounts, AppRole, Identity
from core.ids import AppId, new_id
from gitreceiver import Journal, Push, Pushes, ReceiverSettings, RefUpdate, Repositories, Room, Workshop
from releases import App, Release
from router import Metrics
from scheduler import Formation, Instance, InstanceState, LogLine, Resizing, SchedulerSettings, Storage
from scheduler.types import Limits
from tests.releases.world import World as ReleasesWorld
from tests.releases.world import build_world as build_releases
from tests.scheduler.fakes import MemoryRuntime
from tests.web.maintenance import MaintenanceInMemory
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
        return [Formation(name, int(name == "web"), "standard", None, limits) for name in ("web", "worker")]

    def current(self, app_id: AppId) -> None:
        """What runs is staged, not known."""

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


class NamingRouter:
    """Gives every app an address by its id, and remembers the names."""

    def __init__(self) -> None:
        self.names: dict[AppId, str] = {}
        self.maintenance = MaintenanceInMemory()
        self.metrics = Metrics(Path("/nowhere"))

    def name_app(self, app_id: AppId, label: str) -> None:
        self.names[app_id] = label

    def url(self, app_id: AppId) -> str:
        return f"http://{self.names[app_id]}.localhost:8080"


@dataclass
class Site:
    """A web application with its insides at hand."""

    app: Flask
    parts: WebParts
    inner: ReleasesWorld
    scheduler: StagedScheduler
    router: NamingRouter
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
    scheduler, router = StagedScheduler(), NamingRouter()
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
    return Site(revolving.bring_on(parts), parts, inner, scheduler, router, ada, journal, repositories)
