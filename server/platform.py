"""Composition: the one place where the parts are wired together, once per process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from accounts import Accounts
from builder import Builder, BuilderSettings, Cleaning, Engine, ImageStore, Kept, Registry
from core import platform as core_platform
from core.database import Database
from core.errors import NotFound
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
)
from releases import Releases, ReleaseSettings
from router import AcmeSettings, Router, RouterSettings
from router import waker as router_waker
from scheduler import DockerRuntime, Resizing, Scheduler, SchedulerSettings, Storage, waker
from server.progress import Progress

if TYPE_CHECKING:
    from web import WebParts


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


def make_base_image(stack: str, suite: str, on_line: Callable[[str], None]) -> None:
    """Make a stack's base image on this machine, as `portside-server stack:add` does."""
    from server import base_image  # with what it needs for it: a process that never builds does without

    progress = Progress(lambda text: on_line(text.removeprefix("----->").strip()))
    base_image.ensure_base_image(os.environ, progress, base_image.Base(stack, suite))


def compose(environ: Mapping[str, str]) -> Platform:
    """The platform that the environment and the home's `portside.toml` describe. Connects to nothing yet."""
    settings, source = core_platform.load(environ)
    return Platform(settings, source)
