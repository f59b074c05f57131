"""Cron: entries of app.json go live with a push, run at their minute or when asked to, and end with their release."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform

EVERY_MINUTE = {"schedule": "* * * * *", "command": "echo beat of $DYNO"}
NEVER_SOON = {"schedule": "0 3 29 2 *", "command": "echo leap; exit 7"}


def entries(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(site.cli("cron:list", "--json").output)
    return found


def ended(site: Site, entry_id: str) -> list[int]:
    """The exit codes of an entry's runs that are over."""
    history = json.loads(site.cli("cron:history", entry_id, "--json").output)
    return [one["exit_code"] for one in history if one["exit_code"] is not None]


def test_entries_go_live_run_and_go_with_a_rollback(live_site: Site) -> None:
    assert entries(live_site) == []
    live_site.write(json.dumps({"cron": [EVERY_MINUTE, NEVER_SOON]}), "app.json")
    pushed = live_site.push()
    assert pushed.code == 0, pushed.output
    ids = {one["schedule"]: one["id"] for one in entries(live_site)}
    assert set(ids) == {EVERY_MINUTE["schedule"], NEVER_SOON["schedule"]}

    asked = live_site.cli("cron:run", ids[NEVER_SOON["schedule"]])
    assert asked.code == 0, asked.output
    eventually(lambda: ended(live_site, ids[NEVER_SOON["schedule"]]) == [7], "what was asked for has ended")
    eventually(lambda: 0 in ended(live_site, ids[EVERY_MINUTE["schedule"]]), "its minute has come", within_s=150)
    output = live_site.cli("logs", "-n", "500").output
    assert "leap" in output
    assert "beat of run." in output

    assert live_site.cli("rollback", "v1").code == 0
    assert entries(live_site) == []
