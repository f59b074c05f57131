"""Who gets to an app and how much, in words: read only, on the page of its domains."""

from __future__ import annotations

from dataclasses import dataclass

from core.ids import AppId
from router import Router, Verdict


@dataclass(frozen=True)
class GateSeen:
    """Empty where nothing is set. `limits`: each in words."""

    allowed: tuple[str, ...]
    denied: tuple[str, ...]
    logins: tuple[str, ...]
    limits: tuple[str, ...]
    timeouts: str


def seen(router: Router, app_id: AppId) -> GateSeen:
    gate = router.gate
    rules, limits, timeouts = gate.rules(app_id), gate.limits(app_id), gate.timeouts(app_id)
    usual_idle_s, usual_tunnel_s = gate.usual_timeouts_s
    told = []
    if limits.requests_per_s is not None:
        told.append(f"{limits.requests_per_s:,} requests a second for each client")
    if limits.connections is not None:
        told.append(f"{limits.connections:,} at once, of all clients")
    idle_s, tunnel_s = timeouts.idle_s or usual_idle_s, timeouts.tunnel_s or usual_tunnel_s
    return GateSeen(
        allowed=tuple(rule.network for rule in rules if rule.verdict is Verdict.ALLOW),
        denied=tuple(rule.network for rule in rules if rule.verdict is Verdict.DENY),
        logins=tuple(login.name for login in gate.logins(app_id)),
        limits=tuple(told),
        timeouts=f"{idle_s:,.0f} s without a byte, {tunnel_s:,.0f} s for a silent WebSocket",
    )
