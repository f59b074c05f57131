"""How requests are passed on to an app. Portside's own endpoints."""

from __future__ import annotations

from accounts import Permission
from router import ProxyMode
from web.api.routing import Answer, AppCall, Routes
from web.api.shapes import Json

routes = Routes()


@routes("GET", "/apps/<app>/proxy", Permission.VIEW)
def show_proxy(call: AppCall) -> Answer:
    return Answer(_shape(call.parts.router.proxies.of(call.app.id)))


@routes("PATCH", "/apps/<app>/proxy", Permission.MANAGE)
def set_proxy(call: AppCall) -> Answer:
    """`protocol` is http1 or h2c, from the next release on; `sticky` and `retry_posts` hold at once."""
    body = call.body
    wishes = {"sticky": body.wish("sticky"), "retry_posts": body.wish("retry_posts")}
    return Answer(_shape(call.parts.router.proxies.set(call.app.id, protocol=body.text("protocol"), **wishes)))


def _shape(mode: ProxyMode) -> Json:
    return {"protocol": str(mode.protocol), "sticky": mode.sticky, "retry_posts": mode.retry_posts}
