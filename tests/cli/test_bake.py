"""Bake windows: what is sent, what is shown."""

import json

import pytest

PATH = "/apps/demo/bake"
POLICY = {"minutes": 10, "errors_percent": 5.0, "p95_factor": 2.0, "least_requests": 50}
TRIAL = {
    "state": "rolled back",
    "reason": "5xx 50.0 % of 200 requests (before: 0.2 % of 1000)",
    "until": "2026-01-02T03:14:05Z",
    "policy": POLICY,
    "before": {"requests": 1000, "errors": 2, "p95_ms": 40.0, "release_id": "r1"},
    "now": {"requests": 200, "errors": 100, "p95_ms": 45.4},
}


def test_bounds_are_sent_as_numbers(invoke, logged_in):
    logged_in.answers["PUT", PATH] = {"policy": POLICY}
    result = invoke("bake:set", "--errors", "5%", "--p95", "2x", "-a", "demo")
    [(_, sent)] = logged_in.asked_for("PUT")
    assert sent == {"minutes": 10, "errors_percent": 5.0, "p95_factor": 2.0, "least_requests": 50}
    assert result.stderr == (
        "From its next release on, demo has a bake window: 10 min, 5xx up to 5 points more, p95 up to 2 times, "
        "judged from 50 requests on.\n"
    )


def test_without_bounds_it_is_five_percent_of_errors(invoke, logged_in):
    logged_in.answers["PUT", PATH] = {"policy": {**POLICY, "p95_factor": None}}
    invoke("bake:set", "--minutes", "3", "--requests", "9", "-a", "demo")
    assert logged_in.asked_for("PUT") == [(PATH, {"minutes": 3, "errors_percent": 5.0, "least_requests": 9})]


@pytest.mark.parametrize("given", ["five", "-1%", "5x", ""])
def test_what_is_no_number_is_refused(invoke, logged_in, given):
    result = invoke("bake:set", "--errors", given, "-a", "demo")
    assert f"--errors: {given!r} is not a number. Give one like 5%." in result.stderr
    assert logged_in.asked_for("PUT") == []


def test_the_window_and_the_newest_trial_are_shown(invoke, logged_in):
    logged_in.answers["GET", PATH] = {"policy": POLICY, "release": {"id": "r2", "version": 2}, "trial": TRIAL}
    text = invoke("bake", "-a", "demo").stdout
    assert "10 min, 5xx up to 5 points more, p95 up to 2 times, judged from 50 requests on" in text
    assert "rolled back: 5xx 50.0 % of 200 requests (before: 0.2 % of 1000)" in text
    assert "5xx 50.0 % of 200 requests, p95 45 ms" in text
    assert "5xx 0.2 % of 1000 requests, p95 40 ms" in text
    assert json.loads(invoke("bake", "--json", "-a", "demo").stdout)["trial"] == TRIAL


def test_without_a_window_it_says_how_to_have_one(invoke, logged_in):
    logged_in.answers["GET", PATH] = {"policy": None, "release": None, "trial": None}
    result = invoke("bake", "-a", "demo")
    assert "demo has no bake window." in result.stderr
    assert "Set one: portside bake:set --minutes 10 --errors 5% --p95 2x" in result.stderr


def test_a_window_is_given_up(invoke, logged_in):
    logged_in.answers["DELETE", PATH] = {"policy": None, "release": None, "trial": None}
    assert invoke("bake:unset", "-a", "demo").stderr == "demo has no bake window any more.\n"


def test_releases_tell_of_their_trials(invoke, logged_in):
    logged_in.release("Deploy 1111111", bake=TRIAL)
    text = invoke("releases", "-a", "demo").stdout
    assert "Deploy 1111111 [rolled back: 5xx 50.0 % of 200 requests (before: 0.2 % of 1000)]" in text
    assert "rolled back: 5xx 50.0 %" in invoke("releases:info", "v1", "-a", "demo").stdout
