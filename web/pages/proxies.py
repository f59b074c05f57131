"""How requests are passed on to an app's instances: a form on the page of its traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import UserError
from releases import App
from router import Protocol, Router
from web.pages import forms
from web.pages.access import Access

PROTOCOLS: Final = (
    (Protocol.HTTP1, "HTTP/1.1"),
    (Protocol.H2C, "HTTP/2 without TLS (h2c), as gRPC needs it"),
)
DONE: Final = {"proxy": "Saved. Another protocol holds from the next release on."}


class ProxyPages:
    """`page`: the page of the traffic, with an error."""

    def __init__(self, router: Router, access: Access, page: Callable[[App, UserError], str]) -> None:
        self._router = router
        self._access = access
        self._page = page

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/apps/<name>/proxy", "proxy_sent", self.set, methods=["POST"])

    def set(self, name: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            sticky, retry_posts = (request.form.get(name) == "1" for name in ("sticky", "retry_posts"))
            protocol = forms.field("protocol") or None
            self._router.proxies.set(app.id, protocol=protocol, sticky=sticky, retry_posts=retry_posts)
            return url_for("pages.traffic", name=app.name, done="proxy")

        return forms.carry_out(act, lambda error: self._page(app, error))
