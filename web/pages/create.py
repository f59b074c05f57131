"""A new app: its name is all that it takes; its page then shows how to push."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts import Accounts, AppRole
from core.errors import UserError
from releases import Releases
from router import Router
from web.pages.access import Access


class CreatePages:
    def __init__(self, accounts: Accounts, releases: Releases, router: Router, access: Access) -> None:
        self._accounts = accounts
        self._releases = releases
        self._router = router
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/new", "create", self.form, methods=["GET"])
        blueprint.add_url_rule("/dashboard/new", "create_sent", self.create, methods=["POST"])

    def form(self) -> str:
        return render_template("create.html", name="", error=None)

    def create(self) -> Response:
        name, identity = request.form.get("name", "").strip().lower(), self._access.identity()
        try:
            app = self._releases.create_app(name or None, identity.user_id)
        except UserError as error:
            return make_response(render_template("create.html", name=name, error=error), 422)
        self._accounts.grant(app.id, identity.user_id, AppRole.OWNER)
        self._router.name_app(app.id, app.name)
        return redirect(url_for("pages.app", name=app.name), 303)
