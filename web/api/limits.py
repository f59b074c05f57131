"""How much of an app its visitors get, and for how long it may be silent. Portside's own endpoints."""

from __future__ import annotations

from collections.abc import Mapping

from accounts import Permission
from core.ids import AppId
from router import TrafficLimits, TrafficTimeouts
from web.api.body import Body
from web.api.routing import Answer, AppCall, Routes
from web.parts import WebParts

routes = Routes()


@routes("GET", "/apps/<app>/limits", Permission.VIEW)
def show_limits(call: AppCall) -> Answer:
    return Answer(_limits(call.parts, call.app.id))


@routes("PATCH", "/apps/<app>/limits", Permission.MANAGE)
def set_limits(call: AppCall) -> Answer:
    """What is in the body changes; null takes a limit away."""
    wanted = _changed(call.body, _limits(call.parts, call.app.id))
    limits = TrafficLimits(wanted["requests_per_second"], wanted["connections"])
    call.parts.router.gate.set_limits(call.app.id, limits)
    return Answer(wanted)


@routes("GET", "/apps/<app>/timeouts", Permission.VIEW)
def show_timeouts(call: AppCall) -> Answer:
    return _with_usual(call, _timeouts(call.parts, call.app.id))


@routes("PATCH", "/apps/<app>/timeouts", Permission.MANAGE)
def set_timeouts(call: AppCall) -> Answer:
    """What is in the body changes; null makes it the usual one."""
    wanted = _changed(call.body, _timeouts(call.parts, call.app.id))
    call.parts.router.gate.set_timeouts(call.app.id, TrafficTimeouts(wanted["idle_s"], wanted["tunnel_s"]))
    return _with_usual(call, wanted)


def _with_usual(call: AppCall, own: Mapping[str, int | None]) -> Answer:
    """Where `own` is null, `usual` holds, as for every app."""
    idle_s, tunnel_s = call.parts.router.gate.usual_timeouts_s
    return Answer({**own, "usual": {"idle_s": idle_s, "tunnel_s": tunnel_s}})


def _limits(parts: WebParts, app_id: AppId) -> dict[str, int | None]:
    """null: no limit."""
    limits = parts.router.gate.limits(app_id)
    return {"requests_per_second": limits.requests_per_s, "connections": limits.connections}


def _timeouts(parts: WebParts, app_id: AppId) -> dict[str, int | None]:
    timeouts = parts.router.gate.timeouts(app_id)
    return {"idle_s": timeouts.idle_s, "tunnel_s": timeouts.tunnel_s}


def _changed(body: Body, before: Mapping[str, int | None]) -> dict[str, int | None]:
    return {name: body.number(name) if name in body.values else value for name, value in before.items()}
