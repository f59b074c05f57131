"""The host names of an app."""

from __future__ import annotations

from urllib.parse import urlsplit

from accounts import Permission
from core.errors import NotFound, UserError
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
    return Answer(_shape(call, _domain(call, domain)))


@routes("POST", "/apps/<app>/domains", Permission.MANAGE)
def add_domain(call: AppCall) -> Answer:
    if call.body.text("sni_endpoint") is not None:
        raise UserError("There are no SNI endpoints here.", "Leave sni_endpoint out.")
    record = call.parts.router.add_domain(call.app.id, call.body.needed_text("hostname"))
    return Answer(_shape(call, record), 201)


@routes("DELETE", "/apps/<app>/domains/<domain>", Permission.MANAGE)
def remove_domain(call: AppCall, domain: str) -> Answer:
    record = _domain(call, domain)
    call.parts.router.remove_domain(call.app.id, record.host)
    return Answer(_shape(call, record))


def _domain(call: AppCall, wanted: str) -> Domain:
    """By host name or id."""
    for record in call.parts.router.domains(call.app.id):
        if wanted.lower().rstrip(".") == record.host or wanted == record.id:
            return record
    raise NotFound(f"This app has no domain {wanted}.", "See: portside domains")


def _shape(call: AppCall, record: Domain) -> shapes.Json:
    return shapes.domain(record, call.app, urlsplit(call.parts.router.url(call.app.id)).hostname or "")
