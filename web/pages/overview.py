"""An app's first page: what is live, what runs, what was pushed last, the newest releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request

from releases import App, Release
from scheduler import StoredVolume
from web.links import Links
from web.pages import chart, states
from web.pages.access import Access
from web.pages.instances import InstanceLine, instance_lines
from web.pages.pushes import PushLine, push_line, subject_of
from web.pages.releases import ReleaseLine, release_line
from web.pages.states import Badge
from web.parts import WebParts

_NEWEST: Final = 6


@dataclass(frozen=True)
class Now:
    """All of the page that moves by itself."""

    url: str
    badge: Badge
    live: ReleaseLine | None
    subject: str
    instances: list[InstanceLine]
    push: PushLine | None
    releases: list[ReleaseLine]
    volumes: list[StoredVolume]
    limits: str


class OverviewPages:
    def __init__(self, parts: WebParts, access: Access) -> None:
        self._parts = parts
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/apps/<name>", "app", self.show)
        blueprint.add_url_rule("/dashboard/apps/<name>/now", "app_now", self.now)

    def show(self, name: str) -> str:
        app = self._access.app(name)
        git_url = Links.of(self._parts, request).git(app.name)
        return render_template(
            "overview.html",
            app=app,
            now=self._now(app),
            git_url=git_url,
            maintenance=self._parts.router.maintenance.of(app.id),
            may_manage=self._access.may_manage(app),
            traffic=chart.of(self._parts.router.metrics.period(app.id, chart.MINUTES, chart.COLUMNS)),
        )

    def now(self, name: str) -> str:
        """What moves; for a page that still `waits` for the first deploy, also what changes elsewhere on it by that."""
        app = self._access.app(name)
        now = self._now(app)
        return render_template(
            "_now.html", app=app, now=now, is_first_deploy=bool(now.live and request.args.get("waits"))
        )

    def _now(self, app: App) -> Now:
        live = self._live(app)
        instances = self._parts.scheduler.instances(app.id)
        push = next(iter(self._parts.pushes.recent(app.id, 1)), None)
        may_deploy = self._access.may_deploy(app)
        newest = self._parts.releases.releases(app.id, _NEWEST)
        bakes = self._parts.releases.bakes.of([release.id for release in newest])
        return Now(
            url=self._parts.router.url(app.id),
            badge=states.of_app(app, instances),
            live=None if live is None else release_line(live, may_deploy=False),
            subject="" if live is None else subject_of(self._parts.repositories, app.id, live.commit),
            instances=instance_lines(instances),
            push=None if push is None else push_line(push),
            releases=[release_line(found, may_deploy, bakes.get(found.id)) for found in newest],
            volumes=self._parts.storage.volumes(app.id),
            limits=" ".join(self._parts.storage.limits),
        )

    def _live(self, app: App) -> Release | None:
        return self._parts.releases.release(app.id, app.current_release_id) if app.current_release_id else None
