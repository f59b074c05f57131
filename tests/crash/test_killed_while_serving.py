"""Apps and the router do not need the control plane, and the router finds its routes again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server import procfs
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import PARTS, SUPERVISOR, Victim
from tests.crash.steady import Steady

pytestmark = pytest.mark.platform

OTHERS = [part for part in PARTS if part != "router"]


@pytest.fixture
def second(site: Site) -> tuple[Aftermath, str]:
    """The site with v2 live: its route has changed since the router's start."""
    commit = site.write("two")
    assert site.push().code == 0
    after = Aftermath.of(site)
    after.assert_live(2, commit)
    return after, commit


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(Victim.kill, id="its master and its worker are killed", marks=pytest.mark.full),
        pytest.param(Victim.kill_first, id="its master is killed", marks=pytest.mark.full),
    ],
)
def test_the_router_comes_back_with_its_routes(
    site: Site, victim: Victim, second: tuple[Aftermath, str], blow: Callable[[Victim, str], None]
) -> None:
    before = victim.record("router")
    blow(victim, "router")
    eventually(lambda: victim.record("router") != before, "another router")
    victim.returns("router")
    with Steady(site) as visitor:
        after, commit = second
        after.assert_live(2, commit)
        assert site.platform.get("nobody").status_code == 404
        commit = site.write("three")
        assert site.push().code == 0
        after.assert_live(3, commit)
    assert visitor.failures == []


def test_the_first_process_of_the_api_is_killed_and_the_other_goes_with_it(site: Site, victim: Victim) -> None:
    """Also when it is streaming to somebody who would stay for ever; and it touches nothing that is not its own."""
    before = victim.record("api")
    with site.running("logs", "-t") as logs:
        logs.says("open on port")
        victim.kill_first("api")
        eventually(lambda: not procfs.group_of(before), "nothing is left of the old api")
        victim.returns("api")
    assert victim.is_supervised()
    assert site.push().code == 0


def test_supervisord_is_killed_and_up_ends_the_orphans_and_takes_the_router_over(
    site: Site, victim: Victim, second: tuple[Aftermath, str]
) -> None:
    before = {part: victim.record(part) for part in PARTS}
    with Steady(site) as visitor:
        victim.kill_first(SUPERVISOR)
        up = site.platform.server("up")
        assert up.code == 0, up.output
        for part, record in before.items():
            assert victim.record(part) != record
            eventually(lambda record=record: not procfs.group_of(record), f"nothing is left of the old {part}")
            assert victim.is_ready(part)
        after, commit = second
        after.assert_live(2, commit)
        commit = site.write("three")
        assert site.push().code == 0
        after.assert_live(3, commit)
    assert visitor.failures == []


@pytest.mark.full
def test_a_supervisord_that_can_not_be_spoken_to_is_replaced(
    site: Site, victim: Victim, second: tuple[Aftermath, str]
) -> None:
    """Its socket was swept away. It would start anew, for ever, what its successor ends and starts."""
    before = victim.record(SUPERVISOR)
    with Steady(site) as visitor:
        victim.remove_supervisor_socket()
        up = site.platform.server("up")
        assert up.code == 0, up.output
        assert not procfs.is_alive(before)
        assert victim.is_supervised()
        after, commit = second
        after.assert_live(2, commit)
    assert visitor.failures == []


def test_apps_and_the_router_serve_on_while_the_rest_is_stopped(
    site: Site, victim: Victim, second: tuple[Aftermath, str]
) -> None:
    router = victim.record("router")
    with Steady(site) as visitor:
        stop = site.platform.server("stop")
        assert stop.code == 0, stop.output
        assert [part for part in OTHERS if procfs.group_of(victim.record(part))] == []
        served = visitor.served
        eventually(lambda: visitor.served > served + 10, "it serves without a control plane")
        up = site.platform.server("up")
        assert up.code == 0, up.output
        after, commit = second
        after.assert_live(2, commit)
    assert visitor.failures == []
    assert victim.record("router") == router, "the same process has served all along"


@pytest.mark.full
def test_what_dies_while_the_rest_is_stopped_is_started_after_up(
    site: Site, victim: Victim, second: tuple[Aftermath, str]
) -> None:
    assert site.platform.server("stop").code == 0
    after, commit = second
    after.kill_containers()
    assert site.platform.get(site.name).status_code == 503
    assert site.platform.server("up").code == 0
    eventually(lambda: site.platform.get(site.name).status_code == 200, "it serves again")
    after.assert_live(2, commit)
