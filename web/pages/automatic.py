"""Automatic certificates, on the page of an app's domains: the switch, and how each host stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import UserError
from core.ids import AppId
from releases import App
from router import HostCertificate, HostState, Router
from web.pages import forms
from web.pages.access import Access
from web.pages.states import Badge, Tone

DONE: Final = {
    "automatic-on": "Certificates are asked for: each host tells below how it stands.",
    "automatic-off": "No more certificates are asked for. Those that are there are served until they expire.",
    "automatic-refresh": "What has failed is tried again now.",
}
_BADGE: Final = {
    HostState.PENDING: Badge("Being asked for", Tone.BUSY),
    HostState.ISSUED: Badge("Issued", Tone.OK),
    HostState.FAILING: Badge("Failing", Tone.BAD),
    HostState.OWN: Badge("Shows one of yours", Tone.IDLE),
    HostState.EXCLUDED: Badge("Left out", Tone.IDLE),
}


@dataclass(frozen=True)
class HostLine:
    """One host. `next_word`: what happens at `next_at`."""

    host: str
    badge: Badge
    reason: str
    next_word: str
    next_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """What the page shows. `moves`: something is yet to be decided."""

    is_on: bool
    hosts: list[HostLine]
    moves: bool


def host_line(one: HostCertificate) -> HostLine:
    word = "Renewed from" if one.state is HostState.ISSUED else "Next attempt at"
    return HostLine(one.host, _BADGE[one.state], one.reason, word, one.next_at, one.expires_at)


def standing(router: Router, app_id: AppId) -> Standing:
    is_on = router.automatic.is_on(app_id)
    hosts = router.automatic.hosts(app_id) if is_on else []
    moves = any(one.state in (HostState.PENDING, HostState.FAILING) for one in hosts)
    return Standing(is_on, [host_line(one) for one in hosts], moves)


class AutomaticPages:
    """`page`: the page of the domains, with an error."""

    def __init__(self, router: Router, access: Access, page: Callable[[App, UserError], str]) -> None:
        self._router = router
        self._access = access
        self._page = page

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/certificates/automatic"
        blueprint.add_url_rule(f"{base}/now", "automatic_now", self.now)
        blueprint.add_url_rule(f"{base}/enable", "automatic_on_sent", self.enable, methods=["POST"])
        blueprint.add_url_rule(f"{base}/disable", "automatic_off_sent", self.disable, methods=["POST"])
        blueprint.add_url_rule(f"{base}/refresh", "automatic_refresh_sent", self.refresh, methods=["POST"])

    def now(self, name: str) -> str:
        """What moves."""
        app = self._access.app(name)
        automatic = standing(self._router, app.id)
        may_manage = self._access.may_manage(app)
        return render_template("_automatic.html", app=app, automatic=automatic, may_manage=may_manage)

    def enable(self, name: str) -> Response:
        return self._change(name, self._router.automatic.enable, "automatic-on")

    def disable(self, name: str) -> Response:
        return self._change(name, self._router.automatic.disable, "automatic-off")

    def refresh(self, name: str) -> Response:
        return self._change(name, self._router.automatic.refresh, "automatic-refresh")

    def _change(self, name: str, change: Callable[[AppId], None], done: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            change(app.id)
            return url_for("pages.domains", name=app.name, done=done)

        return forms.carry_out(act, lambda error: self._page(app, error))
