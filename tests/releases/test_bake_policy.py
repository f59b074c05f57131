"""When a release is worse than the one before it."""

from __future__ import annotations

import pytest

from core.errors import UserError
from releases import BakePolicy
from releases.bake_policy import Numbers, judge, summary

BOTH = BakePolicy(minutes=10, errors_percent=5.0, p95_factor=2.0, least_requests=50)
GOOD = Numbers(10_000, 50, 100.0)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (GOOD, Numbers(100, 5, 120.0), ""),
        (GOOD, Numbers(100, 6, 120.0), "5xx 6.0 % of 100 requests (before: 0.5 % of 10000)"),
        (GOOD, Numbers(49, 49, 9000.0), ""),
        (GOOD, Numbers(50, 0, 200.0), ""),
        (GOOD, Numbers(50, 0, 201.0), "p95 201 ms of 50 requests (before: 100 ms)"),
        (Numbers(100, 0, 2.0), Numbers(100, 0, 50.0), ""),
        (Numbers(100, 0, 2.0), Numbers(100, 0, 53.0), "p95 53 ms of 100 requests (before: 2 ms)"),
        (Numbers(100, 20, 2.0), Numbers(100, 24, 2.0), ""),
        (Numbers(), Numbers(100, 5, 9000.0), ""),
        (
            Numbers(3, 3, 1.0),
            Numbers(100, 6, 9000.0),
            "5xx 6.0 % of 100 requests (before: too few requests to compare with)",
        ),
        (
            GOOD,
            Numbers(100, 50, 500.0),
            "5xx 50.0 % of 100 requests (before: 0.5 % of 10000); p95 500 ms of 100 requests (before: 100 ms)",
        ),
    ],
)
def test_worse_is_told_in_numbers(before: Numbers, now: Numbers, words: str) -> None:
    assert judge(BOTH, before, now) == words


def test_only_what_has_a_bound_is_looked_at() -> None:
    bad = Numbers(100, 100, 9000.0)
    assert judge(BakePolicy(errors_percent=None, p95_factor=2.0), GOOD, bad).startswith("p95")
    assert judge(BakePolicy(errors_percent=5.0), GOOD, bad).startswith("5xx")


def test_a_trial_that_ends_well_says_what_was_seen() -> None:
    assert summary(BOTH, Numbers(200, 1, 80.0)) == "5xx 0.5 % of 200 requests, p95 80 ms"
    assert summary(BOTH, Numbers(7, 1, 80.0)) == "too few requests to judge: 7 of 50"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (BakePolicy(minutes=0), "A bake window has 1 to 1440 minutes, not 0."),
        (BakePolicy(errors_percent=None), "A bake window needs a bound: errors, p95, or both."),
        (BakePolicy(errors_percent=101), "The bound on errors is over 0 and up to 100 %, not 101."),
        (BakePolicy(p95_factor=1.0), "The bound on p95 is a factor over 1, not 1."),
        (BakePolicy(least_requests=0), "At least 1 request, at most 100000, not 0."),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: BakePolicy, message: str) -> None:
    with pytest.raises(UserError) as caught:
        policy.check()
    assert caught.value.message == message
    assert caught.value.hint == "Example: portside bake:set --minutes 10 --errors 5% --p95 2x"
