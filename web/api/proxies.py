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
    """`protocol` is http1 or h2c, from the next release on; `sticky` holds at once."""
    sticky = call.body.flag("sticky") if call.body.values.get("sticky") is not None else None
    return Answer(
        _shape(call.parts.router.proxies.set(call.app.id, protocol=call.body.text("protocol"), sticky=sticky))
    )


def _shape(mode: ProxyMode) -> Json:
    return {"protocol": str(mode.protocol), "sticky": mode.sticky}
