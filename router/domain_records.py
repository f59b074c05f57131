"""The records of domains: which hosts lead to whom. Reads and writes inside a session that the caller holds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import clock
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from router import paths
from router.hosts import is_wildcard, plain_host, platform_host, wildcard_over
from router.records import route
from router.tables import DomainRow, PathRow, RouteRow
from router.types import Domain, DomainKind

Shares = Callable[[AppId], bool]


def add_domain(session: Session, app_id: AppId, host: str, redirect_to: str | None, shares: Shares) -> Domain:
    """Record a custom host. Raises Conflict when it is somebody's already, or would take names from, or be taken from,
    a wildcard of an app for which `shares` says no."""
    holder = session.scalar(select(DomainRow).where(DomainRow.host == host))
    if holder is not None:
        whose = "this app" if holder.app_id == app_id else "another app"
        raise Conflict(f"{host} belongs to {whose} already.", "Remove it there first: portside domains:remove HOST.")
    for rival in _overlapping(session, host):
        if rival.app_id != app_id and not shares(AppId(rival.app_id)):
            raise Conflict(
                f"{host} overlaps with {rival.host}, which belongs to another app.",
                "Somebody who may manage both apps can add it.",
            )
    route(session, app_id)
    row = DomainRow(id=new_id(), app_id=app_id, host=host, redirect_to=redirect_to, created_at=clock.now())
    session.add(row)
    return _custom(row)


def _overlapping(session: Session, host: str) -> list[DomainRow]:
    """The names under a wildcard, or the wildcard over a name."""
    if not is_wildcard(host):
        return list(session.scalars(select(DomainRow).where(DomainRow.host == wildcard_over(host))))
    beneath = select(DomainRow).where(DomainRow.host.endswith(host[1:], autoescape=True))
    return [row for row in session.scalars(beneath) if wildcard_over(row.host) == host]


def remove_domain(session: Session, app_id: AppId, host: str, domain: str) -> None:
    """Forget a custom host of the app. Raises NotFound; UserError for the platform's own; Conflict while another
    redirects to it."""
    if any(each.host == host and each.kind == DomainKind.PLATFORM for each in domains(session, app_id, domain)):
        raise UserError(f"{host} comes from the app's name.", "Rename the app to change it.")
    row = session.scalar(select(DomainRow).where(DomainRow.host == host, DomainRow.app_id == app_id))
    if row is None:
        raise NotFound(f"This app has no domain {host}.", "See `portside domains` for those that it has.")
    source = session.scalar(select(DomainRow.host).where(DomainRow.redirect_to == host, DomainRow.app_id == app_id))
    if source is not None:
        raise Conflict(f"{source} redirects to {host}.", f"Remove that first: portside domains:remove {source}")
    session.delete(row)


def check_redirect(session: Session, app_id: AppId, host: str, target: str | None, domain: str) -> None:
    """Raise UserError unless `host` can redirect to `target` (None: it does not)."""
    if target is None:
        return
    found = next((each for each in domains(session, app_id, domain) if each.host == target), None)
    if found is None or is_wildcard(target):
        raise UserError(f"{target} is no domain of this app.", f"Add it first: portside domains:add {target}")
    if found.redirect_to is not None:
        raise UserError(f"{target} redirects itself, to {found.redirect_to}.", f"Redirect to {found.redirect_to}.")
    if target == host:
        raise UserError(f"{host} can't redirect to itself.", "Name another domain of the app.")


def domains(session: Session, app_id: AppId, domain: str) -> list[Domain]:
    """The app's hosts: the platform's own first, then the custom ones by name."""
    found: list[Domain] = []
    row = session.get(RouteRow, app_id)
    if row is not None and row.label:
        host = platform_host(row.label, domain)
        found.append(Domain(str(uuid.uuid5(uuid.NAMESPACE_DNS, host)), host, DomainKind.PLATFORM, row.created_at))
    query = select(DomainRow).where(DomainRow.app_id == app_id).order_by(DomainRow.host)
    return found + [_custom(custom) for custom in session.scalars(query)]


def find(present: Iterable[Domain], wanted: str) -> Domain:
    """The one called so, in any form, or of that id. Raises NotFound."""
    host, path = paths.split(wanted)
    name = plain_host(host) + path
    for domain in present:
        if wanted == domain.id or name == domain.name:
            return domain
    raise NotFound(f"This app has no domain {wanted}.", "See: portside domains")


def redirects(session: Session) -> dict[str, str]:
    """Every host that redirects, with where to."""
    rows = session.execute(select(DomainRow.host, DomainRow.redirect_to).where(DomainRow.redirect_to.is_not(None)))
    return {host: str(target) for host, target in rows}


def turning(session: Session, domain: str) -> set[str]:
    """The apps with a host that redirects, or that has paths of its own."""
    forked = select(PathRow.host)
    turns = or_(DomainRow.redirect_to.is_not(None), DomainRow.host.in_(forked))
    labels = [host.removesuffix(f".{domain}") for host in session.scalars(forked.distinct())]
    found = {*session.scalars(select(DomainRow.app_id).where(turns))}
    return found | {*session.scalars(select(RouteRow.app_id).where(RouteRow.label.in_(labels)))}


def _custom(row: DomainRow) -> Domain:
    return Domain(row.id, row.host, DomainKind.CUSTOM, row.created_at, row.redirect_to)
