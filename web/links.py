"""Absolute addresses that answers hand out, some of them signed.

A stream's address needs no login, since Heroku's clients open it without one; it is unguessable, expires, and is good
only as long as the user whom it was given to may see the app.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from accounts import Permission
from core.errors import Forbidden, NotFound
from releases import App
from web.parts import WebParts

OUTPUT = "output"
LOGS = "logs"


@dataclass(frozen=True)
class Links:
    """Addresses under `base`, the scheme and host by which the client reaches the API, without a last slash."""

    base: str
    secret: str = field(repr=False)
    user_id: str = ""

    @classmethod
    def of(cls, parts: WebParts, request: Request) -> Links:
        """Under the configured public address, else under the request's own."""
        return cls((parts.settings.public_url or request.host_url).rstrip("/"), parts.secret)

    def given_to(self, user_id: str) -> Links:
        """The same, for a user who is known by now."""
        return replace(self, user_id=user_id)

    def git(self, app_name: str) -> str:
        return f"{self.base}/{app_name}.git"

    def output(self, kind: str, app_id: str, record_id: str) -> str:
        """Where the output of a release (`kind` release), a push (build), or a change (storage, sizes) can be read."""
        ticket = sign(self.secret, OUTPUT, {"kind": kind, "app": app_id, "id": record_id, "user": self.user_id})
        return f"{self.base}/streams/output/{ticket}"

    def logs(self, wish: Mapping[str, Any]) -> str:
        """Where an app's log can be read; `wish` says of which app and how much."""
        ticket = sign(self.secret, LOGS, {**wish, "user": self.user_id})
        return f"{self.base}/streams/logs/{ticket}"


def sign(secret: str, purpose: str, payload: Mapping[str, Any]) -> str:
    """`payload` as a ticket that nobody else can make; one purpose's tickets are no good for another."""
    return _signer(secret, purpose).dumps(dict(payload))


def unsign(parts: WebParts, purpose: str, ticket: str, open_s: int) -> tuple[dict[str, Any], App]:
    """What was signed, and the app that it is about.

    Raises NotFound for a made-up ticket, one older than `open_s`, and one whose user may not see the app any more.
    """
    try:
        payload: dict[str, Any] = _signer(parts.secret, purpose).loads(ticket, open_s)
        app = parts.releases.app(payload["app"])
        parts.accounts.require(parts.accounts.user(payload["user"]), app.id, Permission.VIEW)
    except (BadSignature, NotFound, Forbidden) as error:
        raise NotFound("There is no such stream, or its address has expired.", "Ask for a new one.") from error
    return payload, app


def _signer(secret: str, purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt=f"portside.{purpose}")
