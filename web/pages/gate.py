"""Who gets to an app and how much: networks, users with passwords, limits and timeouts, on the page of its traffic."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import UserError
from core.ids import AppId
from releases import App
from router import AccessRule, Login, Router, TrafficLimits, TrafficTimeouts, Verdict
from web.pages import forms
from web.pages.access import Access

DONE: Final = {
    "rules": "Saved: it holds for new requests.",
    "rule-removed": "The rule is removed.",
    "open": "The rule is removed. It was the last one that allowed: every address that is not denied gets in now.",
    "user": "Saved. The app is for its users only.",
    "user-removed": "The user is removed.",
    "no-password": "The user is removed. It was the last one: the app asks for no password any more.",
    "limits": "Saved: the limits hold from now on.",
    "timeouts": "Saved: the timeouts hold for new requests.",
}
_BETWEEN: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class GateSeen:
    """`usual_idle_s` and `usual_tunnel_s` hold where the app has none of its own."""

    rules: tuple[AccessRule, ...]
    logins: tuple[Login, ...]
    limits: TrafficLimits
    timeouts: TrafficTimeouts
    usual_idle_s: float
    usual_tunnel_s: float

    @property
    def only_allowed(self) -> bool:
        return any(rule.verdict is Verdict.ALLOW for rule in self.rules)

    @property
    def limits_in_words(self) -> str:
        told = []
        if self.limits.requests_per_s is not None:
            told.append(f"{self.limits.requests_per_s:,} requests a second for each client")
        if self.limits.connections is not None:
            told.append(f"{self.limits.connections:,} at once, of all clients")
        return "; ".join(told)

    @property
    def timeouts_in_words(self) -> str:
        idle_s = self.timeouts.idle_s or self.usual_idle_s
        tunnel_s = self.timeouts.tunnel_s or self.usual_tunnel_s
        return f"{idle_s:,.0f} s without a byte, {tunnel_s:,.0f} s for a silent WebSocket"


def seen(router: Router, app_id: AppId) -> GateSeen:
    gate = router.gate
    rules, logins = tuple(gate.rules(app_id)), tuple(gate.logins(app_id))
    return GateSeen(rules, logins, gate.limits(app_id), gate.timeouts(app_id), *gate.usual_timeouts_s)


def networks_in(text: str) -> list[str]:
    """What was typed, apart at blanks, commas and line ends. Raises UserError when that is nothing."""
    found = [word for word in _BETWEEN.split(text) if word]
    if not found:
        raise UserError("No address was given.", "Give one such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32.")
    return found


class GatePages:
    """`page`: the page of the traffic, with an error."""

    def __init__(self, router: Router, access: Access, page: Callable[[App, UserError], str]) -> None:
        self._router = router
        self._access = access
        self._page = page

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>"
        for path, endpoint, view in (
            ("access-rules", "access_rules_sent", self.add_rules),
            ("access-rules/<rule>/remove", "access_rule_remove_sent", self.remove_rule),
            ("basic-auth", "login_sent", self.set_login),
            ("basic-auth/remove", "login_remove_sent", self.remove_login),
            ("limits", "limits_sent", self.set_limits),
            ("timeouts", "timeouts_sent", self.set_timeouts),
        ):
            blueprint.add_url_rule(f"{base}/{path}", endpoint, view, methods=["POST"])

    def add_rules(self, name: str) -> Response:
        def act(app: App) -> str:
            verdict = Verdict.DENY if forms.field("verdict") == Verdict.DENY else Verdict.ALLOW
            self._router.gate.add_rules(app.id, verdict, networks_in(forms.field("networks")))
            return "rules"

        return self._carry_out(name, act)

    def remove_rule(self, name: str, rule: str) -> Response:
        def act(app: App) -> str:
            removed = self._router.gate.remove_rule(app.id, rule)
            was_last = removed.verdict is Verdict.ALLOW and not any(
                one.verdict is Verdict.ALLOW for one in self._router.gate.rules(app.id)
            )
            return "open" if was_last else "rule-removed"

        return self._carry_out(name, act)

    def set_login(self, name: str) -> Response:
        def act(app: App) -> str:
            self._router.gate.set_login(app.id, forms.field("user"), forms.secret("password"))
            return "user"

        return self._carry_out(name, act)

    def remove_login(self, name: str) -> Response:
        def act(app: App) -> str:
            self._router.gate.remove_login(app.id, forms.field("user"))
            return "user-removed" if self._router.gate.logins(app.id) else "no-password"

        return self._carry_out(name, act)

    def set_limits(self, name: str) -> Response:
        def act(app: App) -> str:
            rate = forms.number("requests_per_s", "number of requests")
            self._router.gate.set_limits(app.id, TrafficLimits(rate, forms.number("connections", "number")))
            return "limits"

        return self._carry_out(name, act)

    def set_timeouts(self, name: str) -> Response:
        def act(app: App) -> str:
            idle_s, tunnel_s = (forms.number(field, "number of seconds") for field in ("idle_s", "tunnel_s"))
            self._router.gate.set_timeouts(app.id, TrafficTimeouts(idle_s, tunnel_s))
            return "timeouts"

        return self._carry_out(name, act)

    def _carry_out(self, name: str, act: Callable[[App], str]) -> Response:
        """For those who manage the app: change it, and say on its page what was done."""
        app = self._access.app(name, Permission.MANAGE)
        return forms.carry_out(
            lambda: url_for("pages.traffic", name=app.name, done=act(app)), lambda error: self._page(app, error)
        )
