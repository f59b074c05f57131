"""An app's maintenance mode: a switch on its first page, and on the page of its traffic with a page for visitors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import UserError
from releases import App
from router import Router
from web.pages import forms
from web.pages.access import Access

DONE: Final = {
    "maintenance-on": "Maintenance is on: visitors get a page that says so.",
    "maintenance-off": "The app is served again.",
}


class MaintenancePages:
    """`page`: the page of the traffic, with an error."""

    def __init__(self, router: Router, access: Access, page: Callable[[App, UserError], str]) -> None:
        self._router = router
        self._access = access
        self._page = page

    def add_to(self, blueprint: Blueprint) -> None:
        url = "/dashboard/apps/<name>/maintenance"
        blueprint.add_url_rule(url, "maintenance_sent", self.switch, methods=["POST"])

    def switch(self, name: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            on = request.form.get("on") == "1"
            if on:
                html = request.form.get("html", "").replace("\r\n", "\n")  # as browsers send line breaks
                self._router.maintenance.turn_on(app.id, html if html.strip() else None)
            else:
                self._router.maintenance.turn_off(app.id)
            if request.form.get("from") == "traffic":
                return url_for("pages.traffic", name=app.name, done="maintenance-on" if on else "maintenance-off")
            return url_for("pages.app", name=app.name)

        return forms.carry_out(act, lambda error: self._page(app, error))
