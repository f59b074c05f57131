"""The numbered releases of an app: the list, and one release with its log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, render_template

from core.logs import LogStreams
from releases import Bake, BakeState, Release, Releases
from web.pages import sse, states
from web.pages.access import Access
from web.pages.logs import LogView, resume_at, text_response, view_of
from web.pages.states import Badge

_MOST = 200


@dataclass(frozen=True)
class ReleaseLine:
    """One release in a list. `can_roll_back`: it is an earlier one whose image is kept.

    `why_gone`: why it can't be brought back any more. `bake`: how its trial stands or ended.
    """

    version: int
    badge: Badge
    description: str
    email: str
    commit: str
    at: datetime
    reason: str
    can_roll_back: bool
    why_gone: str
    bake: str


def release_line(release: Release, may_deploy: bool, bake: Bake | None = None) -> ReleaseLine:
    return ReleaseLine(
        version=release.version,
        badge=states.of_release(release),
        description=release.description,
        email=release.user_email,
        commit=release.commit[:7],
        at=release.created_at,
        reason=release.reason,
        can_roll_back=may_deploy and release.restorable and not release.current,
        why_gone="" if release.current else release.why_unrestorable,
        bake="" if bake is None else _told(bake),
    )


def _told(bake: Bake) -> str:
    """How its trial stands, with the numbers."""
    if bake.state is BakeState.OPEN:
        seen = f": 5xx {bake.now.errors_percent:.1f} % of {bake.now.requests} requests so far"
        return f"On trial for {bake.policy.minutes} min{seen if bake.now.requests else ''}"
    return f"Bake window, {bake.state}{f': {bake.words}' if bake.words else ''}"


class ReleasePages:
    def __init__(self, releases: Releases, logs: LogStreams, access: Access) -> None:
        self._releases = releases
        self._logs = logs
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/releases"
        blueprint.add_url_rule(base, "releases", self.list)
        blueprint.add_url_rule(f"{base}/v<int:version>", "release", self.show)
        blueprint.add_url_rule(f"{base}/v<int:version>/stream", "release_stream", self.stream)
        blueprint.add_url_rule(f"{base}/v<int:version>/log.txt", "release_text", self.text)

    def list(self, name: str) -> str:
        app = self._access.app(name)
        may_deploy = self._access.may_deploy(app)
        found = self._releases.releases(app.id, _MOST)
        bakes = self._releases.bakes.of([release.id for release in found])
        lines = [release_line(release, may_deploy, bakes.get(release.id)) for release in found]
        return render_template("releases.html", app=app, releases=lines, most=_MOST)

    def show(self, name: str, version: int) -> str:
        app = self._access.app(name)
        release = self._releases.release(app.id, f"v{version}")
        bake = self._releases.bakes.of([release.id]).get(release.id)
        line = release_line(release, self._access.may_deploy(app), bake)
        return render_template("release.html", app=app, release=line, push_id=release.push_id, log=self._log(release))

    def stream(self, name: str, version: int) -> Response:
        app = self._access.app(name)
        release = self._releases.release(app.id, f"v{version}")

        def progress() -> sse.Progress:
            now = self._releases.release(app.id, release.id)
            return sse.Progress(states.of_release(now), now.is_decided)

        allowed = self._access.still_sees(app)
        return sse.stream(sse.work_log(self._logs, release.log_id, resume_at(), progress, allowed))

    def text(self, name: str, version: int) -> Response:
        release = self._releases.release(self._access.app(name).id, f"v{version}")
        return text_response(self._logs.text(release.log_id))

    def _log(self, release: Release) -> LogView:
        return view_of(self._logs, release.log_id, release.is_decided)
