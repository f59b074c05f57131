"""One push: its state, its log as it is written, and a button that cancels it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import Permission
from core.errors import NotFound
from core.ids import AppId
from core.logs import LogStreams
from gitreceiver import Push, Pushes, PushKind, PushState, Repositories
from releases import App
from web.pages import sse
from web.pages.access import Access
from web.pages.logs import resume_at, text_response, view_of
from web.pages.states import Badge, Tone
from web.pages.waterfall import bars

_BADGES: Final = {
    PushState.RECEIVED: Badge("Queued", Tone.BUSY),
    PushState.BUILDING: Badge("Building", Tone.BUSY),
    PushState.RELEASING: Badge("Releasing", Tone.BUSY),
    PushState.LIVE: Badge("Deployed", Tone.OK),
    PushState.FAILED: Badge("Failed", Tone.BAD),
    PushState.CANCELLED: Badge("Cancelled", Tone.IDLE),
    PushState.SUPERSEDED: Badge("Superseded", Tone.IDLE),
}


@dataclass(frozen=True)
class PushLine:
    """A push as pages show it."""

    id: str
    badge: Badge
    commit: str
    branch: str
    email: str
    at: datetime
    reason: str
    version: int | None
    redeployed: bool
    running: bool


def push_line(push: Push) -> PushLine:
    return PushLine(
        id=push.id,
        badge=_BADGES[push.state],
        commit=push.commit[:7],
        branch=push.ref.removeprefix("refs/heads/"),
        email=push.email,
        at=push.created_at,
        reason=push.reason,
        version=push.version,
        redeployed=push.kind is PushKind.REDEPLOY,
        running=not push.is_final,
    )


def subject_of(repositories: Repositories, app_id: AppId, commit: str) -> str:
    """The first line of the commit's message; empty when the commit is no longer (or was never) stored."""
    if not commit or not repositories.resolve(app_id, commit):
        return ""
    return repositories.commit_subject(app_id, commit)


class PushPages:
    def __init__(self, pushes: Pushes, repositories: Repositories, logs: LogStreams, access: Access) -> None:
        self._pushes = pushes
        self._repositories = repositories
        self._logs = logs
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/pushes/<push_id>"
        blueprint.add_url_rule(base, "push", self.show)
        blueprint.add_url_rule(f"{base}/stream", "push_stream", self.stream)
        blueprint.add_url_rule(f"{base}/log.txt", "push_text", self.text)
        blueprint.add_url_rule(f"{base}/cancel", "push_cancel", self.cancel, methods=["POST"])

    def show(self, name: str, push_id: str) -> str:
        app = self._access.app(name)
        push = self._push(app, push_id)
        return render_template(
            "push.html",
            app=app,
            push=push_line(push),
            subject=subject_of(self._repositories, app.id, push.commit),
            can_cancel=not push.is_final and self._access.may_deploy(app),
            log=view_of(self._logs, push.log_id, push.is_final),
            bars=bars(push),
        )

    def stream(self, name: str, push_id: str) -> Response:
        app = self._access.app(name)
        push = self._push(app, push_id)

        def progress() -> sse.Progress:
            now = self._pushes.push(push.id)
            return sse.Progress(_BADGES[now.state], now.is_final)

        allowed = self._access.still_sees(app)
        return sse.stream(sse.work_log(self._logs, push.log_id, resume_at(), progress, allowed))

    def text(self, name: str, push_id: str) -> Response:
        push = self._push(self._access.app(name), push_id)
        return text_response(self._logs.text(push.log_id))

    def cancel(self, name: str, push_id: str) -> AnyResponse:
        app = self._access.app(name, Permission.DEPLOY)
        push = self._pushes.cancel(app.id, self._push(app, push_id).id)
        return redirect(url_for("pages.push", name=app.name, push_id=push.id), 303)

    def _push(self, app: App, push_id: str) -> Push:
        push = self._pushes.push(push_id)
        if push.app_id != app.id:
            raise NotFound("Couldn't find that push.", "See the recent ones: portside builds")
        return push
