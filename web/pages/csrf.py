"""Protection against forged forms: a token in each form, and the request's own word on where it comes from.

SameSite cookies alone do not do: an app on a subdomain is the same site.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from flask import request

from core.errors import UserError
from core.secrets import same

FIELD: Final = "csrf_token"


class ForgedForm(UserError):
    """This form could not be accepted: it was open for too long, or it came from another page."""

    code = "bad_request"


def token_for(form_secret: str) -> str:
    """The token of a browser's forms; it does not give away the secret that it is made from."""
    return hmac.new(form_secret.encode(), b"portside form", hashlib.sha256).hexdigest()


def check(form_secret: str, own_hosts: Collection[str]) -> None:
    """Raise ForgedForm unless the present POST comes from one of our own forms."""
    origin = request.headers.get("Origin")
    from_us = origin is None or urlsplit(origin).netloc in own_hosts
    if not from_us or not same(request.form.get(FIELD, ""), token_for(form_secret)):
        raise ForgedForm("", "Go back, reload the page and try again.")
