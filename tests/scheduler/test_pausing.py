"""What rests while a release phase runs, and that it never stays so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import clock
from core.errors import UserError
from core.ids import AppId
from core.leases import Leases
from scheduler import BootFailed, Pause, ProcessType, RunSpec, line_of
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import BYE, IDLE, SERVE

STOP_AND_HOLD = Pause(("worker",), 20.0)


def with_worker(platform: Platform, app_id: AppId, version: int = 1, web: str = SERVE) -> RunSpec:
    types = (ProcessType("web", web), ProcessType("worker", IDLE), ProcessType("clock", IDLE))
    return platform.spec(app_id, version=version, processes=types)


@pytest.fixture
def live(platform: Platform, app_id: AppId) -> Platform:
    platform.deploy(with_worker(platform, app_id))
    platform.scheduler.scale(app_id, {"worker": 2, "clock": 1})
    eventually(lambda: _reconciled(platform, app_id) == ["clock.1", "web.1", "worker.1", "worker.2"], "all run")
    return platform


def _reconciled(platform: Platform, app_id: AppId) -> list[str]:
    platform.scheduler.reconcile_app(app_id)
    return platform.running(app_id)


def paused(
    platform: Platform, app_id: AppId, then: Callable[[Any], None], pause: Pause = STOP_AND_HOLD, version: int = 2
) -> None:
    """A release phase, `then`, and the deploy that follows it."""
    with platform.line(app_id) as lease:
        during = platform.scheduler.paused(app_id, pause, lease, platform.log(), lambda: None)
        with during:
            then(lease)


def deploy(platform: Platform, spec: RunSpec) -> Callable[[Any], None]:
    return lambda lease: platform.scheduler.deploy(spec, lease, platform.log(), lambda: "ref", lambda: None)


def test_the_old_workers_end_and_requests_wait_until_the_switch(live: Platform, app_id: AppId) -> None:
    def phase(lease: Any) -> None:
        live.scheduler.reconcile()
        left = {one.process for one in live.runtime.containers(app_id) if one.running}
        assert left == {"clock.1", "web.1"}
        assert app_id in live.router.holds
        deploy(live, with_worker(live, app_id, 2))(lease)
        assert live.router.holds == {}, "the switch has ended the hold"

    paused(live, app_id, phase)
    with live.looping():
        whole = ["clock.1", "web.1", "worker.1", "worker.2"]
        eventually(lambda: live.settled(app_id, whole, version=2), "v2 is whole")
    story = "-----> Stopping worker.1, worker.2: they are not to run beside the release phase"
    assert story in live.lines
    assert "-----> Holding requests until the new release serves, for 20 s at most" in live.lines


def test_no_old_worker_returns_while_the_deploy_hands_a_clock_over(live: Platform, app_id: AppId) -> None:
    seen: list[set[str]] = []
    start = live.runtime.start

    def watching(order: Any) -> str:
        if order.process == "clock.1":
            live.scheduler.reconcile()
            seen.append({one.process for one in live.runtime.containers(app_id) if one.version == 1 and one.running})
        return str(start(order))

    live.runtime.start = watching
    paused(live, app_id, deploy(live, with_worker(live, app_id, 2)))
    assert seen == [{"web.1"}]


@pytest.mark.parametrize("where", ["in the release phase", "in the deploy"])
def test_after_a_failure_the_old_workers_run_again_and_nothing_waits(live: Platform, app_id: AppId, where: str) -> None:
    def phase_fails(_: Any) -> None:
        raise UserError("The release phase ended with exit code 1.")

    fails = phase_fails if where == "in the release phase" else deploy(live, with_worker(live, app_id, 2, web=BYE))
    with live.looping():
        with pytest.raises((UserError, BootFailed)):
            paused(live, app_id, fails)
        assert live.router.holds == {}
        whole = ["clock.1", "web.1", "worker.1", "worker.2"]
        eventually(lambda: live.settled(app_id, whole, version=1), "v1 is whole again")


def test_when_the_worker_dies_meanwhile_the_loop_starts_the_old_ones_again(live: Platform, app_id: AppId) -> None:
    quick = Leases(live.database, ttl_s=0.0)
    late = quick.take(line_of(app_id))
    assert late is not None
    during = live.scheduler.paused(app_id, STOP_AND_HOLD, late, live.log(), lambda: None)
    during.__enter__()  # and never left: the process is gone
    assert live.running(app_id) == ["clock.1", "web.1"]
    quick.take(line_of(app_id))
    with live.looping():
        whole = ["clock.1", "web.1", "worker.1", "worker.2"]
        eventually(lambda: live.settled(app_id, whole, version=1), "v1 is whole again")
    assert app_id in live.router.holds, "which the router itself ends, in time"


def test_a_router_that_can_not_hold_is_told_of_and_stops_nothing(live: Platform, app_id: AppId) -> None:
    live.router.away.set()
    paused(live, app_id, lambda _: live.router.away.clear(), Pause(hold_s=5.0))
    assert " !     Requests are not held: The router does not answer." in live.lines


def test_the_servers_limit_is_told(live: Platform, app_id: AppId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.router, "hold", lambda *_: clock.after(60))
    paused(live, app_id, lambda _: None, Pause(hold_s=300.0))
    told = "for 60 s at most, this server's limit (300 s were asked for)"
    assert f"-----> Holding requests until the new release serves, {told}" in live.lines
