"""A real Accounts on a fresh SQLite file, with quick password hashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest

from accounts import Accounts, Identity
from core.database import Database

PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("accounts.users.PasswordHasher", lambda: quick)
    database = Database(f"sqlite:///{tmp_path / 'accounts.db'}")
    database.create_tables()
    yield Accounts(database)
    database.close()


@pytest.fixture
def ada(accounts: Accounts) -> Identity:
    return accounts.add_user("ada@example.com", PASSWORD)


@pytest.fixture
def bob(accounts: Accounts) -> Identity:
    return accounts.add_user("bob@example.com", PASSWORD)
