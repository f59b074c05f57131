"""The accounts service: one object of four parts, each in its own module."""

from __future__ import annotations

from accounts.access import Access
from accounts.keys import Keys
from accounts.tokens import Tokens
from accounts.users import Users
from core.database import Database


class Accounts(Users, Tokens, Keys, Access):
    """Users, tokens, SSH keys and access to apps. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        Users.__init__(self, database)
