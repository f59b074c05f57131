"""Users and passwords."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from accounts import Accounts, Identity, TokenKind
from core import clock
from core.errors import NotFound, Unauthorized, UserError

PASSWORD = "correct horse battery"


def test_a_user_signs_in_with_the_right_password(accounts: Accounts, ada: Identity) -> None:
    assert accounts.sign_in("ada@example.com", PASSWORD) == ada


def test_case_and_blanks_of_an_email_do_not_matter(accounts: Accounts, ada: Identity) -> None:
    assert accounts.sign_in("  Ada@Example.COM ", PASSWORD) == ada


def test_a_wrong_password_and_an_unknown_email_are_told_the_same(accounts: Accounts, ada: Identity) -> None:
    told = []
    for email in ("ada@example.com", "nobody@example.com"):
        with pytest.raises(Unauthorized) as refusal:
            accounts.sign_in(email, "wrong password")
        told.append(refusal.value.message)
    assert told == ["The e-mail address or the password is wrong."] * 2


def test_an_unknown_email_costs_a_hash_too(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    verify = accounts._verify
    monkeypatch.setattr(accounts, "_verify", lambda *args: checked.append(args) or verify(*args))
    with pytest.raises(Unauthorized):
        accounts.sign_in("nobody@example.com", "wrong password")
    assert len(checked) == 1


def test_the_eleventh_guess_is_refused_even_if_right(accounts: Accounts, ada: Identity) -> None:
    for _ in range(10):
        with pytest.raises(Unauthorized):
            accounts.sign_in("ada@example.com", "wrong password")
    with pytest.raises(UserError, match="Too many wrong passwords") as refusal:
        accounts.sign_in("ada@example.com", PASSWORD)
    assert refusal.value.code == "rate_limit"
    assert refusal.value.hint == "Wait 15 minutes and try again."


def test_the_limit_holds_for_unknown_emails_and_for_one_email_only(accounts: Accounts, ada: Identity) -> None:
    for _ in range(10):
        with pytest.raises(Unauthorized):
            accounts.sign_in("nobody@example.com", "wrong password")
    with pytest.raises(UserError, match="Too many wrong passwords"):
        accounts.sign_in("nobody@example.com", "wrong password")
    assert accounts.sign_in("ada@example.com", PASSWORD) == ada


def test_parallel_guesses_do_not_slip_under_the_limit(accounts: Accounts, ada: Identity) -> None:
    def guess(_: int) -> str:
        try:
            accounts.sign_in("ada@example.com", "wrong password")
        except UserError as error:
            return error.code
        return "in"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(guess, range(30)))
    assert told.count("unauthorized") == 10
    assert told.count("rate_limit") == 20


def test_failures_are_forgotten_after_a_quarter_of_an_hour(
    accounts: Accounts, ada: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        with pytest.raises(Unauthorized):
            accounts.sign_in("ada@example.com", "wrong password")
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr("accounts.users.clock.now", lambda: later)
    assert accounts.sign_in("ada@example.com", PASSWORD) == ada


def test_success_clears_the_count(accounts: Accounts, ada: Identity) -> None:
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(Unauthorized):
                accounts.sign_in("ada@example.com", "wrong password")
        assert accounts.sign_in("ada@example.com", PASSWORD) == ada


@pytest.mark.parametrize("email", ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@exam\nple.com"])
def test_a_malformed_email_is_refused(accounts: Accounts, email: str) -> None:
    with pytest.raises(UserError, match="is not an e-mail address"):
        accounts.add_user(email, PASSWORD)


def test_a_short_password_is_refused_with_its_length(accounts: Accounts) -> None:
    with pytest.raises(UserError, match="has 9 characters; it needs at least 10"):
        accounts.add_user("ada@example.com", "ninechars")


def test_a_taken_email_is_refused_in_any_case(accounts: Accounts, ada: Identity) -> None:
    with pytest.raises(UserError, match=r"There is already a user ada@example\.com") as refusal:
        accounts.add_user("ADA@example.com", PASSWORD)
    assert refusal.value.hint.endswith("portside-server user:passwd ada@example.com")


def test_users_are_listed_by_email(accounts: Accounts, bob: Identity, ada: Identity) -> None:
    assert accounts.users() == [ada, bob]
    assert accounts.user(ada.user_id) == ada


def test_an_unknown_user_is_not_found(accounts: Accounts) -> None:
    with pytest.raises(NotFound):
        accounts.user("00000000-0000-4000-8000-000000000000")
    with pytest.raises(NotFound, match=r"There is no user nobody@example\.com"):
        accounts.set_password("nobody@example.com", PASSWORD)


def test_a_new_password_ends_sessions_and_logins_but_not_made_tokens(accounts: Accounts, ada: Identity) -> None:
    secrets = {kind: accounts.issue_token(ada.user_id, "t", kind=kind)[1] for kind in TokenKind}
    accounts.set_password("ada@example.com", "another long password")
    alive = {kind for kind, secret in secrets.items() if accounts.identify(secret)}
    assert alive == {TokenKind.MANUAL}
    assert accounts.sign_in("ada@example.com", "another long password") == ada
    with pytest.raises(Unauthorized):
        accounts.sign_in("ada@example.com", PASSWORD)
