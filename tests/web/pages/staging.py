"""What a test puts on the dashboard's stage beyond releases: what runs, and the records of runs and cron."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from releases import App
from scheduler import ProcessType, RunSpec
from scheduler.tables import AppRunRow, CronRow
from tests.web.pages.world import Site

NEXT = datetime(2040, 1, 1, tzinfo=UTC)


def go_live(site: Site, app: App, **more: Any) -> RunSpec:
    """The scheduler runs the app's v1: `web` and `clock`."""
    processes = (ProcessType("web", "serve"), ProcessType("clock", "tick"))
    values = {"env": {}, "port": 5000, "health": {}, **more}
    spec = RunSpec(app.id, app.name, "rel1", 1, "c0ffee", "sha256:a", "", processes, **values)
    site.scheduler.specs[app.id] = spec
    with site.inner.database.write() as session:
        session.add(AppRunRow(app_id=app.id, rollout="r1", release_id="rel1", version=1))
    return spec


def add_cron(site: Site, app: App, policy: str = "allow", command: str = "bin/tidy") -> str:
    """An entry of the live release; its id."""
    values = {"schedule": "0 0 1 1 *", "policy": policy, "maintenance": False, "position": 0, "offered": True}
    row = CronRow(app_id=app.id, entry_id="5f2b9c01", command=command, suspended=False, next_at=NEXT, **values)
    with site.inner.database.write() as session:
        session.add(row)
    return "5f2b9c01"
