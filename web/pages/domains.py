"""An app's domains, on a page that also has what belongs to them: see `https` and `automatic`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core import clock
from core.errors import Unavailable, UserError
from core.ids import AppId
from releases import App
from router import Domain, DomainKind, Router, StoredCertificate
from web.pages import automatic, forms, https, states
from web.pages.access import Access
from web.pages.states import Badge
from web.parts import WebParts

_ADDRESS: Final = "Put the server's public IPv4 address there; AAAA is for IPv6."
_DONE: Final = {
    "added": "The domain is added. Point its DNS to the server if it does not yet.",
    "removed": "The domain is removed.",
    **https.DONE,
    **automatic.DONE,
}


@dataclass(frozen=True)
class DomainLine:
    """One host name, or a path on one. `record`: what DNS needs for it, empty where nothing is needed; `note` says
    more on it. `leads`: where it leads, in words."""

    id: str
    name: str
    leads: str
    is_own: bool
    can_be_aim: bool
    badge: Badge
    certificate: str
    record: str
    note: str


def domain_line(domain: Domain, own: str, routed: bool | None, certificates: Sequence[StoredCertificate]) -> DomainLine:
    """`own`: the app's host by its name. `routed` None: the router does not answer."""
    is_own = domain.kind is DomainKind.PLATFORM
    record, note = ("", "") if is_own or domain.path else dns_record(domain.host, own)
    shown = next((each.name for each in certificates if not domain.path and domain.host in each.hosts), "")
    aim = not domain.redirect_to and not domain.path and not domain.host.startswith("*.")
    badge = states.of_route(routed)
    return DomainLine(domain.id, domain.name, _leads(domain), is_own, aim, badge, shown, record, note)


def _leads(domain: Domain) -> str:
    if domain.redirect_to:
        return f"redirects to {domain.redirect_to}"
    if domain.path:
        return "leads to the app, which " + ("does not see the path" if domain.strips else "sees the whole path")
    return "from the app's name" if domain.kind is DomainKind.PLATFORM else "leads to the app"


def dns_record(host: str, own: str) -> tuple[str, str]:
    """The DNS record that leads `host` here, and what to know of it.

    A name of two labels is taken for the top of its zone, where no CNAME can be (RFC 1034, section 3.6.2).
    """
    if own.endswith(".localhost"):
        return f"{host}. A SERVER-ADDRESS", _ADDRESS
    if host.count(".") == 1:
        return f"{host}. A SERVER-ADDRESS", f"{_ADDRESS} Or an ALIAS record to {own}, where your DNS has those."
    return f"{host}. CNAME {own}.", ""


class DomainPages:
    def __init__(self, parts: WebParts, access: Access) -> None:
        self._parts = parts
        self._access = access

    @property
    def _router(self) -> Router:
        return self._parts.router

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/domains"
        blueprint.add_url_rule(base, "domains", self.show, methods=["GET"])
        blueprint.add_url_rule(f"{base}/now", "domains_now", self.now)
        blueprint.add_url_rule(base, "domain_sent", self.add, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<domain>/remove", "domain_remove_sent", self.remove, methods=["POST"])

    def show(self, name: str) -> str:
        return self.page(self._access.app(name))

    def now(self, name: str) -> str:
        """The domains, of which some are not routed yet."""
        app = self._access.app(name)
        return render_template(
            "_domains.html", app=app, domains=self._domains(app), may_manage=self._access.may_manage(app)
        )

    def add(self, name: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def manages(other: AppId) -> bool:
            return Permission.MANAGE in self._parts.accounts.permissions(self._access.identity(), other)

        def act() -> str:
            aim, strip = forms.field("redirect_to") or None, request.form.get("strip_path") == "1"
            self._router.add_domain(app.id, forms.field("host"), aim, manages, strip)
            return self._back(app, "added")

        return self._carry_out(app, act)

    def remove(self, name: str, domain: str) -> Response:
        app = self._access.app(name, Permission.MANAGE)

        def act() -> str:
            self._router.remove_domain(app.id, self._router.domain(app.id, domain).name)
            return self._back(app, "removed")

        return self._carry_out(app, act)

    def _carry_out(self, app: App, act: forms.Act) -> Response:
        return forms.carry_out(act, lambda error: self.page(app, error))

    def _back(self, app: App, done: str) -> str:
        return url_for("pages.domains", name=app.name, done=done)

    def page(self, app: App, error: UserError | None = None) -> str:
        """With what was typed, when it was wrong; but never with a key."""
        return render_template(
            "domains.html",
            app=app,
            error=error,
            done="" if error else forms.said(_DONE),
            typed={name: forms.field(name) if error else "" for name in ("host", "redirect_to", "chain", "replaces")},
            domains=self._domains(app),
            automatic=automatic.standing(self._router, app.id),
            https=https.seen(self._router, app.id, clock.now()),
            may_manage=self._access.may_manage(app),
        )

    def _domains(self, app: App) -> list[DomainLine]:
        own = urlsplit(self._router.url(app.id)).hostname or ""
        certificates = self._router.certificates.all(app.id)
        found = self._router.domains(app.id)
        return [domain_line(one, own, self._is_routed(one.name), certificates) for one in found]

    def _is_routed(self, name: str) -> bool | None:
        try:
            return self._router.is_routed(name)
        except Unavailable:
            return None
