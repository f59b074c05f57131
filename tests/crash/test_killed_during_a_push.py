"""kill -9 in the middle of a push: the app serves on, and the push goes live all the same, once and wholly."""

from __future__ import annotations

import json
import time

import docker
import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.moments import BUILD, BUILD_IN_VAIN, START, START_IN_VAIN, Moment
from tests.crash.steady import Steady
from tests.traces import LABEL

pytestmark = pytest.mark.platform

CLOCK = "clock: perl -e '$|=1; $SIG{TERM}=sub{exit}; print qq(tick\\n); sleep 1 while 1'"


@pytest.mark.full
@pytest.mark.parametrize("moment", [BUILD, START], ids=lambda moment: moment.name)
def test_the_worker_and_the_api_are_killed_with_git_attached(site: Site, victim: Victim, moment: Moment) -> None:
    """git loses its connection and says so; the deploy does not need it."""
    after, commit = Aftermath.of(site), moment.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        moment.await_it(site, push, 2)
        victim.kill("worker", "api")
        told = push.ended()
        assert after.final_push(commit).state is PushState.LIVE
        victim.returns()
        after.assert_live(2, commit)
    assert visitor.failures == []
    assert told.code != 0, told.output
    assert "deployed" not in told.output
    assert "Everything up-to-date" in site.push().output
    _assert_next_push_works(site, after)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        pytest.param(BUILD_IN_VAIN, "build failed", id="a build"),
        pytest.param(START_IN_VAIN, "deploy failed", id="a start", marks=pytest.mark.full),
    ],
)
def test_what_fails_fails_cleanly_though_the_worker_is_killed(
    site: Site, victim: Victim, moment: Moment, reason: str
) -> None:
    """The next worker finds the same fault, and nothing has changed."""
    good, after, commit = site.branch(), Aftermath.of(site), moment.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        moment.await_it(site, push, 2)
        victim.kill("worker")
        assert after.final_push(commit).state is PushState.FAILED
        told = push.ended()
        after.assert_failed_cleanly(good, made_release=moment is START_IN_VAIN)
    assert visitor.failures == []
    assert f"! [remote rejected] main -> main ({reason})" in told.output


def _assert_next_push_works(site: Site, after: Aftermath) -> None:
    commit = site.write("next")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    after.assert_live(3, commit)


def test_the_worker_is_killed_while_a_new_clock_starts(site: Site, victim: Victim) -> None:
    """Between an old clock and a new one: it comes to run again by itself, and never twice at once."""
    site.write(f"web: perl /app/server.pl\n{CLOCK}", "Procfile")
    assert site.push().code == 0
    began_s = time.time()
    assert site.cli("ps:scale", "clock=1").code == 0
    eventually(lambda: clocks(site) == [2], "the clock runs")
    after, commit = Aftermath.of(site), site.write("three")
    with Steady(site) as visitor, site.pushing() as push:
        eventually(lambda: clocks(site) == [3], "the new clock starts, the old one has ended")
        victim.kill("worker")
        assert after.final_push(commit).state is PushState.LIVE
        push.ended()
        eventually(lambda: clocks(site) == [3], "the new clock is there to stay")
    assert visitor.failures == []
    assert site.answer()["words"] == "three"
    assert most_at_once(site, began_s) == 1


FOUR = {"quantity": 4, "shrink": "50%"}


@pytest.mark.parametrize(
    ("lasts", "old", "new"),
    [
        pytest.param("the drain of the old ones", 4, 0, marks=pytest.mark.full),
        pytest.param("the start of the new ones", 2, 4),
    ],
)
def test_the_worker_is_killed_while_web_is_shrunk_for_a_new_set(
    site: Site, victim: Victim, lasts: str, old: int, new: int
) -> None:
    """What was held comes back by itself, the push goes live all the same, and nobody notices."""
    site.write(json.dumps({"formation": {"web": FOUR}}), "app.json")
    assert site.push().code == 0
    assert site.cli("ps:scale", "web=4").code == 0
    eventually(lambda: webs(site, 2) == 4, "four of v2 run")
    after, commit = Aftermath.of(site), START.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        push.says("web: 4 → 2 instances while v3 starts")
        if new:
            eventually(lambda: webs(site, 3) == new, "the new ones start")
            assert webs(site, 2) == old
        victim.kill("worker")
        assert after.final_push(commit).state is PushState.LIVE
        push.ended()
        eventually(lambda: (webs(site, 2), webs(site, 3)) == (0, 4), "four of v3 and nothing else")
    assert visitor.failures == []


def webs(site: Site, version: int) -> int:
    return len([one for one in site.containers() if one.version == version])


def clocks(site: Site) -> list[int]:
    """The versions of the clocks that run."""
    return [one.version for one in site.containers() if one.process == "clock.1"]


def most_at_once(site: Site, since_s: float) -> int:
    """How many clocks ran at the same time at most, as the engine remembers."""
    filters = {"label": [f"{LABEL}={site.platform.name}", "portside.process=clock.1"], "event": ["start", "die"]}
    engine = docker.from_env()
    running: set[str] = set()
    most = 0
    for event in engine.events(since=int(since_s), until=int(time.time()) + 1, filters=filters, decode=True):
        if not event["Actor"]["Attributes"]["name"].startswith(f"{site.name}."):
            continue
        if event["Action"] == "start":
            running.add(event["Actor"]["ID"])
        else:
            running.discard(event["Actor"]["ID"])
        most = max(most, len(running))
    engine.close()
    return most
