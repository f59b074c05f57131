"""The records of certificates: reads and writes inside a session that the caller holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import AppId
from router.acme_tables import AutomaticRow, OrderRow
from router.hosts import platform_host, wildcard_over
from router.tables import CertificateRow, DomainRow, HttpsRow, RouteRow
from router.types import Https


@dataclass(frozen=True)
class Candidate:
    """What decides which certificate a host shows."""

    id: str
    app_id: str
    names: frozenset[str]
    expires_at: datetime
    digest: str
    automatic: bool = False


def choose(wanted: Mapping[str, str], candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """The certificate of each `wanted` host (host → its app) that has one: only its own app's certificates count.

    Of several, the one that lasts longest. Pure.
    """
    by_name: dict[tuple[str, str], list[Candidate]] = {}
    for each in candidates:
        for name in each.names:
            by_name.setdefault((each.app_id, name), []).append(each)
    chosen: dict[str, Candidate] = {}
    for host, app_id in wanted.items():
        names = {host} if host.startswith("*.") else {host, wildcard_over(host)}
        found = [each for name in names for each in by_name.get((app_id, name), [])]
        if found:
            chosen[host] = max(found, key=lambda each: each.expires_at)
    return chosen


def shown(session: Session, domain: str, app_id: AppId | None = None) -> dict[str, Candidate]:
    """The certificate that each host shows; of one app, or of all."""
    found = candidates(session, app_id)
    return choose(hosts(session, domain, app_id), found) if found else {}


def candidates(session: Session, app_id: AppId | None = None) -> list[Candidate]:
    """The certificates of one app, or of all."""
    row = CertificateRow
    query = select(row.id, row.app_id, row.names, row.expires_at, row.digest, row.automatic)
    if app_id is not None:
        query = query.where(row.app_id == app_id)
    return [
        Candidate(identity, owner, frozenset(names.split()), expires_at, digest, automatic)
        for identity, owner, names, expires_at, digest, automatic in session.execute(query)
    ]


def hosts(session: Session, domain: str, app_id: AppId | None = None) -> dict[str, str]:
    """Host → app; of one app, or of all."""
    customs = select(DomainRow.host, DomainRow.app_id)
    labels = select(RouteRow.label, RouteRow.app_id).where(RouteRow.label.is_not(None))
    if app_id is not None:
        customs, labels = customs.where(DomainRow.app_id == app_id), labels.where(RouteRow.app_id == app_id)
    own = {str(host): str(owner) for host, owner in session.execute(customs)}
    return own | {platform_host(str(label), domain): owner for label, owner in session.execute(labels)}


def rows(session: Session, app_id: AppId) -> list[CertificateRow]:
    """The app's certificates, by name."""
    query = select(CertificateRow).where(CertificateRow.app_id == app_id)
    return list(session.scalars(query.order_by(CertificateRow.name)))


def names(session: Session, app_id: AppId | None = None) -> dict[str, str]:
    """The name of each certificate, by id; of one app, or of all."""
    query = select(CertificateRow.id, CertificateRow.name)
    if app_id is not None:
        query = query.where(CertificateRow.app_id == app_id)
    return {str(identity): str(name) for identity, name in session.execute(query)}


def row(session: Session, app_id: AppId, name: str) -> CertificateRow:
    """One of the app's certificates, by name or id. Raises NotFound."""
    for each in rows(session, app_id):
        if name in (each.name, each.id):
            return each
    raise NotFound(f"This app has no certificate {name}.", "See: portside certs")


def automatic_name(session: Session, app_id: AppId, host: str) -> str:
    """What a certificate is called that was asked for automatically. People may have put theirs under that name."""
    name = f"{host.replace('*', 'wildcard')}-auto"
    taken = {each.name for each in rows(session, app_id)}
    return next(free for free in (name, *(f"{name}-{number}" for number in range(2, 1000))) if free not in taken)


def automatic_row(session: Session, app_id: AppId, host: str) -> CertificateRow | None:
    """The certificate that was asked for automatically for a host of the app."""
    return next((each for each in rows(session, app_id) if each.automatic and host in each.names.split()), None)


def https(session: Session, app_id: AppId) -> Https:
    """What the app wants of HTTPS."""
    return _https(session.get(HttpsRow, app_id))


def all_https(session: Session) -> dict[str, Https]:
    """What each app wants that wants anything but the usual."""
    return {each.app_id: _https(each) for each in session.scalars(select(HttpsRow))}


def _https(found: HttpsRow | None) -> Https:
    return Https() if found is None else Https(found.redirect, found.hsts_s)


def set_https(session: Session, app_id: AppId, wanted: Https) -> None:
    found = session.get(HttpsRow, app_id) or HttpsRow(app_id=app_id)
    found.redirect, found.hsts_s = wanted.redirect, wanted.hsts_s
    session.add(found)


def forget(session: Session, app_id: AppId) -> None:
    """Drop all that the app has of HTTPS."""
    session.execute(delete(CertificateRow).where(CertificateRow.app_id == app_id))
    session.execute(delete(HttpsRow).where(HttpsRow.app_id == app_id))
    session.execute(delete(AutomaticRow).where(AutomaticRow.app_id == app_id))
    session.execute(delete(OrderRow).where(OrderRow.app_id == app_id))
