"""Cron: what is asked for, what is shown."""

from __future__ import annotations

CRON, HISTORY = "/apps/demo/cron", "/apps/demo/cron-runs"
LAST = {"id": "x", "entry": {"id": "5f2b9c01"}, "due_at": "2026-01-02T03:00:00Z", "state": "ended", "run": "run.4"}
LAST |= {"exit_code": 3, "detail": None, "ended_at": "2026-01-02T03:00:09Z"}
ENTRY = {"id": "5f2b9c01", "command": "ls -l", "schedule": "@daily", "suspended": False, "maintenance": False}
ENTRY |= {"next_at": "2026-01-03T00:00:00Z", "last": LAST}


def test_entries_are_listed_with_their_next_moment_and_last_result(invoke, logged_in) -> None:
    paused = {**ENTRY, "id": "00000001", "suspended": True, "next_at": None, "last": None}
    logged_in.answers["GET", CRON] = [ENTRY, paused, {**paused, "suspended": False, "maintenance": True}]
    lines = invoke("cron:list", "-a", "demo").stdout.splitlines()
    assert lines[1].split() == ["5f2b9c01", "@daily", "2026-01-03T00:00:00Z", "ended", "(3)", "ls", "-l"]
    assert [line.split()[2] for line in lines[2:]] == ["suspended", "maintenance"]


def test_no_entries_is_told(invoke, logged_in) -> None:
    logged_in.answers["GET", CRON] = []
    assert "demo has no cron entries." in invoke("cron:list", "-a", "demo").stderr


def test_the_history_of_one_entry(invoke, logged_in) -> None:
    other = {**LAST, "entry": {"id": "00000001"}, "state": "skipped", "run": None, "exit_code": None, "detail": "Why."}
    logged_in.answers["GET", HISTORY] = [LAST, other]
    assert len(invoke("cron:history", "-a", "demo").stdout.splitlines()) == 3
    [_, line] = invoke("cron:history", "-a", "demo", "00000001").stdout.splitlines()
    assert line.split()[-3:] == ["00000001", "skipped", "Why."]
    assert "Nothing was due yet." in invoke("cron:history", "-a", "demo", "00000002").stderr


def test_an_entry_is_run_suspended_and_resumed(invoke, logged_in) -> None:
    logged_in.answers["POST", f"{CRON}/5f2b9c01/actions/run"] = 201, {"name": "run.7", "command": "ls -l"}, {}
    logged_in.answers["POST", f"{CRON}/5f2b9c01/actions/suspend"] = 200, {**ENTRY, "suspended": True}, {}
    logged_in.answers["POST", f"{CRON}/5f2b9c01/actions/resume"] = 200, ENTRY, {}
    assert "Running ls -l on demo as run.7." in invoke("cron:run", "-a", "demo", "5f2b9c01").stderr
    assert "5f2b9c01 of demo is suspended." in invoke("cron:suspend", "-a", "demo", "5f2b9c01").stderr
    assert "runs next at 2026-01-03T00:00:00Z." in invoke("cron:resume", "-a", "demo", "5f2b9c01").stderr
