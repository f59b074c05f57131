"""Back to instances that were kept frozen, on an engine in memory and on the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core import clock
from core.errors import LeaseLost
from core.ids import AppId
from scheduler import BootFailed, InstanceState, ProcessType
from scheduler.records import load_apps
from scheduler.runtime import Container
from tests.scheduler.conftest import Platform, build, eventually
from tests.scheduler.fakes import BYE, IDLE, SERVE, MemoryRuntime

S = InstanceState
WARM_S = 300.0
WEB_AND_WORKER = (ProcessType("web", SERVE), ProcessType("worker", IDLE))


@pytest.fixture
def platform(make_platform: Callable[..., Platform]) -> Platform:
    return make_platform(warm_s=WARM_S, wake_s=0.5)


def frozen(platform: Platform, app_id: AppId) -> list[Container]:
    """The containers of its frozen instances, once the engine shows them so."""
    warm = {one.container_id for one in platform.scheduler.instances(app_id) if one.state is S.WARM}
    return [one for one in platform.runtime.containers(app_id) if one.paused and one.id in warm]


def two_releases(platform: Platform, app_id: AppId, **changes: Any) -> tuple[Any, Any]:
    """v1 and then v2 live, v1's web frozen; their specs."""
    first = platform.spec(app_id, **changes)
    second = platform.spec(app_id, version=2, commit="beef", **changes)
    platform.deploy(first)
    if any(process.name == "worker" for process in first.processes):
        platform.scheduler.scale(app_id, {"worker": 1})
        turned_until(platform, app_id, lambda: len(platform.running(app_id)) == 2)
    platform.deploy(second)
    turned_until(platform, app_id, lambda: bool(frozen(platform, app_id)))
    return first, second


def turned_until(platform: Platform, app_id: AppId, condition: Callable[[], bool]) -> None:
    def turned() -> bool:
        platform.scheduler.reconcile()
        return condition()

    eventually(turned, "the loop has got there")


def back_to(platform: Platform, spec: Any, version: int = 3) -> Any:
    """What a rollback deploys: the content of that release under a new number."""
    return platform.spec(
        spec.app_id, version, commit=spec.commit, processes=spec.processes, env=spec.env, health=spec.health
    )


def web_of(platform: Platform, app_id: AppId) -> str | None:
    [web] = [
        one.container_id
        for one in platform.scheduler.instances(app_id)
        if one.process == "web.1" and one.state is S.RUNNING
    ]
    return web


def test_a_rollback_wakes_the_very_same_container_and_the_next_one_the_other(platform: Platform, app_id: AppId) -> None:
    first, second = two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    newer = web_of(platform, app_id)
    platform.deploy(back_to(platform, first))
    assert web_of(platform, app_id) == kept.id
    assert platform.routed(app_id) == {kept.address}
    assert platform.scheduler.current_version(app_id) == 3
    assert {one.version for one in platform.scheduler.instances(app_id) if one.state is S.RUNNING} == {3}
    assert "-----> Waking what was kept for v3: web=1" in "".join(platform.lines)
    turned_until(platform, app_id, lambda: [one.id for one in frozen(platform, app_id)] == [newer])
    platform.deploy(back_to(platform, second, 4))
    assert web_of(platform, app_id) == newer


def test_workers_are_stopped_and_a_rollback_waits_for_new_ones(platform: Platform, app_id: AppId) -> None:
    first, _ = two_releases(platform, app_id, processes=WEB_AND_WORKER)
    turned_until(platform, app_id, lambda: len(platform.runtime.containers(app_id)) == 3)
    assert [one.process for one in frozen(platform, app_id)] == ["web.1"]
    before = {one.id for one in platform.runtime.containers(app_id)}
    platform.deploy(back_to(platform, first))
    assert platform.running(app_id) == ["web.1", "worker.1"]
    assert "The switch waits until these are healthy too." in "".join(platform.lines)
    [worker] = [one for one in platform.scheduler.instances(app_id) if (one.process, one.version) == ("worker.1", 3)]
    assert worker.container_id not in before


