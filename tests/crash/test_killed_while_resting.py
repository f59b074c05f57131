"""The worker dies in a release phase for which old workers have ended and requests wait at the router."""

from __future__ import annotations

import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.moments import LASTS_S
from tests.crash.steady import Steady

pytestmark = [pytest.mark.platform, pytest.mark.full]

TYPES = "web: perl /app/server.pl\nworker: exec sleep 1000"
RESTS = '[release]\nstop = ["worker"]\nhold = 50\n'


def test_the_push_goes_live_and_what_rested_comes_back(site: Site, victim: Victim) -> None:
    site.write(TYPES, "Procfile")
    assert site.push().code == 0
    assert site.cli("ps:scale", "worker=1").code == 0
    eventually(lambda: _running(site, "worker.1") == [2], "the worker runs")
    after = Aftermath.of(site)
    (site.folder / "portside.toml").write_text(RESTS)
    commit = site.write(f"{TYPES}\nrelease: sleep {LASTS_S}", "Procfile")
    with Steady(site, patience_s=60) as visitor, site.pushing() as push:
        push.says("Holding requests until the new release serves")
        eventually(lambda: _running(site, "release.1") == [3], "the release phase runs")
        assert _running(site, "worker.1") == []
        victim.kill("worker")
        assert after.final_push(commit).state is PushState.LIVE
        told = push.ended()
        eventually(lambda: _running(site, "worker.1") == [3], "the new worker runs, and no other")
        served = visitor.served
        eventually(lambda: visitor.served > served, "requests wait no more")
    assert told.code == 0, told.output
    assert visitor.failures == []
    assert site.answer()["commit"] == commit


def _running(site: Site, process: str) -> list[int]:
    """The versions of which that process runs."""
    return [one.version for one in site.containers() if one.process == process]
