"""Checks as app.json writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.checks import CheckKind, HealthCheck, overlaid, read, write

TEXT = st.text(min_size=1, max_size=20)
WHOLE = st.integers(1, 9999)
CHECKS = st.builds(
    HealthCheck,
    kind=st.sampled_from(CheckKind),
    name=st.just("") | TEXT,
    path=st.none() | TEXT,
    command=st.lists(TEXT, max_size=3).map(tuple),
    listening=st.booleans(),
    uptime_s=st.none() | WHOLE,
    port=st.none() | WHOLE,
    scheme=st.sampled_from(["http", "https"]),
    content=st.just("") | TEXT,
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    attempts=st.none() | WHOLE,
    timeout_s=WHOLE.map(float),
    wait_s=WHOLE.map(float),
    initial_delay_s=WHOLE.map(float),
    warn=st.booleans(),
)


@given(st.lists(CHECKS, max_size=3).map(tuple))
def test_what_is_written_is_read_again(checks: tuple[HealthCheck, ...]) -> None:
    assert read(write(checks)) == checks


def test_what_is_left_out_or_empty_has_dokkus_defaults() -> None:
    plain = HealthCheck(CheckKind.STARTUP, timeout_s=5, wait_s=5)
    assert read("[{}]") == (plain,)
    assert read('[{"path": "", "uptime": 0, "port": 0, "timeout": 0, "attempts": 0, "type": ""}]') == (plain,)
    assert plain.failures_allowed == 3


def test_a_path_alone_is_what_older_releases_have() -> None:
    assert read("/up") == (HealthCheck(path="/up"),)


def test_checks_set_for_the_app_take_the_place_of_those_of_their_kind() -> None:
    startup, readiness, own = (
        HealthCheck(path="/a"),
        HealthCheck(CheckKind.READINESS, path="/b"),
        HealthCheck(path="/c"),
    )
    assert overlaid((startup, readiness), (own,)) == (readiness, own)
    assert overlaid((startup, readiness), ()) == (startup, readiness)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (HealthCheck(path="/up"), "GET /up"),
        (HealthCheck(path="/up", port=81, scheme="https", content="ok"), "GET /up on port 81 over TLS has 'ok'"),
        (HealthCheck(command=("bin/check", "-q")), "bin/check -q"),
        (HealthCheck(listening=True), "listens on PORT"),
        (HealthCheck(listening=True, port=81), "listens on port 81"),
        (HealthCheck(uptime_s=9), "runs for 9 s"),
        (HealthCheck(), "runs"),
    ],
)
def test_a_check_is_told_in_words(check: HealthCheck, words: str) -> None:
    assert str(check) == words
