"""Secrets come back only with their key, and never show."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.secrets import HIDDEN, Mask, Sealer, fingerprint, new_secret, same


def test_sealed_values_come_back_and_can_not_be_read(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    sealed = sealer.seal({"PASSWORD": "hunter2 hunter2"})
    assert "hunter2" not in sealed
    assert sealer.unseal(sealed) == {"PASSWORD": "hunter2 hunter2"}


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = Sealer(path).seal({"A": "1"})
    assert Sealer(path).unseal(sealed) == {"A": "1"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_key_opens_nothing_and_says_which_key_is_wrong(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "one.key").seal({"A": "1"})
    with pytest.raises(UserError) as caught:
        Sealer(tmp_path / "other.key").unseal(sealed)
    assert "other.key" in caught.value.message
    assert caught.value.hint == "Restore the key file that belongs to this database."


@given(st.lists(st.text(min_size=6).filter(lambda text: text.strip() and "\n" not in text), max_size=5))
def test_no_long_value_survives_the_mask(values: list[str]) -> None:
    shown = Mask(values)(" and ".join(values)).split(HIDDEN)
    assert [value for value in values if any(value in part for part in shown)] == []


def test_short_values_stay_readable() -> None:
    assert Mask(["true", "5432"])("debug=true port=5432") == "debug=true port=5432"


def test_each_line_of_a_many_line_secret_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----"
    assert Mask([key])("got abcdefgh") == f"got {HIDDEN}"


def test_tokens_differ_and_compare() -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    assert same(one, one)
    assert not same(one, other)
    assert len(fingerprint(one)) == 64
