"""Certificates, redirect and HSTS: the rest of the page of an app's domains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import UserError
from core.ids import AppId
from releases import App
from router import Https, Router, StoredCertificate
from web.pages import forms
from web.pages.access import Access
from web.pages.states import Badge, Tone

SOON: Final = timedelta(days=30)
HSTS: Final = ((0, "off"), (3600, "an hour, to try it"), (2_592_000, "30 days"), (31_536_000, "a year"))
DONE: Final = {
    "certificate": "The certificate is added, and shown at the domains that it covers.",
    "replaced": "The certificate is replaced, and shown at the domains that it covers.",
    "forgotten": "The certificate is removed.",
    "https": "Saved.",
}


@dataclass(frozen=True)
class CertificateLine:
    """One certificate. `warning`: it has expired, or soon will."""

    name: str
    names: tuple[str, ...]
    hosts: tuple[str, ...]
    issuer: str
    expires_at: datetime
    badge: Badge
    is_automatic: bool


@dataclass(frozen=True)
class Seen:
    """What the page shows. `hsts`: what can be chosen, with what is chosen now among it."""

    certificates: list[CertificateLine]
    wanted: Https
    hsts: tuple[tuple[int, str], ...]


def seen(router: Router, app_id: AppId, now: datetime) -> Seen:
    wanted = router.certificates.https(app_id)
    known = {seconds for seconds, _ in HSTS}
    more = () if wanted.hsts_s in known else ((wanted.hsts_s, f"{wanted.hsts_s:,} s"),)
    certificates = [certificate_line(one, now) for one in router.certificates.all(app_id)]
    return Seen(certificates, wanted, (*HSTS, *more))


def certificate_line(certificate: StoredCertificate, now: datetime) -> CertificateLine:
    left = certificate.expires_at - now
    if left <= timedelta():
        badge = Badge("Expired", Tone.BAD)
    elif left < SOON:
        badge = Badge(f"Expires in {left.days} day{'' if left.days == 1 else 's'}", Tone.BUSY)
    else:
        badge = Badge("Valid", Tone.OK)
    issuer = "itself" if certificate.self_signed else certificate.issuer
    return CertificateLine(
        name=certificate.name,
        names=certificate.names,
        hosts=certificate.hosts,
        issuer=issuer,
        expires_at=certificate.expires_at,
        badge=badge,
        is_automatic=certificate.automatic,
    )


class HttpsPages:
    """`page`: the page of the domains, with an error."""

    def __init__(self, router: Router, access: Access, page: Callable[[App, UserError], str]) -> None:
        self._router = router
        self._access = access
        self._page = page

    def add_to(self, blueprint: Blueprint) -> None:
        certificates = "/dashboard/apps/<name>/certificates"
        blueprint.add_url_rule(certificates, "certificate_sent", self.add_certificate, methods=["POST"])
        url = f"{certificates}/<certificate>/remove"
        blueprint.add_url_rule(url, "certificate_remove_sent", self.remove_certificate, methods=["POST"])
        blueprint.add_url_rule("/dashboard/apps/<name>/https", "https_sent", self.set_https, methods=["POST"])

    def add_certificate(self, name: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            pair = forms.field("chain") + "\n", forms.field("private_key") + "\n"
            if replaced := forms.field("replaces"):
                self._router.certificates.update(app.id, replaced, *pair)
                return self._back(app, "replaced")
            self._router.certificates.add(app.id, *pair)
            return self._back(app, "certificate")

        return self._carry_out(app, act)

    def remove_certificate(self, name: str, certificate: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            self._router.certificates.remove(app.id, certificate)
            return self._back(app, "forgotten")

        return self._carry_out(app, act)

    def set_https(self, name: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            redirect = request.form.get("redirect") == "1"
            hsts_s = forms.number("hsts_s", "number of seconds") or 0
            self._router.certificates.set_https(app.id, redirect=redirect, hsts_s=hsts_s)
            return self._back(app, "https")

        return self._carry_out(app, act)

    def _carry_out(self, app: App, act: forms.Act) -> Response:
        return forms.carry_out(act, lambda error: self._page(app, error))

    def _back(self, app: App, done: str) -> str:
        return url_for("pages.domains", name=app.name, done=done)
