"""What makes two builds the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.key import build_key, build_time, config_key
from core.ids import AppId

configs = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=4)
parts = st.tuples(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), configs)


def key(part) -> str:
    return build_key(AppId(part[0]), *part[1:])


@given(parts, parts)
def test_two_builds_have_the_same_key_exactly_when_all_that_goes_in_is_the_same(one, other):
    assert (key(one) == key(other)) == (one == other)


@given(configs)
def test_the_order_of_config_does_not_count(config):
    assert config_key(AppId("a"), config) == config_key(AppId("a"), dict(reversed(config.items())))


def test_only_declared_names_are_build_time():
    config = {"PIP_INDEX_URL": "u", "SECRET": "s", "UV_X": "x", "XPIP_": "n"}
    assert build_time(config, ("PIP_", "UV_")) == {"PIP_INDEX_URL": "u", "UV_X": "x"}
    assert build_time(config, ()) == {}
