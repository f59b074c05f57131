"""Cron over the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts import Identity
from releases import App
from scheduler.tables import AppRunRow, CronRow

NEXT = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def live(stage, app: App, ada: Identity) -> App:
    """`shop`, whose v1 has one entry."""
    stage.deploy(app, ada)
    values = {"schedule": "0 0 1 1 *", "policy": "allow", "maintenance": False, "position": 0, "offered": True}
    row = CronRow(app_id=app.id, entry_id="5f2b9c01", command="ls -l", suspended=False, next_at=NEXT, **values)
    with stage.database.write() as session:
        session.add_all([AppRunRow(app_id=app.id, rollout="r1", release_id="rel1", version=1), row])
    return app


def test_entries_and_what_came_of_them(api, live: App) -> None:
    [entry] = api.get("/apps/shop/cron").json
    assert (entry["id"], entry["command"], entry["next_at"]) == ("5f2b9c01", "ls -l", "2040-01-01T00:00:00Z")
    assert (entry["concurrency_policy"], entry["suspended"], entry["last"]) == ("allow", False, None)
    begun = api.post("/apps/shop/cron/5f2b9c01/actions/run")
    assert (begun.status_code, begun.json["name"], begun.json["command"]) == (201, "run.1", "ls -l")
    [run] = api.get("/apps/shop/cron-runs").json
    assert (run["entry"]["id"], run["run"], run["state"]) == ("5f2b9c01", "run.1", "waiting")
    assert api.get("/apps/shop/cron").json[0]["last"] == run


def test_an_entry_is_suspended_and_resumed(api, live: App) -> None:
    suspended = api.post("/apps/shop/cron/5f2b9c01/actions/suspend").json
    assert (suspended["suspended"], suspended["next_at"]) == (True, None)
    assert api.post("/apps/shop/cron/5f2b9c01/actions/resume").json["next_at"] is not None


@pytest.mark.parametrize("action", ["run", "suspend", "resume"])
def test_an_entry_that_is_not_there(api, live: App, action: str) -> None:
    answer = api.post(f"/apps/shop/cron/nonsense/actions/{action}")
    assert (answer.status_code, "no cron entry nonsense" in answer.json["message"]) == (404, True)
