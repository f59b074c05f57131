"""The blueprint: every page under one roof, closed unless it says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import Identity
from core import clock
from web.pages import csrf, errors, headers, times
from web.pages.access import Access
from web.pages.app_logs import AppLogPages
from web.pages.automatic import AutomaticPages
from web.pages.checks import CheckPages
from web.pages.config import ConfigPages
from web.pages.create import CreatePages
from web.pages.domains import DomainPages
from web.pages.gate import GatePages
from web.pages.home import HomePage
from web.pages.https import HttpsPages
from web.pages.maintenance import MaintenancePages
from web.pages.overview import OverviewPages
from web.pages.processes import ProcessPages
from web.pages.proxies import ProxyPages
from web.pages.pushes import PushPages
from web.pages.releases import ReleasePages
from web.pages.rollback import RollbackPages
from web.pages.runs import RunPages
from web.pages.session import Sessions
from web.pages.sign_in import SignInPages
from web.pages.traffic import TrafficPages
from web.parts import WebParts

_WEB: Final = Path(__file__).parent.parent
OPEN: Final = frozenset({"pages.sign_in", "pages.sign_in_sent", "pages.static", "pages.nothing_here"})
"""The endpoints that answer without a session; all others lead to the sign-in."""


def blueprint(parts: WebParts) -> Blueprint:
    """Every page of the dashboard, with its files under `/static/`. Register it without a prefix."""
    pages = Blueprint(
        "pages", __name__, template_folder=_WEB / "templates", static_folder=_WEB / "static", static_url_path="/static"
    )
    sessions = Sessions(parts.accounts, parts.settings.public_url)
    _guard(pages, sessions)
    _dress(pages, sessions)
    _add_pages(pages, parts, sessions)
    errors.register(pages)
    pages.add_url_rule("/dashboard/<path:rest>", "nothing_here", errors.nothing_here, methods=["GET", "POST"])
    return pages


def _add_pages(pages: Blueprint, parts: WebParts, sessions: Sessions) -> None:
    accounts, releases, scheduler, pushes = parts.accounts, parts.releases, parts.scheduler, parts.pushes
    access = Access(accounts, releases, sessions)
    domains, traffic = DomainPages(parts, access), TrafficPages(parts.router, access)
    for group in (
        SignInPages(accounts, sessions),
        HomePage(parts, access),
        CreatePages(parts, access),
        OverviewPages(parts, access),
        ReleasePages(releases, parts.logs, access),
        RollbackPages(releases, access),
        PushPages(pushes, parts.repositories, parts.logs, access),
        AppLogPages(scheduler, access),
        ProcessPages(scheduler, parts.resizing, access),
        RunPages(scheduler, access),
        ConfigPages(releases, access),
        domains,
        HttpsPages(parts.router, access, domains.page),
        AutomaticPages(parts.router, access, domains.page),
        traffic,
        GatePages(parts.router, access, traffic.page),
        ProxyPages(parts.router, access, traffic.page),
        MaintenancePages(parts.router, access, traffic.page),
        CheckPages(parts, access),
    ):
        group.add_to(pages)


def _guard(pages: Blueprint, sessions: Sessions) -> None:
    """Before every page: forms are ours, and people have signed in."""

    def guard() -> AnyResponse | None:
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            csrf.check(sessions.form_secret(), sessions.own_hosts())
        if request.endpoint in OPEN or sessions.current() is not None:
            return None
        return _to_sign_in()

    pages.before_request(guard)
    pages.after_request(sessions.remember_visit)
    pages.after_request(headers.secure)


def _to_sign_in() -> AnyResponse:
    if "HX-Request" in request.headers:  # a part of an open page asks: have htmx load the whole page again
        return make_response("", 401, {"HX-Refresh": "true"})
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("pages.sign_in", next=here if here != "/" else None), 303)


def _dress(pages: Blueprint, sessions: Sessions) -> None:
    """What every template may use."""

    def known() -> dict[str, Any]:
        session = sessions.current()
        who: Identity | None = session.identity if session else None
        return {"who": who, "csrf_field": csrf.FIELD, "csrf_token": lambda: csrf.token_for(sessions.form_secret())}

    pages.context_processor(known)
    pages.add_app_template_filter(times.ago, "ago")
    pages.add_app_template_filter(times.exact, "exact")
    pages.add_app_template_filter(clock.iso, "iso")


__all__ = ["OPEN", "blueprint"]
