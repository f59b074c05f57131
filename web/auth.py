"""Who is asking: the credentials of an API request.

A client sends `Authorization: Bearer TOKEN`, or Basic with the token as password and any user name (git, the older
Heroku clients). Cookies are never looked at, so no page of another site can make a signed-in browser use the API.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from flask import Request

from accounts import Accounts, Identity
from core.errors import Unauthorized


@dataclass(frozen=True)
class Credentials:
    """What an Authorization header holds; `user` is empty for Bearer."""

    user: str
    secret: str = field(repr=False)


def credentials_of(request: Request) -> Credentials | None:
    """The credentials that the request carries; None when it has none that can be read."""
    scheme, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "token") and rest:
        return Credentials("", rest)
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(user, secret) if secret else None


def identify(accounts: Accounts, request: Request) -> tuple[Identity, str]:
    """Who sends this API request, and the token it carries; raises Unauthorized."""
    found = credentials_of(request)
    identity = accounts.identify(found.secret) if found else None
    if found is None or identity is None:
        hint = "Log in with: portside login"
        said = "There is no token in this request." if found is None else "The token is not valid, or has expired."
        raise Unauthorized(said, hint)
    return identity, found.secret
