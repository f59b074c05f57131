"""Users and their passwords.

Passwords are kept as Argon2id hashes with argon2-cffi's defaults (RFC 9106, low-memory profile). An unknown e-mail
address costs the same hash as a known one, and is counted and refused the same, so that nothing tells which exist.
"""

from __future__ import annotations

import re
import threading
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from accounts.tables import FailureRow, TokenRow, UserRow
from accounts.types import Identity, Role, TokenKind
from core import clock
from core.database import Database
from core.errors import NotFound, Unauthorized, UserError
from core.ids import UserId, new_id
from core.secrets import new_secret

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000
MOST_FAILURES = 10
FAILURES_WITHIN = timedelta(minutes=15)
_HASHES_AT_ONCE = 2  # each takes 64 MiB while it runs
_EMAIL = re.compile(r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}$")
_ENDED_BY_NEW_PASSWORD = (TokenKind.SESSION, TokenKind.LOGIN)


def normal(email: str) -> str:
    """The form in which an e-mail address is stored and compared."""
    return email.strip().lower()


class Users:
    """The users of the platform."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasher = PasswordHasher()
        self._nobodys_hash = self._hasher.hash(new_secret())
        self._hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)

    def add_user(self, email: str, password: str, *, admin: bool = False) -> Identity:
        """A new user; raises UserError for an e-mail address that is malformed or taken, or a short password."""
        address = normal(email)
        if not _EMAIL.match(address):
            raise UserError(f"{email!r} is not an e-mail address.", "Give one such as ada@example.com.")
        role = Role.ADMIN if admin else Role.MEMBER
        row = UserRow(id=new_id(), email=address, password_hash=self._hash(password), role=role, created_at=clock.now())
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError as error:
            hint = f"Change its password with: portside-server user:passwd {address}"
            raise UserError(f"There is already a user {address}.", hint) from error
        return identity_of(row)

    def set_password(self, email: str, password: str) -> None:
        """Change the password and end the user's browser sessions and logins; made tokens stay."""
        hashed = self._hash(password)
        with self._database.write() as session:
            row = session.scalar(select(UserRow).where(UserRow.email == normal(email)))
            if row is None:
                raise unknown_user(email)
            session.execute(update(UserRow).where(UserRow.id == row.id).values(password_hash=hashed))
            session.execute(
                delete(TokenRow).where(TokenRow.user_id == row.id, TokenRow.kind.in_(_ENDED_BY_NEW_PASSWORD))
            )
            session.execute(delete(FailureRow).where(FailureRow.email == row.email))

    def users(self) -> list[Identity]:
        """All users, by e-mail address."""
        with self._database.read() as session:
            return [identity_of(row) for row in session.scalars(select(UserRow).order_by(UserRow.email))]

    def user(self, user_id: str) -> Identity:
        """The user with that id; raises NotFound."""
        with self._database.read() as session:
            row = session.get(UserRow, user_id)
        if row is None:
            raise NotFound("Couldn't find that user.")
        return identity_of(row)

    def sign_in(self, email: str, password: str) -> Identity:
        """Who has this e-mail address and password.

        Raises Unauthorized for a wrong pair; UserError with code `rate_limit` after 10 wrong ones for one address
        within 15 minutes. An attempt is counted before it is checked, so parallel guesses can't slip under the limit.
        """
        address = normal(email)[:254]
        self._count_attempt(address)
        with self._database.read() as session:
            row = session.scalar(select(UserRow).where(UserRow.email == address))
        fits = self._verify(self._nobodys_hash if row is None else row.password_hash, password)
        if row is None or not fits:
            raise Unauthorized("The e-mail address or the password is wrong.")
        with self._database.write() as session:
            session.execute(delete(FailureRow).where(FailureRow.email == address))
        return identity_of(row)

    def _count_attempt(self, address: str) -> None:
        moment = clock.now()
        with self._database.write() as session:
            session.execute(delete(FailureRow).where(FailureRow.at < moment - FAILURES_WITHIN))
            counted = select(func.count()).select_from(FailureRow).where(FailureRow.email == address)
            if (session.scalar(counted) or 0) >= MOST_FAILURES:
                message = f"Too many wrong passwords for {address}."
                raise UserError(message, "Wait 15 minutes and try again.", code="rate_limit")
            session.add(FailureRow(id=new_id(), email=address, at=moment))

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD:
            message = f"The password has {len(password)} characters; it needs at least {SHORTEST_PASSWORD}."
            raise UserError(message, "Choose a longer one: a few random words do well.")
        if len(password) > LONGEST_PASSWORD:
            raise UserError(f"The password is longer than {LONGEST_PASSWORD} characters.", "Choose a shorter one.")
        with self._hashing:
            return self._hasher.hash(password)

    def _verify(self, hashed: str, password: str) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(hashed, password[: LONGEST_PASSWORD + 1])
            except VerificationError:
                return False


def identity_of(row: UserRow) -> Identity:
    return Identity(UserId(row.id), row.email, row.role == Role.ADMIN)


def unknown_user(email: str) -> NotFound:
    address = normal(email)
    hint = f"Add them on the server with: portside-server user:add {address}"
    return NotFound(f"There is no user {address}.", hint)
