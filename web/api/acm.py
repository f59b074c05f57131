"""Automatic certificates: Heroku's switch, and (Portside's own) how each host stands."""

from __future__ import annotations

from accounts import Permission
from core import clock
from router import HostCertificate, HostState
from web.api import apps
from web.api.routing import Answer, AppCall, Routes
from web.api.shapes import Json

routes = Routes()

_STATUS: dict[HostState, str | None] = {
    HostState.PENDING: "pending",
    HostState.ISSUED: "cert issued",
    HostState.FAILING: "failing",
    HostState.EXCLUDED: "failed",
    HostState.OWN: None,
}
"""As Heroku names them in `acm_status`."""


@routes("GET", "/apps/<app>/acm", Permission.VIEW)
def show(call: AppCall) -> Answer:
    automatic = call.parts.router.automatic
    hosts = [_host(each) for each in automatic.hosts(call.app.id)]
    return Answer({"enabled": automatic.is_on(call.app.id), "hosts": hosts})


@routes("POST", "/apps/<app>/acm", Permission.MANAGE)
def enable(call: AppCall) -> Answer:
    call.parts.router.automatic.enable(call.app.id)
    return Answer(apps.shape_of(call, call.app), 201)


@routes("DELETE", "/apps/<app>/acm", Permission.MANAGE)
def disable(call: AppCall) -> Answer:
    call.parts.router.automatic.disable(call.app.id)
    return Answer(apps.shape_of(call, call.app))


@routes("PATCH", "/apps/<app>/acm", Permission.MANAGE)
def refresh(call: AppCall) -> Answer:
    """Try now what has failed."""
    call.parts.router.automatic.refresh(call.app.id)
    return Answer(apps.shape_of(call, call.app), 202)


def domain_fields(record: HostCertificate | None) -> Json:
    """What a domain tells of it."""
    status = None if record is None else _STATUS[record.state]
    return {"acm_status": status, "acm_status_reason": (record.reason or None) if record and status else None}


def _host(record: HostCertificate) -> Json:
    return {
        "hostname": record.host,
        "state": record.state,
        "reason": record.reason or None,
        "next_at": None if record.next_at is None else clock.iso(record.next_at),
        "certificate": record.certificate,
        "expires_at": None if record.expires_at is None else clock.iso(record.expires_at),
    }
