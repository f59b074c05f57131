"""Certificates, as Heroku's SNI endpoints, and what an app wants of HTTPS (Portside's own)."""

from __future__ import annotations

from accounts import Permission
from core import clock
from router import Https, StoredCertificate
from web.api import ranges
from web.api.routing import Answer, AppCall, Routes, listed
from web.api.shapes import Json

routes = Routes()
_KEYS: ranges.Keys[StoredCertificate] = {"name": lambda record: record.name, "id": lambda record: record.id}


@routes("GET", "/apps/<app>/sni-endpoints", Permission.VIEW)
def list_certificates(call: AppCall) -> Answer:
    page = call.page(call.parts.router.certificates.all(call.app.id), _KEYS)
    return listed(page, [_shape(call, record) for record in page.items], _KEYS)


@routes("GET", "/apps/<app>/sni-endpoints/<name>", Permission.VIEW)
def show_certificate(call: AppCall, name: str) -> Answer:
    return Answer(_shape(call, call.parts.router.certificates.one(call.app.id, name)))


@routes("POST", "/apps/<app>/sni-endpoints", Permission.MANAGE)
def add_certificate(call: AppCall) -> Answer:
    chain, key = call.body.needed_text("certificate_chain"), call.body.needed_text("private_key")
    return Answer(_shape(call, call.parts.router.certificates.add(call.app.id, chain, key)), 201)


@routes("PATCH", "/apps/<app>/sni-endpoints/<name>", Permission.MANAGE)
def update_certificate(call: AppCall, name: str) -> Answer:
    chain, key = call.body.needed_text("certificate_chain"), call.body.needed_text("private_key")
    return Answer(_shape(call, call.parts.router.certificates.update(call.app.id, name, chain, key)))


@routes("DELETE", "/apps/<app>/sni-endpoints/<name>", Permission.MANAGE)
def remove_certificate(call: AppCall, name: str) -> Answer:
    record = call.parts.router.certificates.one(call.app.id, name)
    call.parts.router.certificates.remove(call.app.id, record.name)
    return Answer(_shape(call, record))


@routes("GET", "/apps/<app>/https", Permission.VIEW)
def show_https(call: AppCall) -> Answer:
    return Answer(_https(call.parts.router.certificates.https(call.app.id)))


@routes("PATCH", "/apps/<app>/https", Permission.MANAGE)
def set_https(call: AppCall) -> Answer:
    redirect = call.body.wish("redirect")
    wanted = call.parts.router.certificates.set_https(call.app.id, redirect=redirect, hsts_s=call.body.number("hsts_s"))
    return Answer(_https(wanted))


def _https(record: Https) -> Json:
    return {"redirect": record.redirect, "hsts_s": record.hsts_s}


def _shape(call: AppCall, record: StoredCertificate) -> Json:
    """`hosts` is Portside's own: the app's domains at which it is shown. The key is never given."""
    ids = {domain.host: domain.id for domain in call.parts.router.domains(call.app.id) if not domain.path}
    return {
        "id": record.id,
        "name": record.name,
        "display_name": None,
        "app": {"id": call.app.id, "name": call.app.name},
        "certificate_chain": record.chain,
        "cname": None,
        "domains": [ids[host] for host in record.hosts if host in ids],
        "hosts": list(record.hosts),
        "ssl_cert": {
            "acm": record.automatic,
            "ca_signed?": not record.self_signed,
            "cert_domains": list(record.names),
            "expires_at": clock.iso(record.expires_at),
            "id": record.id,
            "issuer": record.issuer,
            "self_signed?": record.self_signed,
            "starts_at": clock.iso(record.starts_at),
            "subject": record.subject,
        },
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.updated_at),
    }
