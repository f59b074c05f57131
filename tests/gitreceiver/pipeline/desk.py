"""The push pipeline on real records and a real repository, with builders named by what they do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dulwich.objects import Blob, Commit, Tree

from builder import BuildFailed, BuildRequest, BuiltImage
from core.ids import AppId
from gitreceiver import Push, Pushes, ReceiverSettings, RefUpdate, Repositories, Workshop
from tests.releases.world import World

MAIN = "refs/heads/main"


class InstantBuilder:
    """Builds at once: the image is named after the tree."""

    def __init__(self) -> None:
        self.requests: list[BuildRequest] = []
        self.dropped: list[AppId] = []

    def drop_old_builds(self, app_id: AppId) -> None:
        self.dropped.append(app_id)

    def build(self, request: BuildRequest, log: Any, stopped: Callable[[], BaseException | None]) -> BuiltImage:
        self.requests.append(request)
        log.step("Building")
        tree = request.source.tree_id
        return BuiltImage("build-1", f"sha256:{tree}", (("web", None),), 5000, {}, "dockerfile", False)


class FailingBuilder(InstantBuilder):
    """No build succeeds."""

    def build(self, request: BuildRequest, log: Any, stopped: Callable[[], BaseException | None]) -> BuiltImage:
        raise BuildFailed("pip could not find flask==99.", "Name a version that exists.")


class BuggyBuilder(InstantBuilder):
    """Has a bug."""

    def build(self, request: BuildRequest, log: Any, stopped: Callable[[], BaseException | None]) -> BuiltImage:
        raise RuntimeError("a detail that nobody should see")


class EndlessBuilder(InstantBuilder):
    """Builds until it is stopped or let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def build(self, request: BuildRequest, log: Any, stopped: Callable[[], BaseException | None]) -> BuiltImage:
        self.begun.set()
        while not self.let_go.wait(0.05):
            reason = stopped()
            if reason is not None:
                raise reason
        return super().build(request, log, stopped)


@dataclass
class Desk:
    """Pushes, with what a test needs around them."""

    pushes: Pushes
    world: World
    repositories: Repositories
    app_id: AppId
    workshop: Workshop

    def commit(self, text: str, parent: str | None = None) -> str:
        """Store a commit of one file, and give its id."""
        with self.repositories.open(self.app_id) as repo:
            blob, tree, commit = Blob.from_string(text.encode()), Tree(), Commit()
            tree.add(b"file", 0o100644, blob.id)
            commit.tree, commit.message = tree.id, text.encode()
            commit.author = commit.committer = b"Ada <ada@example.com>"
            commit.author_time = commit.commit_time = 1_700_000_000
            commit.author_timezone = commit.commit_timezone = 0
            commit.parents = [parent.encode()] if parent else []  # type: ignore[list-item]
            for thing in (blob, tree, commit):
                repo.object_store.add_object(thing)
            return commit.id.decode()

    def receive(self, commit: str, *, forced: bool = False, options: tuple[str, ...] = ()) -> Push:
        update = RefUpdate(MAIN, self.branch(), commit, forced)
        watched = self.pushes.receive(self.app_id, self.world.someone, [update], options)
        return self.pushes.push(watched.push_id)

    def deploy(self, commit: str, **how: Any) -> Push:
        push = self.receive(commit, **how)
        self.pushes.deploy(push.id)
        return self.pushes.push(push.id)

    def branch(self) -> str | None:
        return self.repositories.branch(self.app_id, MAIN)

    def text(self, push: Push) -> str:
        return self.world.logs.text(push.log_id)

    def with_builder(self, builder: InstantBuilder, **settings: Any) -> Desk:
        """The same desk with another builder."""
        values = {**vars(self.workshop), "builder": builder, "settings": ReceiverSettings(**settings)}
        workshop = Workshop(**values)
        return Desk(Pushes(workshop), self.world, self.repositories, self.app_id, workshop)
