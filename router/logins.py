"""Names and passwords for an app that is not for everybody, and what HAProxy checks them by. Pure.

HAProxy computes the HMAC-SHA-256 of the password that it is sent, with the salt as its key, and compares it with this
digest in constant time (docs/decisions/0020). The password itself is not kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from core.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,64}")  # no colon: it ends the name in the header (RFC 7617, section 2)
_SHORTEST, _LONGEST_BYTES = 8, 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SALT_BYTES = 16


@dataclass(frozen=True)
class Hash:
    """`salt` is base64, `digest` hexadecimal in capitals: as HAProxy takes and writes them."""

    salt: str
    digest: str


UNKNOWN = Hash(base64.b64encode(bytes(_SALT_BYTES)).decode(), "none")
"""Takes the place of the hash of somebody who is not known: no password has this digest."""


def check_name(name: str) -> str:
    """`name` as it is. Raises UserError."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} can't be a user's name: it may hold letters, digits and . _ @ + -, 64 at most.",
            "Choose another name.",
        )
    return name


def hashed(password: str, salt: bytes | None = None) -> Hash:
    """The hash of a password, with a fresh salt. Raises UserError for a password that won't do; never shows it."""
    if len(password) < _SHORTEST:
        raise UserError(
            f"The password has {len(password)} characters; it needs {_SHORTEST} or more.", "Choose a longer one."
        )
    encoded = password.encode()
    if len(encoded) > _LONGEST_BYTES or _CONTROL.search(password):
        raise UserError(
            f"The password is longer than {_LONGEST_BYTES} bytes, or has control characters.", "Choose another one."
        )
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    return Hash(base64.b64encode(salt).decode(), hmac.new(salt, encoded, hashlib.sha256).hexdigest().upper())
