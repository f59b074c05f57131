"""API tokens, logins and browser sessions: random secrets of which only the SHA-256 is kept."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, or_, select

from accounts.tables import TokenRow, UserRow
from accounts.types import Identity, Token, TokenKind
from accounts.users import identity_of
from core import clock
from core.database import Database
from core.errors import NotFound, UserError
from core.ids import UserId, new_id
from core.secrets import fingerprint, new_secret

LONGEST_DESCRIPTION = 200
LONGEST_LIFE_S = 10 * 365 * 86_400


class Tokens:
    """Makes tokens, tells whose they are, ends them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue_token(
        self,
        user_id: str,
        description: str,
        expires_in_s: int | None = None,
        kind: TokenKind = TokenKind.MANUAL,
    ) -> tuple[Token, str]:
        """A new token: its record, and its secret, which can't be shown again. None: it does not expire."""
        if expires_in_s is not None and not 0 < expires_in_s <= LONGEST_LIFE_S:
            raise UserError(
                f"A token can't expire in {expires_in_s} seconds.", "Give a number from 1 to 315360000 (ten years)."
            )
        moment, secret = clock.now(), new_secret()
        row = TokenRow(
            id=new_id(),
            user_id=user_id,
            fingerprint=fingerprint(secret),
            description=description[:LONGEST_DESCRIPTION],
            kind=kind,
            created_at=moment,
            expires_at=None if expires_in_s is None else clock.after(expires_in_s, moment),
        )
        with self._database.write() as session:
            session.execute(delete(TokenRow).where(TokenRow.user_id == user_id, TokenRow.expires_at <= moment))
            session.add(row)
        return _token(row), secret

    def identify(self, token: str) -> Identity | None:
        """Whose token this is; None when nobody's, or expired."""
        with self._database.read() as session:
            joined = select(UserRow).join(TokenRow, TokenRow.user_id == UserRow.id)
            row = session.scalar(joined.where(TokenRow.fingerprint == fingerprint(token), _alive()))
        return None if row is None else identity_of(row)

    def token_of(self, token: str) -> Token | None:
        """The record of a token given by its secret; None when there is none, or it is expired."""
        with self._database.read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.fingerprint == fingerprint(token), _alive()))
        return None if row is None else _token(row)

    def tokens(self, user_id: str) -> list[Token]:
        """The user's unexpired tokens, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(
                select(TokenRow).where(TokenRow.user_id == user_id, _alive()).order_by(TokenRow.created_at)
            )
            return [_token(row) for row in rows]

    def revoke(self, user_id: str, token_id: str) -> None:
        """End one of the user's tokens now; raises NotFound."""
        with self._database.write() as session:
            row = session.get(TokenRow, token_id)
            if row is None or row.user_id != user_id:
                raise NotFound("Couldn't find that authorization.")
            session.delete(row)


def _alive() -> ColumnElement[bool]:
    return or_(TokenRow.expires_at.is_(None), TokenRow.expires_at > clock.now())


def _token(row: TokenRow) -> Token:
    return Token(row.id, UserId(row.user_id), row.description, TokenKind(row.kind), row.created_at, row.expires_at)
