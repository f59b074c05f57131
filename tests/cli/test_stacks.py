"""The stack of an app."""

from __future__ import annotations

import json


def test_the_own_stack_is_marked(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo"] = {"name": "demo", "build_stack": {"name": "debian-14"}}
    logged_in.answers["GET", "/stacks"] = [{"name": "debian-13"}, {"name": "debian-14"}]
    assert invoke("stack", "-a", "demo").stdout == "  debian-13\n* debian-14\n"
    shown = json.loads(invoke("stack", "-a", "demo", "--json").stdout)
    assert shown == [{"name": "debian-13", "current": False}, {"name": "debian-14", "current": True}]


def test_a_stack_is_chosen(invoke, logged_in) -> None:
    logged_in.answers["PATCH", "/apps/demo"] = {"name": "demo", "build_stack": {"name": "debian-14"}}
    result = invoke("stack:set", "debian-14", "-a", "demo")
    assert (result.exit_code, logged_in.asked_for("PATCH")) == (0, [("/apps/demo", {"build_stack": "debian-14"})])
    assert "demo will be built on debian-14 from the next push on." in result.stderr
