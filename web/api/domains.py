"""The host names of an app."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from accounts import Permission
from core.errors import Unavailable
from core.ids import AppId
from router import Domain, HostCertificate, StoredCertificate
from web.api import acm, ranges, shapes
from web.api.routing import Answer, AppCall, Routes, listed

routes = Routes()
_KEYS: ranges.Keys[Domain] = {"hostname": lambda record: record.name, "id": lambda record: record.id}


@routes("GET", "/apps/<app>/domains", Permission.VIEW)
def list_domains(call: AppCall) -> Answer:
    page = call.page(call.parts.router.domains(call.app.id), _KEYS)
    certificates = call.parts.router.certificates.all(call.app.id)
    standing = call.parts.router.automatic.hosts(call.app.id)
    return listed(page, [_shape(call, record, certificates, standing) for record in page.items], _KEYS)


@routes("GET", "/apps/<app>/domains/<path:domain>", Permission.VIEW)
def show_domain(call: AppCall, domain: str) -> Answer:
    record = call.parts.router.domain(call.app.id, domain)
    try:
        routed = call.parts.router.is_routed(record.name)
    except Unavailable:
        routed = False
    return Answer(_shape(call, record) | ({} if routed else {"status": "pending"}))


@routes("POST", "/apps/<app>/domains", Permission.MANAGE)
def add_domain(call: AppCall) -> Answer:
    """`redirect_to`, `strip_path` and a path behind the `hostname` are Portside's own; `sni_endpoint` is not looked at:
    the right certificate follows from the name."""

    def manages(other: AppId) -> bool:
        return Permission.MANAGE in call.parts.accounts.permissions(call.identity, other)

    hostname, target = call.body.needed_text("hostname"), call.body.text("redirect_to")
    record = call.parts.router.add_domain(call.app.id, hostname, target, manages, call.body.flag("strip_path"))
    return Answer(_shape(call, record), 201)


@routes("DELETE", "/apps/<app>/domains/<path:domain>", Permission.MANAGE)
def remove_domain(call: AppCall, domain: str) -> Answer:
    record = call.parts.router.domain(call.app.id, domain)
    call.parts.router.remove_domain(call.app.id, record.name)
    return Answer(_shape(call, record))


def _shape(
    call: AppCall,
    record: Domain,
    certificates: Sequence[StoredCertificate] | None = None,
    standing: Sequence[HostCertificate] | None = None,
) -> shapes.Json:
    own_host = urlsplit(call.parts.router.url(call.app.id)).hostname or ""
    found = call.parts.router.certificates.all(call.app.id) if certificates is None else certificates
    shown = next((each for each in found if not record.path and record.host in each.hosts), None)
    endpoint = {"id": shown.id, "name": shown.name} if shown else None
    hosts = call.parts.router.automatic.hosts(call.app.id) if standing is None else standing
    told = next((each for each in hosts if each.host == record.host), None)
    return shapes.domain(record, call.app, own_host) | {"sni_endpoint": endpoint} | acm.domain_fields(told)
