"""Absolute addresses that answers hand out, some of them signed.

A stream's address needs no login, since Heroku's clients open it without one; it is unguessable and expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from core.errors import NotFound
from web.parts import WebParts

OUTPUT = "output"
LOGS = "logs"


@dataclass(frozen=True)
class Links:
    """Addresses under `base`, the scheme and host by which the client reaches the API, without a last slash."""

    base: str
    secret: str

    @classmethod
    def of(cls, parts: WebParts, request: Request) -> Links:
        """Under the configured public address, else under the request's own."""
        return cls((parts.settings.public_url or request.host_url).rstrip("/"), parts.secret)

    def git(self, app_name: str) -> str:
        return f"{self.base}/{app_name}.git"

    def output(self, kind: str, app_id: str, record_id: str) -> str:
        """Where the output of a release (`kind` release) or of a push (`kind` build) can be read."""
        ticket = sign(self.secret, OUTPUT, {"kind": kind, "app": app_id, "id": record_id})
        return f"{self.base}/streams/output/{ticket}"

    def logs(self, wish: Mapping[str, Any]) -> str:
        """Where an app's log can be read; `wish` says of which app and how much."""
        return f"{self.base}/streams/logs/{sign(self.secret, LOGS, wish)}"


def sign(secret: str, purpose: str, payload: Mapping[str, Any]) -> str:
    """`payload` as a ticket that nobody else can make; one purpose's tickets are no good for another."""
    return URLSafeTimedSerializer(secret, salt=f"portside.{purpose}").dumps(dict(payload))


def unsign(secret: str, purpose: str, ticket: str, open_s: int) -> dict[str, Any]:
    """What was signed; raises NotFound for a made-up ticket or one older than `open_s`."""
    try:
        payload: dict[str, Any] = URLSafeTimedSerializer(secret, salt=f"portside.{purpose}").loads(ticket, open_s)
    except BadSignature as error:
        raise NotFound("There is no such stream, or its address has expired.", "Ask for a new one.") from error
    return payload