def test_a_push_leaves_them_alone_and_replaces_them_when_it_is_live(platform: Platform, app_id: AppId) -> None:
    two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    newer = web_of(platform, app_id)
    bad = platform.spec(app_id, version=3, processes=(ProcessType("web", BYE),))
    with pytest.raises(BootFailed):
        platform.deploy(bad)
    assert frozen(platform, app_id) == [kept]
    platform.deploy(platform.spec(app_id, version=4, commit="f00d"))
    turned_until(platform, app_id, lambda: [one.id for one in frozen(platform, app_id)] == [newer])
    turned_until(platform, app_id, lambda: platform.runtime.look(kept.id) is None)


def test_after_a_change_of_config_none_is_kept(platform: Platform, app_id: AppId) -> None:
    first, second = two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    platform.deploy(replace(second, release_id="r3", version=3, env={"WORD": "changed"}))
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 3))
    assert (kept.id, "SIGTERM") in platform.runtime.signals
    platform.deploy(back_to(platform, first, 4))
    assert web_of(platform, app_id) != kept.id


def test_after_a_mount_none_is_kept(platform: Platform, app_id: AppId) -> None:
    two_releases(platform, app_id)
    assert platform.mount(app_id, "data", "/data").status == "succeeded"
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))


def test_scaling_down_ends_those_without_a_place_and_scaling_up_starts_the_missing(
    platform: Platform, app_id: AppId
) -> None:
    first, _ = two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    platform.scheduler.scale(app_id, {"web": 2})
    turned_until(platform, app_id, lambda: len(platform.running(app_id)) == 2)
    platform.deploy(back_to(platform, first))
    assert platform.running(app_id) == ["web.1", "web.2"]
    assert kept.address in platform.routed(app_id)
    turned_until(platform, app_id, lambda: len(frozen(platform, app_id)) == 2)
    platform.scheduler.scale(app_id, {"web": 1})
    turned_until(platform, app_id, lambda: [one.process for one in frozen(platform, app_id)] == ["web.1"])


def test_the_memory_of_the_host_comes_first(platform: Platform, app_id: AppId) -> None:
    two_releases(platform, app_id)
    platform.runtime.free_mb = 5
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))


def test_after_their_time_they_end(platform: Platform, app_id: AppId, monkeypatch: pytest.MonkeyPatch) -> None:
    two_releases(platform, app_id)
    later = clock.after(WARM_S)
    monkeypatch.setattr(clock, "now", lambda: later)
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))


def test_one_that_does_not_answer_any_more_is_replaced_by_a_new_one(platform: Platform, app_id: AppId) -> None:
    first, _ = two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    platform.runtime.end(kept.id, 137)  # as an engine that was restarted leaves it
    platform.runtime.found[kept.id] = replace(kept, state="paused")  # and tells it too late
    platform.runtime.sockets.pop(kept.id, None)
    platform.deploy(back_to(platform, first))
    assert web_of(platform, app_id) not in (None, kept.id)
    assert "So all of them start anew." in "".join(platform.lines)
    assert platform.runtime.look(kept.id) is None


def test_an_engine_that_lost_them_leaves_a_cold_rollback(platform: Platform, app_id: AppId) -> None:
    first, _ = two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    platform.runtime.end(kept.id, 137)
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))
    platform.deploy(back_to(platform, first))
    assert platform.running(app_id) == ["web.1"]


def test_what_a_worker_that_died_had_woken_is_ended_and_the_live_release_serves(
    platform: Platform, app_id: AppId
) -> None:
    first, _ = two_releases(platform, app_id)
    serving = platform.routed(app_id)
    waking = platform.scheduler._rollouts.waking  # the moment between the claim and the rest
    back = back_to(platform, first)
    with platform.line(app_id) as lease, platform.database.write() as session:
        waking.claim(session, back, "rollout-of-a-dead-worker", lease, waking.frozen(back), 1)
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))
    assert platform.routed(app_id) == serving
    platform.deploy(replace(back, version=4))
    assert platform.running(app_id) == ["web.1"]


def test_a_rollback_that_is_stopped_changes_nothing_that_serves(platform: Platform, app_id: AppId) -> None:
    first, _ = two_releases(platform, app_id)

    def lost() -> str:
        raise LeaseLost

    serving = platform.routed(app_id)
    with pytest.raises(LeaseLost):
        platform.deploy(back_to(platform, first), before_switch=lost)
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))
    assert platform.routed(app_id) == serving


