"""A registry that takes connections and never answers: a push waits for it, in bounds, and holds nobody else up."""

from __future__ import annotations

import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash import steps
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.steady import Steady
from tests.live import LivePlatform

pytestmark = pytest.mark.platform

SETTINGS = {"BUILDER_REGISTRY_ANSWER_S": 1}
WAITING = "Waiting for it, at most"


@pytest.fixture
def other(platform: LivePlatform, site: Site) -> Site:
    """Another app, whose v1 serves."""
    made = Site(platform, *platform.app("crash_site"))
    assert made.push().code == 0
    return made


def test_a_push_waits_for_it_and_other_apps_do_not(site: Site, other: Site, victim: Victim) -> None:
    """It comes to hang in the middle of the upload, when the engine waits for it and says nothing."""
    goal = steps.UPLOAD.arrange(site)
    with Steady(site) as visitor, Steady(other) as others_visitor:
        with steps.UPLOAD.reached(site, victim, goal) as act:
            act.command.says(WAITING)
            assert "The image registry at" in act.command.output
            assert other.cli("ps:scale", "web=2").code == 0
            eventually(lambda: Aftermath.of(other).webs_in_service() == 2, "the other app is scaled")
            assert other.cli("ps:restart").code == 0
            assert act.command.running
            act.let_go()
            told = act.command.ended()
        assert told.code == 0, told.output
        assert site.answer()["commit"] == goal.commit
    assert visitor.failures == []
    assert others_visitor.failures == []


@pytest.mark.full
def test_a_push_fails_with_words_when_it_hangs_for_too_long(site: Site, other: Site, victim: Victim) -> None:
    up = site.platform.server("up", RELEASES_AWAY_S=4)
    assert up.code == 0, up.output
    after, good = Aftermath.of(site), site.branch()
    with Steady(site) as visitor:
        with victim.held_still("registry"):
            commit = site.write("two")
            with site.pushing() as push:
                push.says(f"{WAITING} 4 s")
                told = push.ended()
            assert told.code != 0
            assert "does not answer" in told.output
            assert after.final_push(commit).state is PushState.FAILED
            assert site.versions() == [(1, "succeeded")], "no number is given before the registry is asked for the last"
            assert (site.answer()["release"], site.branch()) == ("v1", good)
            assert other.cli("ps:restart").code == 0
        pushed = site.push()
        assert pushed.code == 0, pushed.output
    assert visitor.failures == []
    assert site.platform.server("up").code == 0
