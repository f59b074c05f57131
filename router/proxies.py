"""How requests are passed on to each app: the protocol, and whether visitors come back to the same instance.

A sticky app's answers set a cookie with the name of the server, which is the instance's id; HAProxy asks for the server
of that name first (docs/decisions/0026).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.database import Database
from core.errors import UserError
from core.ids import AppId
from router.tables import ProxyRow
from router.types import Protocol, ProxyMode


class Proxies:
    """`changed` makes HAProxy agree, now or as soon as it can."""

    def __init__(self, database: Database, changed: Callable[[], None]) -> None:
        self._database = database
        self._changed = changed

    def of(self, app_id: AppId) -> ProxyMode:
        """The app's."""
        with self._database.read() as session:
            return mode(session, app_id)

    def set(self, app_id: AppId, *, protocol: str | None = None, sticky: bool | None = None) -> ProxyMode:
        """Change what is not None; gives all. Raises UserError for a protocol that there is not."""
        if protocol is not None and protocol not in list(Protocol):
            raise UserError(
                f"There is no protocol {protocol!r}: an app speaks {' or '.join(Protocol)}.",
                "For gRPC: portside proxy:set --protocol h2c",
            )
        with self._database.write() as session:
            before = mode(session, app_id)
            row = session.get(ProxyRow, app_id) or ProxyRow(app_id=app_id)
            row.protocol = before.protocol if protocol is None else protocol
            row.sticky = before.sticky if sticky is None else sticky
            session.add(row)
        if sticky is not None:
            self._changed()
        return self.of(app_id)


def mode(session: Session, app_id: AppId) -> ProxyMode:
    """The app's."""
    row = session.get(ProxyRow, app_id)
    return ProxyMode() if row is None else ProxyMode(Protocol(row.protocol), row.sticky)


def speak(session: Session, app_id: AppId, protocol: Protocol) -> None:
    """Set the protocol of the app's next generation."""
    now = mode(session, app_id)
    if now.protocol is not protocol:
        session.merge(ProxyRow(app_id=app_id, protocol=protocol, sticky=now.sticky))
        session.flush()


def sticky(session: Session) -> dict[str, str]:
    """HAProxy's map: each sticky app."""
    return dict.fromkeys(session.scalars(select(ProxyRow.app_id).where(ProxyRow.sticky)), "on")


def forget(session: Session, app_id: AppId) -> None:
    """Drop what the app wants."""
    session.execute(delete(ProxyRow).where(ProxyRow.app_id == app_id))
