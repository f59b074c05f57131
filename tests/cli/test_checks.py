"""Health checks from the command line."""

from __future__ import annotations

import json

CHECKS = [
    {"process_type": "web", "asks": "GET /up", "source": "app.json", "check": {"type": "startup", "path": "/up"}},
    {
        "process_type": "web",
        "asks": "bin/ready",
        "source": "set",
        "check": {"type": "readiness", "command": ["bin/ready"], "attempts": 2},
    },
]


def changing(platform, method, path, status, **more):
    """Let a change of checks be pending, write its output, and end so."""
    change = {"id": "c1", "status": "pending", "output_stream_url": f"{platform.url}/streams/c1"}
    platform.answers[method, f"/apps/demo/checks/{path}"] = {"change": change}
    platform.answers["GET", "/apps/demo/formation-changes/c1"] = change | {"status": status} | more
    platform.answers["GET", "/streams/c1"] = "-----> Set checks of web: startup: GET /up\n"


def test_what_is_in_force_is_listed(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/checks"] = CHECKS
    assert invoke("checks", "-a", "demo").stdout == (
        "TYPE  CHECK      ASKS       FAILS               FROM\n"
        "web   startup    GET /up                        app.json\n"
        "web   readiness  bin/ready  2 times, 5 s apart  set\n"
    )
    assert json.loads(invoke("checks", "-a", "demo", "--json").stdout) == CHECKS


def test_an_app_without_a_release_has_none(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/checks"] = []
    assert "demo has no process types yet." in invoke("checks", "-a", "demo").stderr


def test_a_check_is_set_and_its_rollout_shown(invoke, logged_in) -> None:
    changing(logged_in, "PUT", "web", "succeeded")
    result = invoke("checks:set", "web", "--type", "liveness", "--command", "bin/x", "--command", "-q", "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, "-----> Set checks of web: startup: GET /up\n")
    assert invoke("checks:set", "web", "--path", "/up", "--wait", "2", "-a", "demo").exit_code == 0
    assert [body for _, body in logged_in.asked_for("PUT")] == [
        {"type": "liveness", "command": ["bin/x", "-q"]},
        {"type": "startup", "path": "/up", "wait": 2},
    ]


def test_a_check_with_which_nothing_starts_is_a_failure(invoke, logged_in) -> None:
    changing(logged_in, "PUT", "web", "failed", reason="web.1 is not healthy: GET /up answered 404.")
    result = invoke("checks:set", "web", "--path", "/up", "-a", "demo")
    assert result.exit_code == 1
    assert "The change of checks failed: web.1 is not healthy: GET /up answered 404." in result.stderr


def test_checks_are_unset_all_or_one(invoke, logged_in) -> None:
    changing(logged_in, "DELETE", "web", "succeeded")
    assert invoke("checks:unset", "web", "-a", "demo").exit_code == 0
    logged_in.answers["DELETE", "/apps/demo/checks/web/liveness"] = {"change": None}
    assert "demo has these checks already." in invoke("checks:unset", "web", "--type", "liveness", "-a", "demo").stderr
