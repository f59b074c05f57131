"""kill -9 in the middle of a push: the app serves on, and the push goes live all the same, once and wholly."""

from __future__ import annotations

import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.moments import BUILD, BUILD_IN_VAIN, RELEASE_PHASE, START, START_IN_VAIN, Moment
from tests.crash.steady import Steady

pytestmark = pytest.mark.platform


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(BUILD, id="in the build"),
        pytest.param(START, id="in the start of instances"),
        pytest.param(RELEASE_PHASE, id="in the release phase", marks=pytest.mark.full),
    ],
)
def test_the_worker_is_killed(site: Site, victim: Victim, moment: Moment) -> None:
    """git waits through it and tells how it ended."""
    after, commit = Aftermath.of(site), moment.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        moment.await_it(site, push, 2)
        victim.kill("worker")
        assert after.final_push(commit).state is PushState.LIVE
        told = push.ended()
        after.assert_live(2, commit)
    assert visitor.failures == []
    assert told.code == 0, told.output
    assert "deployed" in told.output
    assert "The worker went away: another one goes on" in told.output
    _assert_next_push_works(site, after)


@pytest.mark.parametrize("parts", [("api",), ("worker", "api")], ids=["the api", "the worker and the api"])
@pytest.mark.parametrize("moment", [BUILD, START], ids=lambda moment: moment.name)
def test_the_api_is_killed_with_git_attached(
    site: Site, victim: Victim, moment: Moment, parts: tuple[str, ...]
) -> None:
    """git loses its connection and says so; the deploy does not need it."""
    after, commit = Aftermath.of(site), moment.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        moment.await_it(site, push, 2)
        victim.kill(*parts)
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
