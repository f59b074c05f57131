"""The records of paths: reads and writes inside a session that the caller holds.

A path is part of a host that somebody has, and goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import clock
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from router import paths
from router.domain_records import Shares
from router.hosts import platform_host
from router.tables import DomainRow, PathRow, RouteRow
from router.types import Domain, DomainKind


def add(session: Session, app_id: AppId, host: str, path: str, strip: bool, domain: str, shares: Shares) -> Domain:
    """Record a path.

    Raises NotFound while nobody has the host; UserError when that redirects; Conflict when the path is somebody's, or
    would take traffic from an app for which `shares` says no.
    """
    holder = _holder(session, host, path, domain)
    present = list(session.scalars(select(PathRow).where(PathRow.host == host)))
    taken = next((each for each in present if each.path == path), None)
    if taken is not None:
        whose = "this app" if taken.app_id == app_id else "another app"
        raise Conflict(
            f"{host}{path} belongs to {whose} already.", "Remove it there first: portside domains:remove NAME/PATH"
        )
    rivals = [(holder, host), *((each.app_id, host + each.path) for each in present if paths.overlap(each.path, path))]
    for rival, name in rivals:
        if rival != app_id and not shares(AppId(rival)):
            raise Conflict(
                f"{host}{path} overlaps with {name}, which belongs to another app.",
                "Somebody who may manage both apps can add it.",
            )
    row = PathRow(id=new_id(), app_id=app_id, host=host, path=path, strip=strip, created_at=clock.now())
    session.add(row)
    return _domain(row)


def _holder(session: Session, host: str, path: str, domain: str) -> str:
    """The app that has the host."""
    custom = session.scalar(select(DomainRow).where(DomainRow.host == host))
    if custom is not None:
        if custom.redirect_to is not None:
            raise UserError(
                f"{host} redirects to {custom.redirect_to}.",
                f"Add the path there: portside domains:add {custom.redirect_to}{path}",
            )
        return custom.app_id
    label = host.removesuffix(f".{domain}")
    found = session.scalar(select(RouteRow.app_id).where(RouteRow.label == label))
    if found is None or platform_host(label, domain) != host:
        raise NotFound(f"No app has {host} yet.", f"Add it to the app for the rest of it: portside domains:add {host}")
    return found


def remove(session: Session, app_id: AppId, host: str, path: str) -> None:
    """Forget a path of the app. Raises NotFound."""
    mine = (PathRow.app_id == app_id, PathRow.host == host, PathRow.path == path)
    row = session.scalar(select(PathRow).where(*mine))
    if row is None:
        raise NotFound(f"This app has no domain {host}{path}.", "See `portside domains` for those that it has.")
    session.delete(row)


def forget(session: Session, app_id: AppId, hosts: Iterable[str]) -> None:
    """Drop the app's paths, and everybody's on these hosts of its own."""
    session.execute(delete(PathRow).where(PathRow.app_id == app_id))
    forget_hosts(session, hosts)


def forget_hosts(session: Session, hosts: Iterable[str]) -> None:
    """Drop the paths on hosts that are no more."""
    session.execute(delete(PathRow).where(PathRow.host.in_(list(hosts))))


def of(session: Session, app_id: AppId) -> list[Domain]:
    """The app's paths, by host and path."""
    query = select(PathRow).where(PathRow.app_id == app_id).order_by(PathRow.host, PathRow.path)
    return [_domain(row) for row in session.scalars(query)]


def entries(session: Session) -> dict[str, str]:
    """HAProxy's map: where each path leads."""
    rows = session.scalars(select(PathRow))
    return {paths.key(row.host, row.path): paths.value(row.app_id, row.path, row.strip) for row in rows}


def _domain(row: PathRow) -> Domain:
    return Domain(row.id, row.host, DomainKind.CUSTOM, row.created_at, None, row.path, row.strip)
