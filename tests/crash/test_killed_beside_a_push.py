"""Several things that die at once or in turn while an app is pushed, or what is not on the crash matrix."""

from __future__ import annotations

import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import PARTS, SUPERVISOR, Victim
from tests.crash.moments import BUILD, START, Moment, mark_of
from tests.crash.steady import Steady

pytestmark = [pytest.mark.platform, pytest.mark.full]


def test_redis_loses_what_it_has_and_git_hears_the_end(site: Site, victim: Victim) -> None:
    after, commit = Aftermath.of(site), BUILD.prepare(site)
    with site.pushing() as push:
        BUILD.await_it(site, push, 2)
        victim.flush_redis()
        assert after.final_push(commit).state is PushState.LIVE
        told = push.ended()
    victim.returns()
    assert told.code == 0, told.output
    assert told.output.count("Released v2") == 1
    after.assert_live(2, commit)
    commit = site.write("next")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    after.assert_live(3, commit)


def test_the_worker_and_redis_are_killed_and_the_message_is_lost(site: Site, victim: Victim) -> None:
    """Nothing is left that would ask for the push but its record."""
    after, commit = Aftermath.of(site), BUILD.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        BUILD.await_it(site, push, 2)
        victim.flush_redis()
        victim.kill("worker", "redis")
        assert after.final_push(commit).state is PushState.LIVE
        assert push.ended().code == 0
    victim.returns()
    after.assert_live(2, commit)
    assert visitor.failures == []


def test_the_worker_is_killed_again_and_again(site: Site, victim: Victim) -> None:
    """In the build, in the build once more, in the start of instances, in that once more."""
    after = Aftermath.of(site)
    START.prepare(site)
    commit = BUILD.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        BUILD.await_it(site, push, 2)
        for times in (2, 3):
            victim.kill("worker")
            eventually(lambda times=times: push.output.count(mark_of(site)) == times, "it is built once more")
        START.await_it(site, push, 2)
        first = {found.id for found in site.containers()}
        victim.kill("worker")
        eventually(
            lambda: {found.id for found in site.containers() if found.version == 2} - first, "it is started once more"
        )
        victim.kill("worker")
        assert after.final_push(commit).state is PushState.LIVE
        told = push.ended()
    assert told.code == 0, told.output
    after.assert_live(2, commit)
    assert visitor.failures == []


@pytest.mark.parametrize("moment", [BUILD, START], ids=lambda moment: moment.name)
def test_everything_but_the_apps_is_killed_at_once(site: Site, victim: Victim, moment: Moment) -> None:
    after, commit = Aftermath.of(site), moment.prepare(site)
    with site.pushing() as push:
        moment.await_it(site, push, 2)
        victim.kill(SUPERVISOR, *PARTS)
        assert push.ended().code != 0
    up = victim.platform.server("up")
    assert up.code == 0, up.output
    assert after.final_push(commit).state is PushState.LIVE
    after.assert_live(2, commit)


def test_the_worker_is_killed_while_a_volume_is_being_mounted(site: Site, victim: Victim) -> None:
    START.prepare(site)
    assert site.push().code == 0
    eventually(lambda: [found.version for found in site.containers()] == [2], "only v2 is left")
    [before] = site.containers()
    with Steady(site) as visitor, site.running("storage:mount", "data:/data") as mount:
        eventually(lambda: len(site.containers()) == 2, "the instance with the volume is being started")
        [dying] = [found for found in site.containers() if found.id != before.id]
        victim.kill("worker")
        told = mount.ended()
    assert told.code == 0, told.output
    victim.returns()
    eventually(lambda: len(site.containers()) == 1, "one instance is left")
    assert {found.id for found in site.containers()}.isdisjoint({before.id, dying.id})
    assert "/data" in site.cli("storage").output
    assert visitor.failures == []
