"""The worker dies when a rollback has woken a frozen instance and waits for the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

import docker
import pytest

from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.blows import Victim
from tests.crash.steady import Steady
from tests.traces import LABEL

pytestmark = [pytest.mark.platform, pytest.mark.full]

SETTINGS = {"SCHEDULER_WARM_S": 300, "SCHEDULER_UPTIME_S": 4}
"""The switch waits for a worker that must have run for 4 s: long enough to be hit meanwhile."""


def test_the_worker_is_killed_after_it_woke_an_instance(site: Site, victim: Victim) -> None:
    (site.folder / "Procfile").write_text("web: perl /app/server.pl\nworker: sleep 1000\n")
    site.write("two")
    assert site.push().code == 0
    assert site.cli("ps:scale", "worker=1").code == 0
    site.write("three")
    assert site.push().code == 0
    eventually(lambda: _states(site)["web.1 v2 paused"] == 1, "v2's web is frozen")
    with Steady(site) as visitor, site.running("rollback") as rollback:
        eventually(lambda: _states(site)["web.1 v2 running"] == 1, "it is woken")
        victim.kill("worker")
        told = rollback.ended()
    assert told.code == 0, told.output
    assert "as v4" in told.output
    assert site.answer()["release"] == "v4", "what was woken in vain is gone; a new one serves"
    settled = Counter({"web.1 v4 running": 1, "worker.1 v4 running": 1, "web.1 v3 paused": 1})
    eventually(lambda: _states(site) == settled, f"only {settled} is left")
    assert visitor.failures == []


def _states(site: Site) -> Counter[str]:
    """How many of the app's containers are what: `web.1 v2 paused`."""
    engine = docker.from_env()
    try:
        label = {"label": f"{LABEL}={site.platform.name}"}
        found: list[Any] = engine.containers.list(all=True, ignore_removed=True, filters=label)
        mine = [one for one in found if str(one.name).startswith(f"{site.name}.")]
        return Counter(
            f"{one.labels['portside.process']} v{one.labels['portside.version']} {one.status}" for one in mine
        )
    finally:
        engine.close()
