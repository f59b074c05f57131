"""An app's traffic: who gets in, how much, and how it reaches the instances. Its forms are in `gate`, `proxies` and
`maintenance`."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request

from core.errors import UserError
from releases import App
from router import Router
from web.pages import forms, gate, maintenance, proxies
from web.pages.access import Access

_DONE: Final = {**gate.DONE, **proxies.DONE, **maintenance.DONE}


class TrafficPages:
    def __init__(self, router: Router, access: Access) -> None:
        self._router = router
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/apps/<name>/traffic", "traffic", self.show, methods=["GET"])

    def show(self, name: str) -> str:
        return self.page(self._access.app(name))

    def page(self, app: App, error: UserError | None = None) -> str:
        """With what was typed, when it was wrong; but never with a password."""
        seen, mode = gate.seen(self._router, app.id), self._router.maintenance.of(app.id)
        return render_template(
            "traffic.html",
            app=app,
            error=error,
            done="" if error else forms.said(_DONE),
            fields={name: _filled(name, kept, error) for name, kept in _kept(seen).items()},
            html=request.form.get("html", "") if error else (mode and mode.page) or "",
            gate=seen,
            proxy=self._router.proxies.of(app.id),
            protocols=proxies.PROTOCOLS,
            maintenance=mode,
            may_manage=self._access.may_manage(app),
        )


def _kept(seen: gate.GateSeen) -> dict[str, object]:
    """What stands in each field of the forms, before anybody types."""
    return {
        "networks": None,
        "verdict": None,
        "user": None,
        "requests_per_s": seen.limits.requests_per_s,
        "connections": seen.limits.connections,
        "idle_s": seen.timeouts.idle_s,
        "tunnel_s": seen.timeouts.tunnel_s,
    }


def _filled(name: str, kept: object, error: UserError | None) -> str:
    if error and name in request.form:
        return forms.field(name)
    return "" if kept is None else str(kept)
