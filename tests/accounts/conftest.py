"""A real Accounts on a fresh SQLite file, with quick password hashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import Accounts, Identity
from tests.databases import new_database

PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(tmp_path: Path, quick_passwords: None) -> Iterator[Accounts]:
    database = new_database(tmp_path / "accounts.db")
    yield Accounts(database)
    database.close()


@pytest.fixture
def ada(accounts: Accounts) -> Identity:
    return accounts.add_user("ada@example.com", PASSWORD)


@pytest.fixture
def bob(accounts: Accounts) -> Identity:
    return accounts.add_user("bob@example.com", PASSWORD)
