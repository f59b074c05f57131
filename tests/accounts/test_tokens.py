"""API tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from accounts import Accounts, Identity
from core import clock
from core.errors import NotFound, UserError


def test_a_token_says_whose_it_is(accounts: Accounts, ada: Identity) -> None:
    record, secret = accounts.issue_token(ada.user_id, "ci")
    assert accounts.identify(secret) == ada
    assert accounts.token_of(secret) == record
    assert accounts.tokens(ada.user_id) == [record]
    assert record.expires_at is None


def test_an_unknown_token_is_nobodys(accounts: Accounts, ada: Identity) -> None:
    assert accounts.identify("") is None
    assert accounts.token_of("made up") is None


def test_the_secret_is_not_stored(accounts: Accounts, ada: Identity) -> None:
    _, secret = accounts.issue_token(ada.user_id, "ci")
    with accounts._database.read() as session:
        stored = session.execute(text("SELECT * FROM tokens")).all()
    assert secret not in str(stored)


def test_an_expired_token_is_nobodys_and_leaves_the_list(
    accounts: Accounts, ada: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = accounts.issue_token(ada.user_id, "short", expires_in_s=60)
    assert accounts.identify(secret) == ada
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr("accounts.tokens.clock.now", lambda: later)
    assert accounts.identify(secret) is None
    assert accounts.token_of(secret) is None
    assert accounts.tokens(ada.user_id) == []


@pytest.mark.parametrize("expires_in_s", [0, -1, 10**12])
def test_an_impossible_expiry_is_refused(accounts: Accounts, ada: Identity, expires_in_s: int) -> None:
    with pytest.raises(UserError, match="can't expire in"):
        accounts.issue_token(ada.user_id, "ci", expires_in_s)


def test_a_revoked_token_is_nobodys(accounts: Accounts, ada: Identity) -> None:
    record, secret = accounts.issue_token(ada.user_id, "ci")
    accounts.revoke(ada.user_id, record.id)
    assert accounts.identify(secret) is None


def test_nobody_revokes_another_users_token(accounts: Accounts, ada: Identity, bob: Identity) -> None:
    record, secret = accounts.issue_token(ada.user_id, "ci")
    with pytest.raises(NotFound):
        accounts.revoke(bob.user_id, record.id)
    assert accounts.identify(secret) == ada
