"""A Redis that takes connections and never answers: what was begun goes on, what is asked for is done afterwards."""

from __future__ import annotations

import pytest

from releases import ReleaseState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash import steps
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.steady import Steady

pytestmark = pytest.mark.platform

TOLD = "The server's queue does not answer. What was asked for is recorded, and begins when the queue is back."


def test_what_is_asked_for_meanwhile_is_done_once_it_is_back(site: Site, victim: Victim) -> None:
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
def test_a_rollback_and_a_change_of_config_under_way_end_without_it(site: Site, victim: Victim) -> None:
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
