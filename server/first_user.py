"""The first user, and passwords that nobody sees on a screen: generated ones go into files of mode 0600."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from accounts import Accounts, Identity
from core.errors import UserError

EMAIL = "admin@portside.localhost"
FILE = "first-user.txt"


def ensure_first_user(accounts: Accounts, home: Path) -> Identity:
    """The first admin: made, with a password in `home/first-user.txt`, when there is no user at all yet."""
    users = accounts.users()
    if users:
        return next((user for user in users if user.is_admin), users[0])
    password = secrets.token_urlsafe(18)
    write_password(home / FILE, EMAIL, password)
    return accounts.add_user(EMAIL, password, admin=True)


def write_password(path: Path, email: str, password: str) -> None:
    """Write who and what into a new file that only its owner may read; raises UserError if it can't be written."""
    path.unlink(missing_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}.", "Name another file.") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"email: {email}\npassword: {password}\n")
