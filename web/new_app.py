"""Making an app takes three packages: its record, its owner's access, its host name."""

from __future__ import annotations

from accounts import AppRole, Identity
from releases import App
from web.parts import WebParts


def create_app(parts: WebParts, name: str | None, owner: Identity) -> App:
    """A new app of `owner`; errors as Releases.create_app. The host name comes last: an app without one is unfinished,
    and the platform's sweep finishes it."""
    app = parts.releases.create_app(name, owner.user_id)
    parts.accounts.grant(app.id, owner.user_id, AppRole.OWNER)
    parts.router.name_app(app.id, app.name)
    return app
