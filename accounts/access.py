"""Who may do what to which app."""

from __future__ import annotations

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import Session

from accounts.tables import GrantRow, UserRow
from accounts.types import ALLOWED, AppRole, Collaborator, Identity, Permission
from accounts.users import normal, unknown_user
from core import clock
from core.database import Database
from core.errors import Forbidden, NotFound, UserError
from core.ids import AppId, UserId, new_id


class Access:
    """The users' parts in apps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def grant(self, app_id: AppId, user_id_or_email: str, role: AppRole) -> Collaborator:
        """Give a user a part in an app, or another part than before; raises NotFound for an unknown user."""
        named = or_(UserRow.id == user_id_or_email, UserRow.email == normal(user_id_or_email))
        with self._database.write() as session:
            user = session.scalar(select(UserRow).where(named))
            if user is None:
                raise unknown_user(user_id_or_email)
            row = session.scalar(select(GrantRow).where(GrantRow.app_id == app_id, GrantRow.user_id == user.id))
            if row is None:
                row = GrantRow(id=new_id(), app_id=app_id, user_id=user.id, role=role, created_at=clock.now())
                session.add(row)
            elif role is not AppRole.OWNER:
                _keep_an_owner(session, row, user)
            row.role = role
        return _collaborator(row, user)

    def withdraw(self, app_id: AppId, email: str) -> Collaborator:
        """Take a user's part in an app away, and give what it was; raises NotFound, UserError for the last owner."""
        with self._database.write() as session:
            found = session.execute(_grants().where(GrantRow.app_id == app_id, UserRow.email == normal(email))).first()
            if found is None:
                raise NotFound(f"{normal(email)} is not a collaborator on this app.", "See: portside access")
            row, user = found
            _keep_an_owner(session, row, user)
            session.delete(row)
        return _collaborator(row, user)

    def collaborators(self, app_id: AppId) -> list[Collaborator]:
        """All who have a part in an app, its owner included, by e-mail address."""
        with self._database.read() as session:
            rows = session.execute(_grants().where(GrantRow.app_id == app_id).order_by(UserRow.email))
            return [_collaborator(row, user) for row, user in rows]

    def permissions(self, identity: Identity, app_id: AppId) -> frozenset[Permission]:
        """All that this user may do with this app; empty for a stranger."""
        if identity.is_admin:
            return frozenset(Permission)
        with self._database.read() as session:
            role = session.scalar(
                select(GrantRow.role).where(GrantRow.app_id == app_id, GrantRow.user_id == identity.user_id)
            )
        return frozenset() if role is None else ALLOWED[AppRole(role)]

    def require(self, identity: Identity, app_id: AppId, permission: Permission) -> None:
        """Raise Forbidden unless this user may do that with this app."""
        held = self.permissions(identity, app_id)
        if permission in held:
            return
        if Permission.VIEW not in held:
            raise Forbidden("You do not have access to this app.", "Ask its owner for: portside access:add YOUR-EMAIL")
        raise Forbidden(f"You may not do that: your part in this app has no {permission} right.", "Ask its owner.")

    def visible_apps(self, identity: Identity) -> frozenset[AppId] | None:
        """The apps that this user may see; None means all."""
        if identity.is_admin:
            return None
        with self._database.read() as session:
            ids = session.scalars(select(GrantRow.app_id).where(GrantRow.user_id == identity.user_id))
            return frozenset(AppId(app_id) for app_id in ids)

    def forget_app(self, app_id: AppId) -> None:
        """Remove every part in an app that is gone."""
        with self._database.write() as session:
            session.execute(delete(GrantRow).where(GrantRow.app_id == app_id))


def _grants() -> Select[GrantRow, UserRow]:
    return select(GrantRow, UserRow).join(UserRow, UserRow.id == GrantRow.user_id)


def _keep_an_owner(session: Session, row: GrantRow, user: UserRow) -> None:
    if row.role != AppRole.OWNER:
        return
    others = select(GrantRow.id).where(
        GrantRow.app_id == row.app_id, GrantRow.role == AppRole.OWNER, GrantRow.id != row.id
    )
    if session.scalar(others.limit(1)) is None:
        message = f"{user.email} is the only owner of this app."
        raise UserError(message, "Make somebody else its owner first.")


def _collaborator(row: GrantRow, user: UserRow) -> Collaborator:
    return Collaborator(row.id, AppId(row.app_id), UserId(user.id), user.email, AppRole(row.role), row.created_at)
