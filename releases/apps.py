"""The apps: made, named, renamed, destroyed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, UserId, is_id, new_id
from releases.tables import AppRow, ReleaseRow
from releases.types import App

_NAME = re.compile(r"^[a-z][a-z0-9-]{1,28}[a-z0-9]$")
_RESERVED = frozenset({"api", "dashboard", "git", "portside", "registry", "static", "www"})
_ADJECTIVES = ("amber", "brisk", "calm", "clear", "coral", "deep", "early", "fair", "gentle", "keen", "quiet", "silver")
_NOUNS = ("anchor", "bay", "beacon", "buoy", "cove", "dock", "ferry", "harbor", "keel", "lagoon", "pier", "tide")


def check_name(name: str) -> None:
    """Raise UserError for a name that no app can have."""
    if not _NAME.match(name):
        raise UserError(
            f"{name!r} can't be an app's name: 3 to 30 of a-z, 0-9 and dashes, a letter first, no dash last.",
            "Example: portside create my-app",
        )
    if name in _RESERVED:
        raise UserError(f"The name {name} is reserved.", "Choose another name.")


def suggested_name() -> str:
    """A friendly free-to-use name such as `calm-harbor-4821`."""
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}-{secrets.randbelow(9000) + 1000}"


class Apps:
    """The registry of apps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str | None, owner_id: UserId) -> App:
        chosen = name or suggested_name()
        check_name(chosen)
        moment = clock.now()
        row = AppRow(id=new_id(), name=chosen, owner_id=owner_id, created_at=moment, updated_at=moment, last_version=0)
        try:
            with self._database.write() as session:
                session.add(row)
                session.flush()
        except IntegrityError as error:
            raise _taken(chosen) from error
        return self.get(row.id)

    def rename(self, app_id: AppId, name: str) -> App:
        check_name(name)
        try:
            with self._database.write() as session:
                row = _living(session, app_id)
                row.name, row.updated_at = name, clock.now()
                session.flush()
        except IntegrityError as error:
            raise _taken(name) from error
        return self.get(app_id)

    def get(self, name_or_id: str) -> App:
        """The app by name or id; NotFound when there is none or it was destroyed."""
        column = AppRow.id if is_id(name_or_id) else AppRow.name
        with self._database.read() as session:
            found = session.execute(_living_apps().where(column == name_or_id)).first()
        if found is None:
            raise NotFound("Couldn't find that app.", "See your apps: portside apps")
        return App(*found)

    def all(self, ids: Collection[AppId] | None = None) -> list[App]:
        """Every app (or those of `ids`), by name."""
        query = _living_apps().order_by(AppRow.name)
        if ids is not None:
            query = query.where(AppRow.id.in_(ids))
        with self._database.read() as session:
            return [App(*found) for found in session.execute(query)]

    def destroy(self, app_id: AppId) -> None:
        """Mark the app destroyed and free its name. What it holds elsewhere is forgotten by the sweep."""
        with self._database.write() as session:
            row = _living(session, app_id)
            row.destroyed_at = row.updated_at = clock.now()
            row.name = f"{row.name}~{row.id[:8]}"

    def lives(self, app_id: AppId) -> bool:
        """Whether the app exists and is not destroyed."""
        with self._database.read() as session:
            living = select(AppRow.id).where(AppRow.id == app_id, AppRow.destroyed_at.is_(None))
            return session.scalar(living) is not None

    def destroyed(self) -> list[AppId]:
        """Apps that were destroyed and not yet forgotten everywhere."""
        with self._database.read() as session:
            return [
                AppId(found) for found in session.scalars(select(AppRow.id).where(AppRow.destroyed_at.is_not(None)))
            ]

    def forget(self, app_id: AppId) -> None:
        """Delete the app's records, the last act of a destroy."""
        with self._database.write() as session:
            for release in session.scalars(select(ReleaseRow).where(ReleaseRow.app_id == app_id)):
                session.delete(release)
            session.flush()
            row = session.get(AppRow, app_id)
            if row is not None:
                session.delete(row)


def _living(session: Session, app_id: AppId) -> AppRow:
    row = session.get(AppRow, app_id)
    if row is None or row.destroyed_at is not None:
        raise NotFound("Couldn't find that app.", "See your apps: portside apps")
    return row


def _living_apps() -> Select[*tuple[Any, ...]]:
    """The columns of `App`, in its fields' order: lists of a thousand apps need no row objects."""
    columns: tuple[Any, ...] = (
        AppRow.id,
        AppRow.name,
        AppRow.owner_id,
        AppRow.created_at,
        AppRow.updated_at,
        AppRow.released_at,
        AppRow.current_release_id,
        ReleaseRow.version,
    )
    current = AppRow.current_release_id == ReleaseRow.id
    return select(*columns).outerjoin(ReleaseRow, current).where(AppRow.destroyed_at.is_(None))


def _taken(name: str) -> Conflict:
    return Conflict(f"Name {name} is already taken.", "Choose another name.", code="invalid_params")
