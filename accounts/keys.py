"""SSH keys: which user a public key stands for. A key belongs to one user, or git could not tell who pushes."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from accounts import publickey
from accounts.tables import KeyRow, UserRow
from accounts.types import Identity, SshKey
from accounts.users import identity_of
from core import clock
from core.database import Database
from core.errors import NotFound, UserError
from core.ids import UserId, new_id


class Keys:
    """The users' SSH keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_key(self, user_id: str, public_key: str) -> SshKey:
        """Take a line of an OpenSSH `.pub` file; raises UserError for garbage, weak, private or taken keys."""
        key = publickey.parse(public_key)
        row = KeyRow(
            id=new_id(),
            user_id=user_id,
            fingerprint=key.fingerprint,
            public_key=key.line,
            comment=key.comment,
            created_at=clock.now(),
        )
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError as error:
            hint = "A key stands for one user: see yours with: portside keys"
            raise UserError(f"The key {key.fingerprint} is already in use.", hint) from error
        return _key(row)

    def keys(self, user_id: str) -> list[SshKey]:
        """The user's keys, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(select(KeyRow).where(KeyRow.user_id == user_id).order_by(KeyRow.created_at))
            return [_key(row) for row in rows]

    def key(self, user_id: str, key_id_or_fingerprint: str) -> SshKey:
        """One of the user's keys; raises NotFound."""
        named = or_(KeyRow.id == key_id_or_fingerprint, KeyRow.fingerprint == key_id_or_fingerprint)
        with self._database.read() as session:
            row = session.scalar(select(KeyRow).where(KeyRow.user_id == user_id, named))
        if row is None:
            raise NotFound("Couldn't find that key.", "See your keys with: portside keys")
        return _key(row)

    def remove_key(self, user_id: str, key_id_or_fingerprint: str) -> None:
        """Forget one of the user's keys; raises NotFound."""
        key = self.key(user_id, key_id_or_fingerprint)
        with self._database.write() as session:
            row = session.get(KeyRow, key.id)
            if row is not None:
                session.delete(row)

    def identify_key(self, fingerprint_sha256: str) -> Identity | None:
        """Whose key has the fingerprint `SHA256:…`; None when nobody's."""
        with self._database.read() as session:
            joined = select(UserRow).join(KeyRow, KeyRow.user_id == UserRow.id)
            row = session.scalar(joined.where(KeyRow.fingerprint == fingerprint_sha256))
        return None if row is None else identity_of(row)


def _key(row: KeyRow) -> SshKey:
    return SshKey(row.id, UserId(row.user_id), row.fingerprint, row.public_key, row.comment, row.created_at)
