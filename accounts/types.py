"""The values that accounts hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.ids import AppId, UserId


class Role(StrEnum):
    """What a user is on the whole platform. An admin may do everything with every app."""

    ADMIN = "admin"
    MEMBER = "member"


class AppRole(StrEnum):
    """What a user is to one app."""

    OWNER = "owner"
    COLLABORATOR = "collaborator"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What may be done with an app."""

    VIEW = "view"  # read everything but config values
    DEPLOY = "deploy"  # push, roll back, config and its values, scale, restart, one-off runs: all that runs its code
    MANAGE = "manage"  # rename, destroy, collaborators, domains, who gets in, how requests are passed on


ALLOWED: Mapping[AppRole, frozenset[Permission]] = {
    AppRole.OWNER: frozenset(Permission),
    AppRole.COLLABORATOR: frozenset(Permission) - {Permission.MANAGE},
    AppRole.VIEWER: frozenset({Permission.VIEW}),
}


class TokenKind(StrEnum):
    """How a token came about. A change of password ends those that a password made: sessions and logins."""

    SESSION = "session"  # a browser signed in
    LOGIN = "login"  # a command-line client logged in
    MANUAL = "manual"  # made on purpose, for a script


@dataclass(frozen=True)
class Identity:
    """Who is asking."""

    user_id: UserId
    email: str
    is_admin: bool


@dataclass(frozen=True)
class Token:
    """The record of an API token; the secret itself is not kept."""

    id: str
    user_id: UserId
    description: str
    kind: TokenKind
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class SshKey:
    """A public key; `fingerprint` in OpenSSH's form `SHA256:…`."""

    id: str
    user_id: UserId
    fingerprint: str
    public_key: str
    comment: str
    created_at: datetime


@dataclass(frozen=True)
class Collaborator:
    """A user's part in one app."""

    id: str
    app_id: AppId
    user_id: UserId
    email: str
    role: AppRole
    created_at: datetime
