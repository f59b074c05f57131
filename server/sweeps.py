"""What a worker of this platform does: the doors of its queue, and the sweeps that touch every package.

A sweep looks at all apps, one by one: an error of one is told in the log, and the next one has its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts import AppRole
from core.edge import contained
from core.errors import Unavailable
from core.ids import AppId
from gitreceiver import doors as gitreceiver_doors
from gitreceiver import line_of_pushes
from releases import App
from releases import doors as releases_doors
from router import doors as router_doors
from scheduler import doors as scheduler_doors
from scheduler import line_of
from server.platform import Platform

FINISH_APPS = "server.finish_apps"
FORGET_DESTROYED = "server.forget_destroyed"
DROP_OLD_IMAGES = "server.drop_old_images"
CHECK_IMAGES = "server.check_images"
DROP_LEASES = "server.drop_leases"
MINUTE_S = 60.0
HOUR_S = 3600.0


@dataclass(frozen=True)
class Sweeps:
    """Those of one platform; each may be done at any time, and twice."""

    platform: Platform

    def register_doors(self) -> None:
        """Tell the queue what a worker of this platform does."""
        its = self.platform
        sweep_s = its.settings.sweep_s
        scheduler_doors(its.queue, its.scheduler, its.storage, its.resizing, sweep_s)
        releases_doors(its.queue, its.releases)
        gitreceiver_doors(its.queue, its.pushes, sweep_s)
        router_doors(its.queue, its.router, its.database, its.leases, its.settings.key_file, sweep_s)
        its.queue.door(FINISH_APPS, self.finish_apps, every_s=MINUTE_S)
        its.queue.door(FORGET_DESTROYED, self.forget_destroyed, every_s=sweep_s)
        its.queue.door(DROP_OLD_IMAGES, self.drop_old_images, every_s=HOUR_S)
        its.queue.door(CHECK_IMAGES, self.check_images, every_s=HOUR_S)
        its.queue.door(DROP_LEASES, self.drop_leases, every_s=HOUR_S)

    def finish_apps(self) -> None:
        """Give an app its owner's access and its host name, where whoever made or renamed it died in between."""
        names = self.platform.router.names()
        for app in self.platform.releases.apps():
            if names.get(app.id) != app.name:
                with contained(f"finishing {app.name}"):  # its host may be that of an app which is being forgotten
                    self._finish(app, is_new=app.id not in names)

    def _finish(self, app: App, is_new: bool) -> None:
        if is_new:
            self.platform.accounts.grant(app.id, app.owner_id, AppRole.OWNER)
        self.platform.router.name_app(app.id, app.name)

    def forget_destroyed(self) -> None:
        """Let each package forget each destroyed app; what fails now is tried again at the next sweep.

        One worker at a time: ending what runs may take a minute an app, and there is a sweep every few seconds.
        """
        destroyed = self.platform.releases.destroyed()
        if not destroyed:  # a lease is two writes to the disk
            return
        with self.platform.leases.held(FORGET_DESTROYED) as lease:
            if lease is not None:
                self._forget(destroyed)

    def _forget(self, destroyed: Sequence[AppId]) -> None:
        leases = self.platform.leases
        for app_id in destroyed:
            if leases.is_held(line_of(app_id)) or leases.is_held(line_of_pushes(app_id)):
                continue  # something of the app is still ending
            with contained(f"forgetting app {app_id}"):
                for forget in self._forgetters():
                    forget(app_id)

    def _forgetters(self) -> tuple[Callable[[AppId], None], ...]:
        """In order: nothing runs any more, then nothing is routed, then the stores, last the app's own record."""
        its = self.platform
        return (
            its.scheduler.forget_app,
            its.storage.forget_app,
            its.resizing.forget_app,
            its.router.forget_app,
            its.pushes.forget_app,
            its.builder.forget_app,
            its.images.forget_app,
            its.accounts.forget_app,
            its.releases.forget_app,
        )

    def drop_old_images(self) -> None:
        """Give up the images that nobody can want back."""
        for app in self.platform.releases.apps():
            with contained(f"dropping old images of {app.name}"):
                self.platform.releases.drop_old_images(app.id)

    def drop_leases(self) -> None:
        """Drop the records of leases that ended long ago."""
        self.platform.leases.drop_ended()

    def check_images(self) -> None:
        """See which releases can be brought back; an engine or a registry that is away says nothing about them."""
        for app in self.platform.releases.apps():
            with contained(f"checking images of {app.name}"):
                try:
                    self.platform.releases.check_images(app.id)
                except Unavailable:
                    return
