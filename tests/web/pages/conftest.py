"""A dashboard per test; passwords are hashed lightly, since the hash itself is tested with accounts."""

from __future__ import annotations

from pathlib import Path

import pytest
from argon2 import PasswordHasher

from accounts import Accounts
from core.database import Database
from tests.web.pages.world import Site, build_site
from web.settings import WebSettings


class QuickAccounts(Accounts):
    """Real accounts with a password hash that costs next to nothing."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self._nobodys_hash = self._hasher.hash("nobody's password")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return build_site(tmp_path, QuickAccounts, WebSettings())


@pytest.fixture
def secure_site(tmp_path: Path) -> Site:
    return build_site(tmp_path, QuickAccounts, WebSettings(public_url="https://portside.example.com"))
