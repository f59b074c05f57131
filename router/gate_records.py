"""The records of who gets to an app and how much, and HAProxy's maps of them. In a session that the caller holds."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from router import networks, proxies
from router.front_plan import FrontMap
from router.gate_types import AccessRule, Login, TrafficLimits, TrafficTimeouts, Verdict
from router.logins import Hash
from router.options import Admits, Options, encoded
from router.tables import AccessRuleRow, LimitsRow, LoginRow

Entries = Mapping[str, str]


def rules(session: Session, app_id: str) -> list[AccessRuleRow]:
    """The app's rules of access: the allowed first, each by network."""
    found = session.scalars(select(AccessRuleRow).where(AccessRuleRow.app_id == app_id))
    return sorted(found, key=lambda row: (row.verdict, ipaddress.ip_network(row.network).version, row.network))


def logins(session: Session, app_id: str) -> list[LoginRow]:
    """Those who may use the app by a password, by name."""
    return list(session.scalars(select(LoginRow).where(LoginRow.app_id == app_id).order_by(LoginRow.name)))


def limits_row(session: Session, app_id: str) -> LimitsRow:
    """The app's row, made on first use."""
    row = session.get(LimitsRow, app_id)
    if row is None:
        row = LimitsRow(app_id=app_id, requests_per_s=None, connections=None, idle_s=None, tunnel_s=None)
        session.add(row)
    return row


def limits_of(row: LimitsRow | None) -> TrafficLimits:
    return TrafficLimits() if row is None else TrafficLimits(row.requests_per_s, row.connections)


def timeouts_of(row: LimitsRow | None) -> TrafficTimeouts:
    return TrafficTimeouts() if row is None else TrafficTimeouts(row.idle_s, row.tunnel_s)


def rule_of(row: AccessRuleRow) -> AccessRule:
    return AccessRule(row.id, row.network, Verdict(row.verdict), row.created_at)


def login_of(row: LoginRow) -> Login:
    return Login(row.name, row.created_at, row.updated_at)


def forget(session: Session, app_id: str) -> bool:
    """Drop all of the app; whether there was anything."""
    tables = (AccessRuleRow, LoginRow, LimitsRow)
    found = any(session.scalar(select(table.app_id).where(table.app_id == app_id)) for table in tables)
    for table in tables:
        session.execute(delete(table).where(table.app_id == app_id))
    return found


def entries(session: Session) -> dict[FrontMap, Entries]:
    """HAProxy's maps: options by app, networks by app and beginning of an address, logins by app and name."""
    by_app: dict[str, dict[networks.Network, Verdict]] = defaultdict(dict)
    for rule in session.scalars(select(AccessRuleRow)):
        by_app[rule.app_id][ipaddress.ip_network(rule.network)] = Verdict(rule.verdict)
    users = list(session.scalars(select(LoginRow)))
    asking = {user.app_id for user in users}
    rows = {row.app_id: row for row in session.scalars(select(LimitsRow))}
    retrying = proxies.retrying(session)
    options: dict[str, str] = {}
    for app_id in by_app.keys() | asking | rows.keys() | retrying:
        row, admits, asks = rows.get(app_id), _admits(by_app.get(app_id, {})), app_id in asking
        wanted = Options(admits, asks, limits_of(row), timeouts_of(row), app_id in retrying)
        if wanted != Options():
            options[app_id] = encoded(wanted)
    return {
        FrontMap.OPTIONS: options,
        FrontMap.NETWORKS: {
            f"{app_id}/{beginning}": verdict.value
            for app_id, found in by_app.items()
            for beginning, verdict in networks.entries(found).items()
        },
        FrontMap.LOGINS: {f"{user.app_id}/{user.name}": _entry(Hash(user.salt, user.digest)) for user in users},
    }


def _admits(found: Mapping[networks.Network, Verdict]) -> Admits:
    if not found:
        return Admits.ALL
    return Admits.LISTED if Verdict.ALLOW in found.values() else Admits.OTHERS


def _entry(kept: Hash) -> str:
    return f"{kept.salt}:{kept.digest}"
