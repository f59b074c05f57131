"""An app's config: names with hidden values, shown one at a time; set and unset, each change a release."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import NotFound, UserError
from releases import App, ReleaseKind, Releases
from web.pages import forms
from web.pages.access import Access
from web.pages.releases import ReleaseLine, release_line

_LOOKED_AT: Final = 200
_SHOWN: Final = 6


class ConfigPages:
    def __init__(self, releases: Releases, access: Access) -> None:
        self._releases = releases
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/config"
        blueprint.add_url_rule(base, "config", self.show, methods=["GET"])
        blueprint.add_url_rule(f"{base}/releases", "config_releases", self.releases)
        blueprint.add_url_rule(f"{base}/<key>/value", "config_value", self.reveal)
        blueprint.add_url_rule(base, "config_set_sent", self.set, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<key>/unset", "config_unset_sent", self.unset, methods=["POST"])

    def show(self, name: str) -> str:
        return self._page(self._access.app(name))

    def releases(self, name: str) -> str:
        """What moves: the releases that changes made."""
        app = self._access.app(name)
        return render_template("_config_releases.html", app=app, changes=self._changes(app))

    def reveal(self, name: str, key: str) -> str:
        """The page with one value to be seen."""
        app = self._access.app(name, Permission.DEPLOY)
        if key not in self._releases.config(app.id):
            raise NotFound(f"This app has no config var {key}.", f"See: portside config -a {app.name}")
        return self._page(app, key)

    def set(self, name: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)
        value = request.form.get("value", "").replace("\r\n", "\n")  # a browser sends each line break as these two
        return self._change(app, forms.field("key"), value)

    def unset(self, name: str, key: str) -> Response:
        return self._change(self._access.app(name, Permission.DEPLOY), key, None)

    def _change(self, app: App, key: str, value: str | None) -> Response:
        def act() -> str:
            made = self._releases.submit_config(app.id, {key: value}, self._access.identity())
            return url_for("pages.config", name=app.name, made=made.version)

        return forms.carry_out(act, lambda error: self._page(app, error=error))

    def _page(self, app: App, shown: str | None = None, error: UserError | None = None) -> str:
        config = self._releases.config(app.id)
        changes = self._changes(app)
        made = request.args.get("made", "")
        return render_template(
            "config.html",
            app=app,
            error=error,
            names=sorted(config),
            shown=shown,
            value=config.get(shown, "") if shown else "",
            made=next((change for change in changes if str(change.version) == made), None),
            typed={"key": request.values.get("key", ""), "value": request.form.get("value", "")},
            changes=changes,
            may_deploy=self._access.may_deploy(app),
        )

    def _changes(self, app: App) -> list[ReleaseLine]:
        """The newest releases that changed config."""
        found = [one for one in self._releases.releases(app.id, _LOOKED_AT) if one.kind is ReleaseKind.CONFIG]
        return [release_line(one, may_deploy=False) for one in found[:_SHOWN]]
