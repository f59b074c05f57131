"""How requests are passed on to each app: the protocol, whether visitors come back to the same instance, and whether
POSTs are sent again.

A sticky app's answers set a cookie with the name of the server, which is the instance's id; HAProxy asks for the server
of that name first (docs/decisions/0026). What may be sent again: docs/decisions/0008.
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

    def set(
        self,
        app_id: AppId,
        *,
        protocol: str | None = None,
        sticky: bool | None = None,
        retry_posts: bool | None = None,
    ) -> ProxyMode:
        """Change what is not None; gives all. Raises UserError for a protocol that there is not."""
        if protocol is not None and protocol not in list(Protocol):
            raise UserError(
                f"There is no protocol {protocol!r}: an app speaks {' or '.join(Protocol)}.",
                "For gRPC: portside proxy:set --protocol h2c",
            )
        with self._database.write() as session:
            row = _row(session, app_id)
            row.protocol = row.protocol if protocol is None else protocol
            row.sticky = row.sticky if sticky is None else sticky
            row.retry_posts = row.retry_posts if retry_posts is None else retry_posts
        if sticky is not None or retry_posts is not None:
            self._changed()
        return self.of(app_id)


def mode(session: Session, app_id: AppId) -> ProxyMode:
    """The app's."""
    row = session.get(ProxyRow, app_id)
    return ProxyMode() if row is None else ProxyMode(Protocol(row.protocol), row.sticky, row.retry_posts)


def speak(session: Session, app_id: AppId, protocol: Protocol) -> None:
    """Set the protocol of the app's next generation."""
    if mode(session, app_id).protocol is not protocol:
        _row(session, app_id).protocol = protocol
        session.flush()


def _row(session: Session, app_id: AppId) -> ProxyRow:
    """The app's, made on first use."""
    row = session.get(ProxyRow, app_id)
    if row is None:
        usual = ProxyMode()
        row = ProxyRow(app_id=app_id, protocol=usual.protocol, sticky=usual.sticky, retry_posts=usual.retry_posts)
        session.add(row)
    return row


def sticky(session: Session) -> dict[str, str]:
    """HAProxy's map: each sticky app."""
    return dict.fromkeys(session.scalars(select(ProxyRow.app_id).where(ProxyRow.sticky)), "on")


def retrying(session: Session) -> set[str]:
    """The apps whose POSTs may be sent again."""
    return set(session.scalars(select(ProxyRow.app_id).where(ProxyRow.retry_posts)))


def forget(session: Session, app_id: AppId) -> None:
    """Drop what the app wants."""
    session.execute(delete(ProxyRow).where(ProxyRow.app_id == app_id))
