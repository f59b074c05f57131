"""Portside's account at a certificate authority: its key is made once, and sealed in the records before it is used."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from core import clock
from core.database import Database
from core.secrets import Sealer
from router.acme_tables import AccountRow
from router.pem import new_key_pem


class Account:
    """The account at one authority (`directory`: see `AcmeSettings.account`), the same for all processes."""

    def __init__(self, database: Database, key_file: Path, directory: str) -> None:
        self._database = database
        self._sealer = Sealer(key_file)
        self._directory = directory

    def key_pem(self) -> str:
        """Its key (P-256), made at first use."""
        row = self._row()
        if row is None:
            sealed = self._sealer.seal({"key": new_key_pem()})
            fresh = AccountRow(directory=self._directory, sealed_key=sealed, created_at=clock.now())
            try:
                with self._database.write() as session:
                    session.add(fresh)
            except IntegrityError:  # another process made one first
                fresh = self._row() or fresh
            row = fresh
        return self._sealer.unseal(row.sealed_key)["key"]

    def url(self) -> str | None:
        """Its address at the authority, once it is known there."""
        row = self._row()
        return None if row is None else row.url

    def known_as(self, url: str | None) -> None:
        """Record its address; None: the authority does not know it (any more)."""
        with self._database.write() as session:
            session.execute(update(AccountRow).where(AccountRow.directory == self._directory).values(url=url))

    def email(self) -> str | None:
        """Where the authority was told to write to; None where that is not known."""
        row = self._row()
        return None if row is None else row.email

    def told(self, email: str) -> None:
        """Record where the authority writes to."""
        with self._database.write() as session:
            session.execute(update(AccountRow).where(AccountRow.directory == self._directory).values(email=email))

    def _row(self) -> AccountRow | None:
        with self._database.read() as session:
            return session.get(AccountRow, self._directory)
