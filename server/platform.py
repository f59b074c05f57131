"""Composition: the one place where the parts are wired together, once per process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from accounts import Accounts, AppRole
from builder import Builder, BuilderSettings, Cleaning, Engine, ImageStore, Kept, Registry
from core import platform as core_platform
from core.database import Database
from core.edge import contained
from core.errors import NotFound, Unavailable
from core.ids import AppId
from core.leases import Leases
from core.logs import LogStreams, connect
from core.platform import PlatformSettings
from core.queue import Queue
from core.secrets import Sealer, stored_secret
from core.settings import Source, read
from gitreceiver import (
    GitHttp,
    GitParts,
    Journal,
    Pushes,
    ReceiverSettings,
    Repositories,
    Room,
    Workshop,
    line_of_pushes,
)
from gitreceiver import doors as gitreceiver_doors
from releases import Releases, ReleaseSettings
from releases import doors as releases_doors
from router import AcmeSettings, Router, RouterSettings
from router import doors as router_doors
from router import waker as router_waker
from scheduler import DockerRuntime, Resizing, Scheduler, SchedulerSettings, Storage, line_of, waker
from scheduler import doors as scheduler_doors
from server.progress import Progress

if TYPE_CHECKING:
    from web import WebParts

FINISH_APPS = "server.finish_apps"
FORGET_DESTROYED = "server.forget_destroyed"
DROP_OLD_IMAGES = "server.drop_old_images"
CHECK_IMAGES = "server.check_images"
MINUTE_S = 60.0
HOUR_S = 3600.0


@dataclass(frozen=True)
class Platform:
    """Every part of Portside, made when it is first asked for, so that a process loads only what it uses."""

    settings: PlatformSettings
    source: Source

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database)

    @cached_property
    def leases(self) -> Leases:
        return Leases(self.database, self.settings.lease_ttl_s)

    @cached_property
    def logs(self) -> LogStreams:
        return LogStreams(self.database, connect(self.settings.redis_socket))

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.settings.broker_url)

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(self.settings.key_file)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.database)

    @cached_property
    def router(self) -> Router:
        settings = read(RouterSettings, "router", self.source)
        parts = (self.database, settings, self.settings.home, self.settings.domain)
        acme, wake = read(AcmeSettings, "acme", self.source), router_waker(self.queue)
        return Router(*parts, key_file=self.settings.key_file, acme=acme, wake=wake)

    @cached_property
    def scheduler_settings(self) -> SchedulerSettings:
        return read(SchedulerSettings, "scheduler", self.source)

    @cached_property
    def runtime(self) -> DockerRuntime:
        return DockerRuntime(self.scheduler_settings)

    @cached_property
    def scheduler(self) -> Scheduler:
        settings, wake = self.scheduler_settings, waker(self.queue)
        parts = (self.database, self.router, self.runtime, self.sealer, settings)
        return Scheduler(*parts, self.settings.home / "live", wake)

    @property
    def run_certificate(self) -> Path:
        """What the clients of attached one-off runs are shown; made at first use."""
        return self.settings.home / "run_certificate.pem"

    @cached_property
    def storage(self) -> Storage:
        parts = (self.database, self.leases, self.scheduler, self.runtime, self.logs, self.queue)
        return Storage(*parts, self.scheduler_settings)

    @cached_property
    def resizing(self) -> Resizing:
        parts = (self.database, self.leases, self.scheduler, self.runtime, self.logs, self.queue)
        return Resizing(*parts, self.scheduler_settings)

    @cached_property
    def builder_settings(self) -> BuilderSettings:
        return read(BuilderSettings, "builder", self.source)

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.builder_settings)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.builder_settings.registry_url, self.builder_settings.registry_answer_s)

    @cached_property
    def images(self) -> ImageStore:
        return ImageStore(self.database, self.engine, self.registry, self.builder_settings)

    @cached_property
    def builder(self) -> Builder:
        return Builder(self.database, self.engine, self.builder_settings, self.images, make_base_image)

    @cached_property
    def releases(self) -> Releases:
        settings = read(ReleaseSettings, "releases", self.source)
        parts = (self.database, self.leases, self.scheduler, self.images, self.sealer, self.logs, self.queue)
        return Releases(*parts, settings, self.router.traffic, lambda app_id: self.router.proxies.of(app_id).protocol)

    @cached_property
    def receiver_settings(self) -> ReceiverSettings:
        return read(ReceiverSettings, "receiver", self.source)

    @cached_property
    def repositories(self) -> Repositories:
        return Repositories(self.settings.home / "repos", self.receiver_settings)

    @cached_property
    def pushes(self) -> Pushes:
        workshop = Workshop(
            journal=Journal(self.database),
            leases=self.leases,
            repositories=self.repositories,
            builder=self.builder,
            releases=self.releases,
            logs=self.logs,
            queue=self.queue,
            settings=self.receiver_settings,
            url_of=self.router.url,
            room=self.room,
        )
        return Pushes(workshop)

    @cached_property
    def room(self) -> Room:
        """The disk that pushes land on."""
        return Room(
            self.database,
            self.builder,
            self.repositories.root,
            self.receiver_settings,
            uploads_here=self.builder_settings.registry_is_here,
            freeable_bytes=lambda: self.cleaning.freeable_bytes(self.kept_images),
        )

    @cached_property
    def cleaning(self) -> Cleaning:
        return Cleaning(self.database, self.engine, self.registry, self.builder_settings)

    def kept_images(self) -> Kept:
        """What no cleaning takes away."""
        kept = self.releases.kept()
        return Kept(frozenset((str(app_id), version) for app_id, version in kept.versions), kept.image_ids)

    @cached_property
    def git_parts(self) -> GitParts:
        return GitParts(self.accounts, self.app_id, self.repositories, self.pushes, self.receiver_settings)

    @cached_property
    def git_http(self) -> GitHttp:
        return GitHttp(self.accounts, self.app_id, self.repositories, self.pushes, self.receiver_settings)

    def web_parts(self) -> WebParts:
        from web import RunDoor, WebParts, WebSettings  # Flask is for the process that serves pages

        return WebParts(
            accounts=self.accounts,
            releases=self.releases,
            scheduler=self.scheduler,
            storage=self.storage,
            resizing=self.resizing,
            router=self.router,
            pushes=self.pushes,
            repositories=self.repositories,
            builder=self.builder,
            logs=self.logs,
            git_http=self.git_http,
            run_door=RunDoor(self.scheduler_settings.run_port, self.scheduler.runs.fingerprint(self.run_certificate)),
            secret=stored_secret(self.settings.web_key_file),
            settings=read(WebSettings, "web", self.source),
        )

    def app_id(self, name: str) -> AppId | None:
        """The id of the app with that name, if there is one."""
        try:
            return self.releases.app(name).id
        except NotFound:
            return None

    def register_doors(self) -> None:
        """Tell the queue what a worker of this platform does."""
        scheduler_doors(self.queue, self.scheduler, self.storage, self.resizing, self.settings.sweep_s)
        releases_doors(self.queue, self.releases)
        gitreceiver_doors(self.queue, self.pushes, self.settings.sweep_s)
        certificates = (self.router, self.database, self.leases, self.settings.key_file)
        router_doors(self.queue, *certificates, self.settings.sweep_s)
        self.queue.door(FINISH_APPS, self.finish_apps, every_s=MINUTE_S)
        self.queue.door(FORGET_DESTROYED, self.forget_destroyed, every_s=self.settings.sweep_s)
        self.queue.door(DROP_OLD_IMAGES, self.drop_old_images, every_s=HOUR_S)
        self.queue.door(CHECK_IMAGES, self.check_images, every_s=HOUR_S)

    def finish_apps(self) -> None:
        """Give an app its owner's access and its host name, where whoever made it died in between."""
        named = self.router.urls()
        for app in self.releases.apps():
            if app.id not in named:
                self.accounts.grant(app.id, app.owner_id, AppRole.OWNER)
                self.router.name_app(app.id, app.name)

    def forget_destroyed(self) -> None:
        """Let each package forget each destroyed app; what fails now is tried again at the next sweep."""
        for app_id in self.releases.destroyed():
            if self.leases.is_held(line_of(app_id)) or self.leases.is_held(line_of_pushes(app_id)):
                continue  # something of the app is still ending
            with contained(f"forgetting app {app_id}"):
                for forget in self._forgetters():
                    forget(app_id)

    def _forgetters(self) -> tuple[Callable[[AppId], None], ...]:
        """In order: nothing runs any more, then nothing is routed, then the stores, last the app's own record."""
        return (
            self.scheduler.forget_app,
            self.storage.forget_app,
            self.resizing.forget_app,
            self.router.forget_app,
            self.pushes.forget_app,
            self.builder.forget_app,
            self.images.forget_app,
            self.accounts.forget_app,
            self.releases.forget_app,
        )

    def drop_old_images(self) -> None:
        for app in self.releases.apps():
            with contained(f"dropping old images of {app.name}"):
                self.releases.drop_old_images(app.id)

    def check_images(self) -> None:
        """See which releases can be brought back; an engine or a registry that is away says nothing about them."""
        for app in self.releases.apps():
            try:
                self.releases.check_images(app.id)
            except Unavailable:
                return


def make_base_image(stack: str, suite: str, on_line: Callable[[str], None]) -> None:
    """Make a stack's base image on this machine, as `portside-server stack:add` does."""
    from server import base_image  # with what it needs for it: a process that never builds does without

    progress = Progress(lambda text: on_line(text.removeprefix("----->").strip()))
    base_image.ensure_base_image(os.environ, progress, base_image.Base(stack, suite))


def compose(environ: Mapping[str, str]) -> Platform:
    """The platform that the environment and the home's `portside.toml` describe. Connects to nothing yet."""
    settings, source = core_platform.load(environ)
    return Platform(settings, source)
