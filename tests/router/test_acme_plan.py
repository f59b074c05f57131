"""What is done about automatic certificates, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from router.acme_plan import (
    Present,
    Step,
    Trouble,
    changes,
    kind_of,
    next_step,
    record_name,
    renew_at,
    renew_within,
    retry_at,
    why_not,
)
from router.acme_settings import AcmeSettings
from router.acme_types import Challenge, ChallengeKind, Order, OrderStatus

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LIFE = timedelta(days=90)
ANSWER = f"token.{'a' * 43}"


@given(st.text("abcdefghijklmnopqrstuvwxyz.", min_size=1))
def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left_or_a_little_earlier(host):
    left = NOW + LIFE - renew_at(NOW, NOW + LIFE, host)
    assert timedelta(days=30) <= left <= timedelta(days=36)


@given(st.text("abcdefghijklmnopqrstuvwxyz.", min_size=1), st.integers(0, 80), st.integers(0, 9))
def test_a_certificate_is_renewed_within_the_window_that_its_authority_suggests(host, begin, days):
    window = NOW + timedelta(days=begin), NOW + timedelta(days=begin + days)
    found = renew_within(window, NOW, NOW + LIFE, host)
    assert window[0] <= found <= window[1] or found == renew_at(NOW, NOW + LIFE, host)
    assert found <= NOW + LIFE * 0.9


def test_windows_that_make_no_sense_or_leave_no_time_are_not_followed():
    usual = renew_at(NOW, NOW + LIFE, "www.example.com")
    late = NOW + timedelta(days=85)
    for window in (None, (late, late), (NOW + LIFE, NOW + LIFE * 2), (late, NOW)):
        assert renew_within(window, NOW, NOW + LIFE, "www.example.com") == usual
    past = NOW - timedelta(days=2)
    assert renew_within((past, past), NOW, NOW + LIFE, "www.example.com") == past  # it is to be revoked: at once


def test_hosts_that_were_issued_together_are_not_renewed_together():
    assert len({renew_at(NOW, NOW + LIFE, f"{number}.example.com") for number in range(50)}) == 50


@given(st.sampled_from(list(Trouble)), st.integers(1, 100), st.text(), st.floats(0, 1e6))
def test_attempts_back_off_and_never_come_before_the_authority_allows(trouble, failures, host, wait_s):
    first, most = trouble.value
    pause_s = (retry_at(trouble, failures, host, NOW, wait_s) - NOW).total_seconds()
    assert pause_s >= wait_s - 1e-3
    assert pause_s >= min(first * 2 ** (failures - 1), most) - 1e-3
    assert pause_s <= max(wait_s, most * 1.2) + 1e-3


def test_what_an_authority_refused_is_tried_five_times_an_hour_at_most():
    moment, tried = NOW, 0
    while moment < NOW + timedelta(hours=1):
        tried += 1
        moment = retry_at(Trouble.REFUSED, tried, "www.example.com", moment)
    assert tried <= 5


def challenge(told: bool) -> Challenge:
    return Challenge(ChallengeKind.HTTP, "u", "token", ANSWER, told)


@pytest.mark.parametrize(
    ("status", "left", "step"),
    [
        (OrderStatus.PENDING, challenge(told=False), Step.ANSWER),
        (OrderStatus.PENDING, challenge(told=True), Step.WAIT),
        (OrderStatus.PENDING, None, Step.WAIT),
        (OrderStatus.READY, None, Step.FINALIZE),
        (OrderStatus.PROCESSING, None, Step.WAIT),
        (OrderStatus.VALID, None, Step.FETCH),
        (OrderStatus.INVALID, None, Step.GIVE_UP),
    ],
)
def test_each_state_of_an_order_has_its_next_step(status, left, step):
    assert next_step(Order("u", status, "f", challenge=left)) is step


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        ("tok en", ANSWER),
        ("token;", ANSWER),
        ("", ANSWER),
        ("token", "token"),
        ("token", f"{ANSWER}\n"),
        ("a" * 301, ANSWER),
    ],
)
def test_what_is_no_base64url_never_becomes_a_command(token, answer):
    with pytest.raises(ValueError, match="not a challenge"):
        Challenge(ChallengeKind.HTTP, "u", token, answer, told=False)


@pytest.mark.parametrize(
    ("host", "settings", "words"),
    [
        ("www.example.com", {}, ""),
        ("shop.localhost", {}, ".localhost is not a public domain, so no public authority vouches for names in it"),
        ("shop.internal", {"private_hosts": True}, ""),
        (
            "*.example.com",
            {},
            "a wildcard is proven by DNS, for which this server has no program (PORTSIDE_ACME_DNS_HOOK)",
        ),
        ("*.example.com", {"dns_hook": "/bin/hook"}, ""),
        (
            "www.example.com",
            {"challenge": "dns"},
            "a host is proven by DNS, for which this server has no program (PORTSIDE_ACME_DNS_HOOK)",
        ),
    ],
)
def test_hosts_that_can_have_no_certificate_are_told_why(host, settings, words):
    assert why_not(host, AcmeSettings(**settings)) == words


def test_wildcards_are_proven_by_dns_at_the_name_below_the_star():
    assert kind_of("*.example.com", AcmeSettings()) is ChallengeKind.DNS
    assert kind_of("www.example.com", AcmeSettings()) is ChallengeKind.HTTP
    assert record_name("*.example.com") == record_name("example.com") == "_acme-challenge.example.com"


def present(host: str, due_s: float, app: str = "app") -> Present:
    return Present(f"id of {host}", app, host, NOW + timedelta(seconds=due_s))


def test_what_is_due_is_looked_at_the_longest_due_first_and_a_few_at_once():
    wanted = dict.fromkeys(("a", "b", "c", "d", "new"), "app")
    orders = [present("a", -1), present("b", -9), present("c", 60), present("d", -5)]
    found = changes(wanted, orders, {"id of d"}, 2, NOW)
    assert found.missing == {"new": "app"}
    assert found.look == ["id of b"]
    assert changes(wanted, orders, set(), 4, NOW).look == ["id of b", "id of d", "id of a"]


def test_an_order_that_nobody_wants_is_looked_at_to_be_dropped():
    moved, gone = present("moved", 60, app="former"), present("gone", 60)
    found = changes({"moved": "app"}, [moved, gone], set(), 4, NOW)
    assert sorted(found.look) == ["id of gone", "id of moved"]
    assert found.missing == {}  # until the former app's order is dropped


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(UserError, match=r"acme.challenge is 'tls'; it must be http or dns"):
        AcmeSettings(challenge="tls")
    with pytest.raises(UserError, match=r"acme.parallel is 0; it must be 1 or more"):
        AcmeSettings(parallel=0)
