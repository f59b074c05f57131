"""Health checks of an app: what is in force, and what is set beside app.json. Portside's own endpoints."""

from __future__ import annotations

from accounts import Permission
from scheduler import SizeChange, check_kind, checks_in_force, parse_check
from web.api import shapes
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("GET", "/apps/<app>/checks", Permission.VIEW)
def list_checks(call: AppCall) -> Answer:
    """What is in force for each process type, and where it comes from: app.json, set, or default."""
    spec = call.parts.scheduler.current(call.app.id)
    return Answer([shapes.check(one) for one in checks_in_force(spec)] if spec else [])


@routes("PUT", "/apps/<app>/checks/<kind>", Permission.DEPLOY)
def set_check(call: AppCall, kind: str) -> Answer:
    """A check with the keys of app.json's `healthchecks`, in the place of those of its `type`. It is kept only if
    instances start with it: `change` tells how that goes (null: it is so already)."""
    check = parse_check(call.body.values)
    return _answer(call, call.parts.resizing.set_check(call.app.id, kind, check, call.identity.email))


@routes("DELETE", "/apps/<app>/checks/<kind>", Permission.DEPLOY)
@routes("DELETE", "/apps/<app>/checks/<kind>/<only>", Permission.DEPLOY)
def unset_checks(call: AppCall, kind: str, only: str = "") -> Answer:
    """Take back what was set for a process type, or `only` its startup, readiness or liveness check."""
    change = call.parts.resizing.unset_checks(call.app.id, kind, check_kind(only), call.identity.email)
    return _answer(call, change)


def _answer(call: AppCall, change: SizeChange | None) -> Answer:
    return Answer({"change": None if change is None else shapes.size_change(change, call.links)})
