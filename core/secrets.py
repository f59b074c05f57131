"""Secrets: sealed at rest, random when made, compared in constant time, hidden in text.

Values are sealed with Fernet (AES-128-CBC and HMAC-SHA-256, https://github.com/fernet/spec) under a key file that is
0600 and lives outside the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from core.errors import UserError

HIDDEN = "[hidden]"
_SHORTEST_HIDDEN = 6


class Sealer:
    """Seals mappings of strings with the key in `path`, made at first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fernet = Fernet(_load_or_make(path))

    def seal(self, values: Mapping[str, str]) -> str:
        return self._fernet.encrypt(json.dumps(dict(values), sort_keys=True).encode()).decode()

    def unseal(self, sealed: str) -> dict[str, str]:
        """The mapping that was sealed; raises UserError when the key file is not the one it was sealed with."""
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            message = f"Config values can't be decrypted: they were sealed with another key than {self._path}."
            raise UserError(message, "Restore the key file that belongs to this database.") from error
        return opened


def _load_or_make(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
    try:
        os.link(temporary, path)  # unlike a rename, this never replaces a key that another process just made
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_bytes()


def stored_secret(path: Path) -> str:
    """The random secret in the 0600 file `path`, made at first use."""
    return _load_or_make(path).decode()


def new_secret() -> str:
    """256 random bits, safe in a URL or a header."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """What is stored of a random token: its SHA-256. (Passwords need a slow hash; random tokens do not.)"""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


class Mask:
    """Hides known secret values in text that people will see.

    Values shorter than six characters are left alone: hiding `true` or `5432` would make logs unreadable and
    protects nothing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        split = (line for value in values for line in value.split("\n"))
        lines = {shown for line in split for shown in (line, line.rstrip("\r")) if len(shown) >= _SHORTEST_HIDDEN}
        longest_first = sorted(lines, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if lines else None

    def __call__(self, text: str) -> str:
        return text if self._secrets is None else self._secrets.sub(HIDDEN, text)
