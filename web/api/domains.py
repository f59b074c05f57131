"""The host names of an app."""

from __future__ import annotations

from urllib.parse import urlsplit

from accounts import Permission
from core.errors import Unavailable, UserError
from core.ids import AppId
from router import Domain
from web.api import ranges, shapes
from web.api.routing import Answer, AppCall, Routes, listed

routes = Routes()
_KEYS: ranges.Keys[Domain] = {"hostname": lambda record: record.host, "id": lambda record: record.id}


@routes("GET", "/apps/<app>/domains", Permission.VIEW)
def list_domains(call: AppCall) -> Answer:
    page = call.page(call.parts.router.domains(call.app.id), _KEYS)
    return listed(page, [_shape(call, record) for record in page.items], _KEYS)


@routes("GET", "/apps/<app>/domains/<domain>", Permission.VIEW)
def show_domain(call: AppCall, domain: str) -> Answer:
    record = call.parts.router.domain(call.app.id, domain)
    try:
        routed = call.parts.router.is_routed(record.host)
    except Unavailable:
        routed = False
    return Answer(_shape(call, record) | ({} if routed else {"status": "pending"}))


@routes("POST", "/apps/<app>/domains", Permission.MANAGE)
def add_domain(call: AppCall) -> Answer:
    """`redirect_to` is Portside's own."""
    if call.body.text("sni_endpoint") is not None:
        raise UserError("There are no SNI endpoints here.", "Leave sni_endpoint out.")

    def manages(other: AppId) -> bool:
        return Permission.MANAGE in call.parts.accounts.permissions(call.identity, other)

    hostname, target = call.body.needed_text("hostname"), call.body.text("redirect_to")
    record = call.parts.router.add_domain(call.app.id, hostname, target, manages)
    return Answer(_shape(call, record), 201)


@routes("DELETE", "/apps/<app>/domains/<domain>", Permission.MANAGE)
def remove_domain(call: AppCall, domain: str) -> Answer:
    record = call.parts.router.domain(call.app.id, domain)
    call.parts.router.remove_domain(call.app.id, record.host)
    return Answer(_shape(call, record))


def _shape(call: AppCall, record: Domain) -> shapes.Json:
    return shapes.domain(record, call.app, urlsplit(call.parts.router.url(call.app.id)).hostname or "")