def test_what_the_loop_has_ended_meanwhile_is_not_claimed_nor_the_other_way_round(
    platform: Platform, app_id: AppId
) -> None:
    first, _ = two_releases(platform, app_id)
    waking = platform.scheduler._rollouts.waking
    back = back_to(platform, first)
    ids = waking.frozen(back)
    platform.runtime.free_mb = 0
    turned_until(platform, app_id, lambda: not frozen(platform, app_id))
    with platform.line(app_id) as lease, platform.database.write() as session:
        assert waking.claim(session, back, "r", lease, ids, 1) == []


def test_a_destroyed_app_leaves_none(platform: Platform, app_id: AppId) -> None:
    two_releases(platform, app_id)
    platform.scheduler.forget_app(app_id)
    assert platform.runtime.containers(app_id) == []
    assert platform.scheduler.instances(app_id) == []


@pytest.mark.engine
def test_on_the_engine_the_same_container_serves_again(engine: Platform, app_id: AppId, tmp_path: Any) -> None:
    runtime, settings = engine.runtime, replace(engine.settings, warm_s=WARM_S)
    (tmp_path / "warm").mkdir()
    platform = build(tmp_path / "warm", runtime, settings, engine.image_id)
    try:
        first, _ = two_releases(platform, app_id)
        [kept] = frozen(platform, app_id)
        platform.deploy(back_to(platform, first))
        assert web_of(platform, app_id) == kept.id
        found = runtime.look(kept.id)
        assert found is not None
        assert (found.state, found.address) == ("running", kept.address)
        turned_until(platform, app_id, lambda: len(frozen(platform, app_id)) == 1)
        platform.scheduler.forget_app(app_id)
        assert runtime.containers(app_id) == []
    finally:
        platform.database.close()


def stale_turn(platform: Platform, app_id: AppId) -> Callable[[frozenset[str]], object]:
    """A turn of the loop that has looked now and acts when it is called."""
    at = clock.now()
    containers = {one.instance_id: one for one in platform.runtime.containers(app_id)}
    with platform.database.read() as session:
        record = load_apps(session, [app_id])[app_id]
    return lambda surplus: platform.scheduler._reconciler._turns.take(record, containers, at, surplus)


def test_a_loop_that_looked_before_the_rollback_does_not_end_what_it_wakes(platform: Platform, app_id: AppId) -> None:
    first, _ = two_releases(platform, app_id)
    [kept] = frozen(platform, app_id)
    late = stale_turn(platform, app_id)
    waking, back = platform.scheduler._rollouts.waking, back_to(platform, first)
    with platform.line(app_id) as lease, platform.database.write() as session:
        waking.claim(session, back, "next", lease, waking.frozen(back), 1)
    late(frozenset({kept.instance_id}))
    assert (kept.id, "SIGTERM") not in platform.runtime.signals


class CountingRuntime(MemoryRuntime):
    """Remembers what it was asked to freeze."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def pause(self, container_id: str) -> None:
        self.asked.append(container_id)
        super().pause(container_id)


def test_an_instance_is_frozen_once_however_many_loops_find_it_drained(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    runtime = CountingRuntime()
    platform = make_platform(runtime, warm_s=WARM_S)
    platform.deploy(platform.spec(app_id))
    platform.deploy(platform.spec(app_id, version=2, commit="beef"))
    late = [stale_turn(platform, app_id) for _ in range(3)]
    turned_until(platform, app_id, lambda: bool(frozen(platform, app_id)))
    for turn in late:
        turn(frozenset())
    assert len(runtime.asked) == 1


class UnfreezableRuntime(MemoryRuntime):
    """It can't freeze anything, as an orchestrator of many hosts."""

    def pause(self, container_id: str) -> None:
        pass


def test_where_nothing_can_be_frozen_the_old_release_ends_and_a_rollback_starts_anew(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(UnfreezableRuntime(), warm_s=WARM_S, grace_s=0.5)
    first = platform.spec(app_id)
    platform.deploy(first)
    platform.deploy(platform.spec(app_id, version=2, commit="beef"))
    turned_until(platform, app_id, lambda: S.WARM in platform.states(app_id)["web.1"])
    assert platform.scheduler._rollouts.waking.frozen(back_to(platform, first)) == frozenset()
    turned_until(platform, app_id, lambda: platform.settled(app_id, ["web.1"], 2))
    platform.deploy(back_to(platform, first))
    assert platform.running(app_id) == ["web.1"]
