"""Maintenance mode."""

from __future__ import annotations

import json


def test_whether_it_is_on(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo"] = {"name": "demo", "maintenance": True}
    assert invoke("maintenance", "-a", "demo").stdout == "on\n"
    assert json.loads(invoke("maintenance", "-a", "demo", "--json").stdout) == {"maintenance": True}


def test_it_is_turned_on_with_a_page_and_off(invoke, logged_in, tmp_path) -> None:
    (tmp_path / "page.html").write_text("<p>später")
    logged_in.answers["PATCH", "/apps/demo"] = {"name": "demo", "maintenance": True}
    on = invoke("maintenance:on", "--page", str(tmp_path / "page.html"), "-a", "demo")
    assert "demo is in maintenance. Serve it again: portside maintenance:off" in on.stderr
    assert invoke("maintenance:on", "-a", "demo").exit_code == 0
    assert "demo is served again." in invoke("maintenance:off", "-a", "demo").stderr
    assert [asked for _, asked in logged_in.asked_for("PATCH")] == [
        {"maintenance": True, "maintenance_page": "<p>später"},
        {"maintenance": True},
        {"maintenance": False},
    ]


def test_a_page_that_cannot_be_read_is_named(invoke, logged_in, tmp_path) -> None:
    (tmp_path / "page.html").write_bytes(b"\xff\xfe")
    result = invoke("maintenance:on", "--page", str(tmp_path / "page.html"), "-a", "demo")
    assert result.exit_code == 1
    assert "can't be read" in result.stderr
