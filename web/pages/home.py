"""The home: every app that this person may see, and how it is doing. Made of three reads, however many apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for

from gitreceiver import Push
from releases import App
from scheduler import Instance, InstanceState
from web.links import Links
from web.pages import states
from web.pages.access import Access
from web.pages.pushes import PushLine, push_line
from web.pages.states import Badge
from web.parts import WebParts


@dataclass(frozen=True)
class AppLine:
    """One app in the list."""

    name: str
    href: str
    badge: Badge
    version: int | None
    running: int
    crashed: int
    push: PushLine | None


class HomePage:
    def __init__(self, parts: WebParts, access: Access) -> None:
        self._parts = parts
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/", "home", self.home)

    def home(self) -> str:
        visible = self._parts.accounts.visible_apps(self._access.identity())
        apps = self._parts.releases.apps(visible)
        wanted = request.args.get("q", "").strip().lower()
        found = [app for app in apps if wanted in app.name]
        server = Links.of(self._parts, request).base
        return render_template("home.html", apps=self._lines(found), total=len(apps), q=wanted, server=server)

    def _lines(self, apps: Sequence[App]) -> list[AppLine]:
        instances = self._parts.scheduler.all_instances() if apps else {}
        pushes = self._parts.pushes.latest([app.id for app in apps]) if apps else {}
        base = url_for("pages.app", name="_")[:-1]
        return [app_line(app, base + app.name, instances.get(app.id, ()), pushes.get(app.id)) for app in apps]


def app_line(app: App, href: str, instances: Sequence[Instance], push: Push | None) -> AppLine:
    found = [instance.state for instance in instances]
    return AppLine(
        name=app.name,
        href=href,
        badge=states.of_app(app, instances),
        version=app.current_version,
        running=found.count(InstanceState.RUNNING),
        crashed=found.count(InstanceState.CRASHED),
        push=None if push is None else push_line(push),
    )
