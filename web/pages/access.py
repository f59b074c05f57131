"""Which app a page is about, and whether this person may see it or act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts import Accounts, Identity, Permission
from core.errors import Forbidden, NotFound, Unauthorized
from releases import App, Releases
from web.pages.session import Session, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Access:
    """Answers for the present request; the rules themselves are accounts'."""

    def __init__(self, accounts: Accounts, releases: Releases, sessions: Sessions) -> None:
        self._accounts = accounts
        self._releases = releases
        self._sessions = sessions

    def identity(self) -> Identity:
        """Who is signed in; raises Unauthorized when nobody is."""
        return self._session().identity

    def app(self, name: str, permission: Permission = Permission.VIEW) -> App:
        """The app, if this person may do that with it.

        Raises NotFound for an app that is not there and, in the same words, for one that they may not see;
        Forbidden when they may see it but not do that.
        """
        identity, app = self.identity(), self._releases.app(name)
        held = self._accounts.permissions(identity, app.id)
        if Permission.VIEW not in held:
            raise NotFound("Couldn't find that app.", "See your apps: portside apps")
        if permission not in held:
            raise _forbidden(held)
        return app

    def may_manage(self, app: App) -> bool:
        return Permission.MANAGE in self._accounts.permissions(self.identity(), app.id)

    def may_deploy(self, app: App) -> bool:
        return Permission.DEPLOY in self._accounts.permissions(self.identity(), app.id)

    def still_sees(self, app: App) -> Callable[[], bool]:
        """A question for a stream that stays open for hours: is the session alive, may they still look?"""
        secret = self._session().secret

        def sees() -> bool:
            session = self._sessions.find(secret)
            return session is not None and Permission.VIEW in self._accounts.permissions(session.identity, app.id)

        return sees

    def _session(self) -> Session:
        session = self._sessions.current()
        if session is None:
            raise Unauthorized("You are not signed in.", "Sign in and try again.")
        return session


def _forbidden(held: Collection[Permission]) -> Forbidden:
    if Permission.DEPLOY in held:
        return Forbidden("You may deploy this app; only its owners may change this.", "Ask one of them to do it.")
    return Forbidden("You may look at this app but not change it.", "Ask its owner to let you deploy.")
