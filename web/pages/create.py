"""A new app: its name is all that it takes; its page then shows how to push."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core.errors import UserError
from web.new_app import create_app
from web.pages.access import Access
from web.parts import WebParts


class CreatePages:
    def __init__(self, parts: WebParts, access: Access) -> None:
        self._parts = parts
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/new", "create", self.form, methods=["GET"])
        blueprint.add_url_rule("/dashboard/new", "create_sent", self.create, methods=["POST"])

    def form(self) -> str:
        return render_template("create.html", name="", error=None)

    def create(self) -> Response:
        name, identity = request.form.get("name", "").strip().lower(), self._access.identity()
        try:
            app = create_app(self._parts, name or None, identity)
        except UserError as error:
            return make_response(render_template("create.html", name=name, error=error), 422)
        return redirect(url_for("pages.app", name=app.name), 303)
