"""Networks, users, limits and timeouts from the command line."""

from __future__ import annotations

import json

import pytest

ALLOWED = {"id": "r1", "verdict": "allow", "network": "10.0.0.0/8", "created_at": "2026-01-02T03:04:05Z"}
DENIED = {"id": "r2", "verdict": "deny", "network": "10.0.0.7/32", "created_at": "2026-01-02T03:04:05Z"}
ANN = {"user": "ann", "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"}
USUAL = {"idle_s": 55.0, "tunnel_s": 3600.0}


def test_rules_are_shown(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/access-rules"] = [ALLOWED, DENIED]
    shown = invoke("access", "-a", "demo")
    assert shown.stdout.splitlines() == ["RULE   NETWORK", "allow  10.0.0.0/8", "deny   10.0.0.7/32"]
    assert shown.stderr == "Only the allowed addresses reach demo; of these, none of the denied.\n"
    assert json.loads(invoke("access", "-a", "demo", "--json").stdout) == [ALLOWED, DENIED]
    logged_in.answers["GET", "/apps/demo/access-rules"] = [DENIED]
    assert invoke("access", "-a", "demo").stderr == "Every other address reaches demo.\n"
    logged_in.answers["GET", "/apps/demo/access-rules"] = []
    assert invoke("access", "-a", "demo").stderr == "Every address reaches demo.\n"


def test_networks_are_allowed_and_denied(invoke, logged_in) -> None:
    logged_in.answers["POST", "/apps/demo/access-rules"] = {"rules": [ALLOWED]}
    logged_in.answers["GET", "/apps/demo/access-rules"] = [ALLOWED]
    assert invoke("access:allow", "10.0.0.0/8", "::1", "-a", "demo").exit_code == 0
    assert json.loads(invoke("access", "deny", "10.0.0.7", "-a", "demo", "--json").stdout) == [ALLOWED]
    assert logged_in.asked_for("POST") == [
        ("/apps/demo/access-rules", {"verdict": "allow", "networks": ["10.0.0.0/8", "::1"]}),
        ("/apps/demo/access-rules", {"verdict": "deny", "networks": ["10.0.0.7"]}),
    ]


def test_rules_are_removed_by_network_and_all_at_once(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/access-rules"] = [ALLOWED, DENIED]
    logged_in.answers["DELETE", "/apps/demo/access-rules/r2"] = DENIED
    logged_in.answers["DELETE", "/apps/demo/access-rules"] = {"rules": []}
    assert invoke("access:remove", "10.0.0.7", "-a", "demo").exit_code == 0
    unknown = invoke("access:remove", "10.0.0.7", "10.9.0.0/16", "-a", "demo")
    assert unknown.exit_code == 1
    assert "demo has no rule for 10.9.0.0/16." in unknown.stderr
    assert "Every address reaches demo." in invoke("access:clear", "-a", "demo").stderr
    assert [path for path, _ in logged_in.asked_for("DELETE")] == [
        "/apps/demo/access-rules/r2",
        "/apps/demo/access-rules",
    ]


def test_a_password_is_read_from_standard_input_and_shown_nowhere(invoke, logged_in) -> None:
    logged_in.answers["PUT", "/apps/demo/basic-auth/ann"] = ANN
    done = invoke("auth:set", "ann", "-a", "demo", input="correct horse\n")
    assert done.exit_code == 0
    assert done.stderr == "ann may use demo with this password.\n"
    assert json.loads(invoke("auth:set", "ann", "-a", "demo", "--json", input="correct horse").stdout) == ANN
    assert logged_in.asked_for("PUT") == [("/apps/demo/basic-auth/ann", {"password": "correct horse"})] * 2
    assert "correct horse" not in done.output


def test_no_password_on_standard_input_is_told(invoke, logged_in) -> None:
    empty = invoke("auth:set", "ann", "-a", "demo", input="")
    assert empty.exit_code == 1
    assert "No password came from standard input." in empty.stderr
    assert logged_in.asked_for("PUT") == []


def test_users_are_listed_and_taken_away(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/basic-auth"] = [ANN]
    logged_in.answers["DELETE", "/apps/demo/basic-auth/bob"] = {**ANN, "user": "bob"}
    assert invoke("auth", "-a", "demo").stdout.splitlines() == ["USER  PASSWORD SET", "ann   2026-01-02T03:04:05Z"]
    assert json.loads(invoke("auth", "-a", "demo", "--json").stdout) == [ANN]
    assert invoke("auth:unset", "bob", "-a", "demo").stderr == "bob may not use demo any more.\n"
    logged_in.answers["GET", "/apps/demo/basic-auth"] = []
    assert "demo asks for no password any more: bob was the last user." in (
        invoke("auth:unset", "bob", "-a", "demo").stderr
    )
    assert "demo asks for no password." in invoke("auth", "-a", "demo").stderr


def test_limits_are_shown_set_and_unset(invoke, logged_in) -> None:
    limits = {"requests_per_second": 20, "connections": None}
    logged_in.answers["GET", "/apps/demo/limits"] = logged_in.answers["PATCH", "/apps/demo/limits"] = limits
    assert invoke("limits", "-a", "demo").stdout.splitlines() == [
        "Requests per second:  20 from one address",
        "Connections:          no limit",
    ]
    set_one = invoke("limits:set", "--requests-per-second", "20", "-a", "demo", "--json")
    assert json.loads(set_one.stdout) == limits
    invoke("limits:unset", "--connections", "-a", "demo")
    invoke("limits:unset", "-a", "demo")
    assert [asked for _, asked in logged_in.asked_for("PATCH")] == [
        {"requests_per_second": 20},
        {"connections": None},
        {"requests_per_second": None, "connections": None},
    ]


def test_timeouts_are_shown_set_and_unset(invoke, logged_in) -> None:
    timeouts = {"idle_s": 120, "tunnel_s": None, "usual": USUAL}
    logged_in.answers["GET", "/apps/demo/timeouts"] = logged_in.answers["PATCH", "/apps/demo/timeouts"] = timeouts
    assert invoke("timeouts", "-a", "demo").stdout.splitlines() == ["Idle:    120 s (usual: 55 s)", "Tunnel:  3600 s"]
    assert json.loads(invoke("timeouts:set", "--idle", "120", "-a", "demo", "--json").stdout) == timeouts
    invoke("timeouts:unset", "--tunnel", "-a", "demo")
    invoke("timeouts:unset", "-a", "demo")
    assert [asked for _, asked in logged_in.asked_for("PATCH")] == [
        {"idle_s": 120},
        {"tunnel_s": None},
        {"idle_s": None, "tunnel_s": None},
    ]


@pytest.mark.parametrize("command", ["limits:set", "timeouts:set"])
def test_nothing_to_set_is_told(invoke, logged_in, command) -> None:
    result = invoke(command, "-a", "demo")
    assert result.exit_code == 1
    assert "Nothing to set." in result.stderr
