"""Types of which no two instances run at once: the old ends before the new begins, and comes back if that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import LeaseLost
from core.ids import AppId
from core.leases import Leases
from scheduler import BootFailed, InstanceState, ProcessType, RunSpec, line_of
from scheduler.handover import Handover
from scheduler.rollout import Rollouts
from scheduler.runtime import ContainerOrder
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import BYE, IDLE, SERVE, MemoryRuntime, StubbornRuntime


class CountingRuntime(MemoryRuntime):
    """Remembers whenever a clock was started beside another."""

    def __init__(self) -> None:
        super().__init__()
        self.beside: list[str] = []

    def start(self, order: ContainerOrder) -> str:
        if order.process == "clock.1":
            self.beside += [one.id for one in self.containers() if one.process == "clock.1" and one.running]
        return super().start(order)


@pytest.fixture
def counting(make_platform: Callable[..., Platform]) -> Platform:
    return make_platform(CountingRuntime())


def with_clock(platform: Platform, app_id: AppId, version: int = 1, clock: str = IDLE, **changes: Any) -> RunSpec:
    types = (ProcessType("web", SERVE), ProcessType("clock", clock))
    return platform.spec(app_id, version=version, processes=types, **changes)


def live_with_clock(platform: Platform, app_id: AppId, **changes: Any) -> None:
    platform.deploy(with_clock(platform, app_id, **changes))
    platform.scheduler.scale(app_id, {"clock": 1})
    eventually(lambda: _reconciled(platform, app_id) == ["clock.1", "web.1"], "both run")


def _reconciled(platform: Platform, app_id: AppId) -> list[str]:
    platform.scheduler.reconcile_app(app_id)
    return platform.running(app_id)


def test_the_old_clock_ends_before_the_new_one_begins(counting: Platform, app_id: AppId) -> None:
    live_with_clock(counting, app_id)
    old = {one.process: one.container_id for one in counting.scheduler.instances(app_id)}
    counting.deploy(with_clock(counting, app_id, 2))
    assert counting.runtime.beside == []
    assert counting.runtime.signals == [(old["clock.1"], "SIGTERM")], "the old web is drained later"
    assert "-----> Stopping clock.1: the new may not run beside the old" in counting.lines
    running = {one.process: one.version for one in counting.scheduler.instances(app_id) if one.state == "running"}
    assert running == {"clock.1": 2, "web.1": 2}
    with counting.looping():
        eventually(lambda: counting.settled(app_id, ["clock.1", "web.1"], version=2), "nothing old is left")


def test_the_new_clock_waits_until_the_image_is_published_and_all_else_is_healthy(
    counting: Platform, app_id: AppId
) -> None:
    live_with_clock(counting, app_id)
    seen: list[list[tuple[str, int]]] = []

    def publish() -> str:
        seen.append(sorted((one.process, one.version) for one in counting.runtime.containers(app_id) if one.running))
        return "ref"

    counting.deploy(with_clock(counting, app_id, 2), before_switch=publish)
    assert seen == [[("clock.1", 1), ("web.1", 1), ("web.1", 2)]]


@pytest.mark.parametrize("overlap", [{}, {"clock": False}])
def test_a_clock_that_does_not_start_brings_the_old_one_back(
    counting: Platform, app_id: AppId, overlap: dict[str, bool]
) -> None:
    live_with_clock(counting, app_id, overlap=overlap)
    with counting.looping():
        with pytest.raises(BootFailed):
            counting.deploy(with_clock(counting, app_id, 2, BYE, overlap=overlap))
        eventually(lambda: counting.settled(app_id, ["clock.1", "web.1"], version=1), "v1 is whole again")
    assert counting.scheduler.current_version(app_id) == 1
    assert counting.runtime.beside == []


def test_a_failure_before_the_handover_never_touches_the_old_clock(counting: Platform, app_id: AppId) -> None:
    live_with_clock(counting, app_id)
    spec = counting.spec(app_id, version=2, processes=(ProcessType("web", BYE), ProcessType("clock", IDLE)))
    before = counting.scheduler.instances(app_id)
    with pytest.raises(BootFailed):
        counting.deploy(spec)
    assert counting.scheduler.instances(app_id) == before


def test_overlap_in_app_json_wins_over_the_name_and_makes_singletons_of_others(
    counting: Platform, app_id: AppId
) -> None:
    live_with_clock(counting, app_id, overlap={"clock": True})
    counting.deploy(with_clock(counting, app_id, 2, overlap={"clock": True}))
    assert len(counting.runtime.beside) == 1
    counting.deploy(with_clock(counting, app_id, 3, overlap={"clock": False}))
    assert len(counting.runtime.beside) == 1
    assert [counting.spec(app_id, overlap={"poll": False}).may_overlap(name) for name in ("poll", "web", "worker")] == [
        False,
        True,
        True,
    ]
    assert counting.spec(app_id, overlap={"web": False}).may_overlap("web")


def test_a_clock_that_ignores_sigterm_is_killed_after_its_grace(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(StubbornRuntime(), grace_s=0.2)
    live_with_clock(platform, app_id)
    platform.deploy(with_clock(platform, app_id, 2))
    assert [name for _, name in platform.runtime.signals] == ["SIGTERM", "SIGKILL"]
    assert platform.running(app_id) == ["clock.1", "web.1"]


def test_while_a_deploy_holds_the_clock_the_loop_starts_none(counting: Platform, app_id: AppId) -> None:
    live_with_clock(counting, app_id)
    handed, go_on = threading.Event(), threading.Event()
    start = counting.runtime.start

    def slow_clock(order: ContainerOrder) -> str:
        if order.process == "clock.1" and order.version == 2:
            handed.set()
            go_on.wait(30)
        return str(start(order))

    counting.runtime.start = slow_clock
    deploy = threading.Thread(target=counting.deploy, args=(with_clock(counting, app_id, 2),))
    deploy.start()
    assert handed.wait(30)
    for _ in range(5):
        counting.scheduler.reconcile()
    assert [one.version for one in counting.runtime.containers(app_id) if one.process == "clock.1"] == []
    go_on.set()
    deploy.join(30)
    assert counting.running(app_id) == ["clock.1", "web.1"]
    assert counting.runtime.beside == []


def test_when_the_worker_dies_in_the_handover_the_loop_starts_the_old_clock_again(
    counting: Platform, app_id: AppId, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_with_clock(counting, app_id)
    quick = Leases(counting.database, ttl_s=0.0)
    late = quick.take(line_of(app_id))
    assert late is not None
    start = counting.runtime.start

    def dies(order: ContainerOrder) -> str:
        container_id = str(start(order))
        if order.process == "clock.1" and order.version == 2:
            quick.take(line_of(app_id))  # another may work now; this one's lease is over
        return container_id

    counting.runtime.start = dies
    with monkeypatch.context() as killed:
        killed.setattr(Rollouts, "discard", lambda *_: None)  # what a killed worker does not do any more
        killed.setattr(Handover, "give_back", lambda *_: None)
        spec = with_clock(counting, app_id, 2)
        with pytest.raises(LeaseLost):
            counting.scheduler.deploy(spec, late, counting.log(), lambda: "ref", lambda: None)
    with counting.looping():
        eventually(lambda: counting.settled(app_id, ["clock.1", "web.1"], version=1), "the old is back")
    assert counting.runtime.beside == []


def test_a_restart_ends_the_clock_first(counting: Platform, app_id: AppId) -> None:
    live_with_clock(counting, app_id)
    [before] = [one for one in counting.scheduler.instances(app_id) if one.process == "clock.1"]
    counting.scheduler.restart(app_id, "clock")
    with counting.looping():
        eventually(
            lambda: (
                counting.settled(app_id, ["clock.1", "web.1"])
                and before.id not in {one.id for one in counting.scheduler.instances(app_id)}
            ),
            "a fresh clock",
        )
    assert counting.runtime.beside == []


def test_a_clock_that_crashes_while_a_deploy_waits_is_replaced(counting: Platform, app_id: AppId) -> None:
    live_with_clock(counting, app_id)

    def publish() -> str:
        [clock] = [one for one in counting.runtime.containers(app_id) if one.process == "clock.1"]
        counting.runtime.end(clock.id, 1)
        eventually(lambda: "clock.1" in _old(), "the old release has its clock again")
        return "ref"

    def _old() -> list[str]:
        counting.scheduler.reconcile_app(app_id)
        found = counting.scheduler.instances(app_id)
        return [one.process for one in found if one.version == 1 and one.state is InstanceState.RUNNING]

    counting.deploy(with_clock(counting, app_id, 2), before_switch=publish)
    assert counting.runtime.beside == []
