"""The records of automatic certificates: reads and writes inside a session that the caller holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import in_parts
from core.ids import AppId, new_id
from core.leases import Lease
from router import acme_plan, certificate_records
from router.acme_settings import AcmeSettings
from router.acme_tables import ORDERS, AutomaticRow, OrderRow, OrderState
from router.acme_types import HostState
from router.certificate_records import Candidate


@dataclass(frozen=True)
class Verdict:
    """Of a host of an app with automatic certificates. `state`: `own` or `excluded`, or none: it wants one."""

    app_id: AppId
    state: HostState | None = None
    reason: str = ""


@dataclass(frozen=True)
class Work:
    """What a turn knows of an order."""

    id: str
    app_id: AppId
    host: str
    state: OrderState
    next_at: datetime
    failures: int
    url: str | None
    sealed_key: str | None
    token: str | None
    answer: str | None
    reason: str = ""


def apps(session: Session) -> frozenset[AppId]:
    """The apps whose hosts get their certificates by themselves."""
    return frozenset(AppId(app_id) for app_id in session.scalars(select(AutomaticRow.app_id)))


def verdicts(session: Session, domain: str, settings: AcmeSettings, app_id: AppId | None = None) -> dict[str, Verdict]:
    """Each host of those apps, of one or of all, with what becomes of it."""
    automatic = apps(session)
    if not automatic:
        return {}
    hosts = certificate_records.hosts(session, domain, app_id)
    hosts = {host: owner for host, owner in hosts.items() if owner in automatic}
    own = _own(session, hosts, app_id)
    return {host: _verdict(host, AppId(owner), own.get(host), settings) for host, owner in hosts.items()}


def _verdict(host: str, app_id: AppId, own: Candidate | None, settings: AcmeSettings) -> Verdict:
    if own is not None:
        return Verdict(app_id, HostState.OWN)
    reason = acme_plan.why_not(host, settings)
    return Verdict(app_id, HostState.EXCLUDED if reason else None, reason)


def _own(session: Session, hosts: Mapping[str, str], app_id: AppId | None) -> dict[str, Candidate]:
    """The hosts with a certificate that people brought and that lasts for a while yet."""
    least = clock.now() + acme_plan.OWN_LASTS
    found = certificate_records.candidates(session, app_id)
    return certificate_records.choose(hosts, [each for each in found if not each.automatic and each.expires_at > least])


def wanted(found: Mapping[str, Verdict]) -> dict[str, str]:
    """Host → app, of those that want a certificate."""
    return {host: verdict.app_id for host, verdict in found.items() if verdict.state is None}


def present(session: Session) -> list[acme_plan.Present]:
    row = OrderRow
    return [
        acme_plan.Present(identity, owner, host, next_at)
        for identity, owner, host, next_at in session.execute(select(row.id, row.app_id, row.host, row.next_at))
    ]


def orders(session: Session, app_id: AppId | None = None) -> dict[str, OrderRow]:
    """By host; of one app, or of all."""
    query = select(OrderRow)
    if app_id is not None:
        query = query.where(OrderRow.app_id == app_id)
    return {row.host: row for row in session.scalars(query)}


def add(session: Session, missing: Mapping[str, str]) -> None:
    """An order for each host, due now. One that is there already (another worker was quicker) is left alone."""
    moment = clock.now()
    known = [session.scalars(select(OrderRow.host).where(OrderRow.host.in_(hosts))) for hosts in in_parts(missing)]
    there = {host for some in known for host in some}
    for host, app_id in missing.items():
        if host not in there:
            values = {"state": OrderState.PENDING, "next_at": moment, "created_at": moment}
            session.add(OrderRow(id=new_id(), app_id=app_id, host=host, **values))


def hasten(session: Session, app_id: AppId) -> None:
    """Have those that wait for another attempt tried now."""
    failing = (OrderRow.app_id == app_id, OrderRow.state == OrderState.FAILING)
    session.execute(update(OrderRow).where(*failing).values(next_at=clock.now()))


def renew(session: Session, app_id: str, hosts: list[str]) -> None:
    """Have certificates for hosts of the app asked for anew."""
    those = (OrderRow.app_id == app_id, OrderRow.host.in_(hosts))
    session.execute(update(OrderRow).where(*those).values(next_at=clock.now()))


def work(session: Session, order_id: str) -> Work | None:
    row = session.get(OrderRow, order_id)
    if row is None:
        return None
    return Work(
        row.id, AppId(row.app_id), row.host, OrderState(row.state), row.next_at,
        row.failures, row.url, row.sealed_key, row.token, row.answer, row.reason,
    )  # fmt: skip


def move(session: Session, lease: Lease, order_id: str, to: OrderState, **values: object) -> None:
    """Raises LostRace where the order is gone, or the lease is another's."""
    ORDERS.move(session, OrderRow, order_id, to, lease.fenced(), **values)


def http_answers(session: Session) -> dict[str, str]:
    """HAProxy's map: token → what the authority is to find there."""
    query = select(OrderRow.token, OrderRow.answer).where(OrderRow.token.is_not(None), OrderRow.answer.is_not(None))
    return {str(token): str(answer) for token, answer in session.execute(query)}
