"""What a change makes of a content, and what a rollback would change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from releases.content import Content, back_to, changed, check_delta, describe_delta, preview, with_config, with_image

configs = st.dictionaries(st.sampled_from("ABCDE"), st.text(max_size=3))
deltas = st.dictionaries(st.sampled_from("ABCDE"), st.none() | st.text(max_size=3))


@given(configs, deltas)
def test_a_delta_sets_and_takes_away_and_leaves_the_rest(config: dict[str, str], delta: dict[str, str | None]) -> None:
    result = changed(config, delta)
    for key, value in delta.items():
        assert result.get(key) == value
    for key in config.keys() - delta.keys():
        assert result[key] == config[key]


@given(configs, deltas)
def test_the_same_delta_twice_is_once(config: dict[str, str], delta: dict[str, str | None]) -> None:
    once = changed(config, delta)
    assert changed(once, delta) == once


@given(configs, configs, st.booleans())
def test_a_preview_names_exactly_what_changes(now: dict[str, str], then: dict[str, str], code_only: bool) -> None:
    current, target = Content(image_id="b", config=now), Content(image_id="a", config=then)
    shown = preview(1, target, 2, current, code_only)
    result = back_to(current, target, code_only).config
    moved = {*shown.added, *shown.removed, *shown.changed}
    assert moved == {key for key in now.keys() | result.keys() if now.get(key) != result.get(key)}
    assert shown.image_changes


def test_a_push_keeps_the_config_and_a_config_change_keeps_the_image() -> None:
    current = Content(image_id="old", commit="c1", config={"A": "1"})
    pushed = with_image(current, Content(image_id="new", commit="c2"))
    assert (pushed.image_id, pushed.config) == ("new", {"A": "1"})
    set_now = with_config(pushed, {"A": None, "B": "2"})
    assert (set_now.image_id, set_now.commit, set_now.config) == ("new", "c2", {"B": "2"})


def test_a_rollback_brings_back_everything_or_only_the_code() -> None:
    current = Content(image_id="new", config={"A": "2"})
    target = Content(image_id="old", processes={"web": None}, config={"A": "1"})
    assert back_to(current, target, code_only=False) == target
    code = back_to(current, target, code_only=True)
    assert (code.image_id, code.processes, code.config) == ("old", {"web": None}, {"A": "2"})


def test_a_preview_in_words() -> None:
    current = Content(image_id="n", commit="bbbbbbbbbb", config={"A": "1", "B": "1"})
    target = Content(image_id="o", commit="aaaaaaaaaa", config={"B": "2", "C": "1"})
    expected = ["code: bbbbbbb -> aaaaaaa", "config: adds C", "config: removes A", "config: changes B"]
    assert preview(1, target, 2, current, code_only=False).lines() == expected


@pytest.mark.parametrize(
    ("delta", "message"),
    [
        ({}, "No config vars were given."),
        ({"1A": "x"}, "'1A' is not a config var name."),
        ({"A-B": "x"}, "'A-B' is not a config var name."),
        ({"PORT": "80"}, "PORT is set by Portside itself and can't be changed."),
        ({"PORTSIDE_APP": None}, "PORTSIDE_APP is set by Portside itself and can't be changed."),
        ({"A": "x\0y"}, "The value of A has a NUL byte, which no environment can hold."),
        ({"A": "x" * 40_000}, "The value of A is over 32 KB."),
    ],
)
def test_a_delta_that_can_not_be_made_is_explained(delta: dict[str, str | None], message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_delta(delta)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        ({"A": "1"}, "Set A config var"),
        ({"B": "1", "A": "1"}, "Set A, B config vars"),
        ({"A": None}, "Remove A config var"),
        ({"A": "1", "B": None, "C": None}, "Set A config var; Remove B, C config vars"),
    ],
)
def test_a_delta_is_described_by_its_keys(delta: dict[str, str | None], words: str) -> None:
    assert describe_delta(delta) == words
