"""Rollback: first what will change, then, on the same page's button, the change."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from releases import Releases
from web.pages.access import Access


class RollbackPages:
    def __init__(self, releases: Releases, access: Access) -> None:
        self._releases = releases
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        url = "/dashboard/apps/<name>/releases/v<int:version>/rollback"
        blueprint.add_url_rule(url, "rollback", self.confirm, methods=["GET"])
        blueprint.add_url_rule(url, "rollback_sent", self.roll_back, methods=["POST"])

    def confirm(self, name: str, version: int) -> str:
        app = self._access.app(name, Permission.DEPLOY)
        code_only = request.args.get("code_only") == "1"
        target = self._releases.release(app.id, f"v{version}")
        preview = self._releases.preview_rollback(app.id, target.name, code_only)
        return render_template("rollback.html", app=app, target=target, preview=preview, code_only=code_only)

    def roll_back(self, name: str, version: int) -> Response:
        app = self._access.app(name, Permission.DEPLOY)
        code_only, with_phase = (request.form.get(name) == "1" for name in ("code_only", "release_phase"))
        asked = (app.id, f"v{version}", self._access.identity(), code_only, with_phase)
        release = self._releases.submit_rollback(*asked)
        return redirect(url_for("pages.release", name=app.name, version=release.version), 303)
