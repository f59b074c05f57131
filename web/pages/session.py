"""Browser sessions: an opaque token in a cookie, whose record accounts keeps and can revoke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Response, g, request

from accounts import Accounts, Identity, TokenKind
from core.secrets import new_secret

LIFE_S: Final = 14 * 86_400
_VISIT_LIFE_S: Final = 86_400


@dataclass(frozen=True)
class Session:
    """Somebody is signed in: who, and by which secret."""

    identity: Identity
    secret: str


class Sessions:
    """Begins, finds and ends sessions.

    Over https the cookies have the prefix `__Host-`, so that an app on a subdomain can't plant one
    (RFC 6265bis, section 4.1.3).
    """

    def __init__(self, accounts: Accounts, public_url: str = "") -> None:
        self._accounts = accounts
        self._public = urlsplit(public_url)

    def current(self) -> Session | None:
        """The session of the present request, looked up once."""
        if "portside_session" not in g:
            g.portside_session = self.find(request.cookies.get(self._name("session"), ""))
        found: Session | None = g.portside_session
        return found

    def find(self, secret: str) -> Session | None:
        """The living session with that secret; an API token is not one."""
        token = self._accounts.token_of(secret) if secret else None
        if token is None or token.kind is not TokenKind.SESSION:
            return None
        identity = self._accounts.identify(secret)
        return None if identity is None else Session(identity, secret)

    def begin(self, identity: Identity, response: Response) -> None:
        """Sign in: always under a new secret; the session that this browser had before ends."""
        self.end(response)
        _, secret = self._accounts.issue_token(identity.user_id, "dashboard session", LIFE_S, TokenKind.SESSION)
        self._set(response, "session", secret, LIFE_S)
        self._drop(response, "visit")

    def end(self, response: Response) -> None:
        """Sign out: the session is over on the server too, whatever becomes of the cookie."""
        session = self.current()
        token = self._accounts.token_of(session.secret) if session else None
        if token is not None:
            self._accounts.revoke(token.user_id, token.id)
        self._drop(response, "session")

    def form_secret(self) -> str:
        """What this browser's forms are tied to: its session, or before sign-in a cookie of its visit."""
        session = self.current()
        if session is not None:
            return session.secret
        if "portside_visit" not in g:
            g.portside_visit = request.cookies.get(self._name("visit")) or new_secret()
        visit: str = g.portside_visit
        return visit

    def remember_visit(self, response: Response) -> Response:
        """Send the visit's cookie when a form was shown under it and the browser does not have it yet."""
        visit = g.get("portside_visit")
        if visit and visit != request.cookies.get(self._name("visit")) and response.status_code == 200:
            self._set(response, "visit", visit, _VISIT_LIFE_S)
        return response

    def own_hosts(self) -> frozenset[str]:
        """The hosts (with port) that our own pages are reached by."""
        return frozenset({request.host, self._public.netloc} - {""})

    def _secure(self) -> bool:
        return request.is_secure or self._public.scheme == "https"

    def _name(self, kind: str) -> str:
        return f"__Host-portside_{kind}" if self._secure() else f"portside_{kind}"

    def _set(self, response: Response, kind: str, value: str, life_s: int) -> None:
        response.set_cookie(
            self._name(kind), value, max_age=life_s, httponly=True, samesite="Lax", secure=self._secure()
        )

    def _drop(self, response: Response, kind: str) -> None:
        response.delete_cookie(self._name(kind), httponly=True, samesite="Lax", secure=self._secure())
