"""Maintenance mode: an app's visitors get a page instead of the app, which runs on.

HAProxy has the page in a map, so that turning it on is one command to it and no reload. It is encoded there, since a
map's value is one word; one buffer of HAProxy's (16 KB) must hold the command that brings it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_plus

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import UserError
from core.ids import AppId
from router.tables import MaintenanceRow

STANDARD_PAGE = "standard"
_MOST_ENCODED_BYTES = 14_000
_PLAIN = "/:=,!()*@$?&{}[]|"  # none of these ends a word of HAProxy's commands, so they may stay as they are


_CONTROL = re.compile(r"\r?\n|[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class MaintenanceMode:
    """Since when an app is in maintenance, and its own page, if it has one."""

    since: datetime
    page: str | None


class Maintenance:
    """`changed` makes HAProxy agree, now or as soon as it can."""

    def __init__(self, database: Database, changed: Callable[[], None]) -> None:
        self._database = database
        self._changed = changed

    def turn_on(self, app_id: AppId, page: str | None = None) -> None:
        """Show `page` (HTML), or the router's own, in place of the app. Raises UserError for one that is too large."""
        if page is not None:
            _check(page)
        with self._database.write() as session:
            row = session.get(MaintenanceRow, app_id)
            if row is None:
                session.add(MaintenanceRow(app_id=app_id, page=page, since=clock.now()))
            else:
                row.page = page
        self._changed()

    def turn_off(self, app_id: AppId) -> None:
        """Serve the app again. Doing it twice is fine."""
        with self._database.write() as session:
            session.execute(delete(MaintenanceRow).where(MaintenanceRow.app_id == app_id))
        self._changed()

    def of(self, app_id: AppId) -> MaintenanceMode | None:
        """The app's, if it is on."""
        with self._database.read() as session:
            row = session.get(MaintenanceRow, app_id)
            return None if row is None else MaintenanceMode(row.since, row.page)

    def apps(self) -> frozenset[AppId]:
        """Every app in maintenance, in one query."""
        with self._database.read() as session:
            return frozenset(AppId(app_id) for app_id in session.scalars(select(MaintenanceRow.app_id)))

    def forget(self, app_id: AppId) -> None:
        if self.of(app_id) is not None:
            self.turn_off(app_id)


def entries(session: Session) -> dict[str, str]:
    """HAProxy's map: each app in maintenance, with its page as HAProxy decodes it."""
    rows = session.scalars(select(MaintenanceRow))
    return {row.app_id: STANDARD_PAGE if row.page is None else encoded(row.page) for row in rows}


def encoded(page: str) -> str:
    """The page in one word, for HAProxy's converter `url_dec(1)`. HAProxy can't send control characters from a map, so
    that line ends become spaces, which is the same in HTML but for `<pre>`."""
    return quote_plus(_CONTROL.sub(" ", page), safe=_PLAIN)


def _check(page: str) -> None:
    if not page.strip():
        raise UserError("The page is empty.", "Give a file with HTML, or leave the page out for the router's own.")
    size = len(encoded(page))
    if size > _MOST_ENCODED_BYTES:
        raise UserError(
            f"The page takes {size:,} bytes as the router keeps it; there is room for {_MOST_ENCODED_BYTES:,}.",
            "Make it smaller: refer to images and style sheets elsewhere instead of having them in it.",
        )
