"""The switch of an app's maintenance mode."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from router import Router
from web.pages.access import Access


class MaintenancePages:
    def __init__(self, router: Router, access: Access) -> None:
        self._router = router
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        url = "/dashboard/apps/<name>/maintenance"
        blueprint.add_url_rule(url, "maintenance_sent", self.switch, methods=["POST"])

    def switch(self, name: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)
        if request.form.get("on") == "1":
            self._router.maintenance.turn_on(app.id)
        else:
            self._router.maintenance.turn_off(app.id)
        return redirect(url_for("pages.app", name=app.name), 303)
