"""Bake windows: whether new releases of an app are on trial, and how the newest fares. Portside's own endpoint."""

from __future__ import annotations

from accounts import Permission
from core.errors import UserError
from releases import BakePolicy
from web.api import bake_shapes
from web.api.body import Body
from web.api.routing import Answer, AppCall, Routes

routes = Routes()
_PATH = "/apps/<app>/bake"


@routes("GET", _PATH, Permission.VIEW)
def show(call: AppCall) -> Answer:
    """The policy (null: there is none), and the trial of the newest release that had one."""
    return Answer(_shape(call))


@routes("PUT", _PATH, Permission.DEPLOY)
def choose(call: AppCall) -> Answer:
    """`minutes`, `errors_percent`, `p95_factor`, `least_requests`; a bound that is null or absent is not looked at."""
    given = call.body
    policy = BakePolicy(
        minutes=_or(given.number("minutes"), BakePolicy.minutes),
        errors_percent=_decimal(given, "errors_percent"),
        p95_factor=_decimal(given, "p95_factor"),
        least_requests=_or(given.number("least_requests"), BakePolicy.least_requests),
    )
    call.parts.releases.bakes.set(call.app.id, policy)
    return Answer(_shape(call))


@routes("DELETE", _PATH, Permission.DEPLOY)
def end(call: AppCall) -> Answer:
    """No more trials; one that is under way ends."""
    call.parts.releases.bakes.unset(call.app.id)
    return Answer(_shape(call))


def _shape(call: AppCall) -> dict[str, object]:
    bakes = call.parts.releases.bakes
    policy, newest = bakes.policy(call.app.id), bakes.newest(call.app.id)
    release = None if newest is None else call.parts.releases.release(call.app.id, newest.release_id)
    return {
        "policy": None if policy is None else bake_shapes.policy(policy),
        "release": None if release is None else {"id": release.id, "version": release.version},
        "trial": None if newest is None else bake_shapes.bake(newest),
    }


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _decimal(body: Body, name: str) -> float | None:
    value = body.values.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise UserError(f"The field {name} must be a number.", 'For example: {"errors_percent": 5, "p95_factor": 2}')
    return None if value is None else float(value)
