"""A part takes connections and never answers. The registry: a push waits for it, in bounds, and holds nobody else up.
Redis: what was begun goes on, and what is asked for is done afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitreceiver import PushState
from releases import ReleaseState
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
TOLD = "The server's queue does not answer. What was asked for is recorded, and begins when the queue is back."


@pytest.fixture
def other(platform: LivePlatform, site: Site) -> Iterator[Site]:
    """Another app, whose v1 serves."""
    made = Site(platform, *platform.app("crash_site"))
    assert made.push().code == 0
    yield made
    platform.cli("destroy", "--confirm", made.name)


def test_a_push_waits_for_a_registry_and_other_apps_do_not(site: Site, other: Site, victim: Victim) -> None:
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
def test_a_push_fails_with_words_when_the_registry_hangs_for_too_long(site: Site, other: Site, victim: Victim) -> None:
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


def test_what_is_asked_for_while_redis_hangs_is_done_once_it_is_back(site: Site, victim: Victim) -> None:
    after, first = Aftermath.of(site), site.branch()
    second = site.write("two")
    assert site.push().code == 0
    with Steady(site) as visitor:
        with victim.held_still("redis") as let_go:
            scaled = site.cli("ps:scale", "web=2")
            assert scaled.code == 0, scaled.output
            assert TOLD in scaled.output
            with site.running("rollback", "v1") as rollback:
                rollback.says(TOLD)
                let_go()
                told = rollback.ended()
        assert told.code == 0, told.output
        changed = site.cli("config:set", "COLOUR=red")
        assert changed.code == 0, changed.output
        after.assert_settled(4, first, second, ("succeeded",) * 4, webs=2)
    assert visitor.failures == []


@pytest.mark.full
def test_a_rollback_and_a_change_of_config_under_way_end_without_redis(site: Site, victim: Victim) -> None:
    goal = steps.ROLLBACK.arrange(site)
    after = Aftermath.of(site)
    with Steady(site) as visitor:
        with steps.ROLLBACK.reached(site, victim, goal) as act:
            with victim.held_still("redis"):
                eventually(lambda: after.state_of(goal.version) is ReleaseState.LIVE, "the rollback is live")
            told = act.command.ended()
        assert told.code == 0, told.output
        with site.running("config:set", "COLOUR=red") as change:
            eventually(lambda: after.running(goal.version + 1), "the release of the change starts")
            with victim.held_still("redis"):
                eventually(lambda: after.state_of(goal.version + 1) is ReleaseState.LIVE, "the change is live")
            told = change.ended()
        assert told.code == 0, told.output
    assert visitor.failures == []
