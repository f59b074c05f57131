"""The loop's turns, on an engine in memory: whatever is missing is made, whatever is too much goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import Unavailable, UserError
from core.ids import AppId, new_id
from scheduler import InstanceState, ProcessType
from tests.scheduler.conftest import Platform, another_process, eventually
from tests.scheduler.fakes import IDLE, SERVE, AbsentRuntime, StubbornRuntime


def test_a_wish_is_acted_upon_by_reconcile_app(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    formation = platform.scheduler.scale(app_id, {"web": 2})
    assert [(one.process_type, one.quantity) for one in formation] == [("web", 2)]

    def two_run() -> bool:
        platform.scheduler.reconcile_app(app_id)
        return platform.running(app_id) == ["web.1", "web.2"]

    eventually(two_run, "two running")
    assert platform.routed(app_id) == {one.address for one in platform.scheduler.instances(app_id)}


def test_scaling_is_refused_with_the_reason(platform: Platform, app_id: AppId) -> None:
    with pytest.raises(UserError, match="no release that runs anything"):
        platform.scheduler.scale(app_id, {"web": 1})
    platform.deploy(platform.spec(app_id))
    with pytest.raises(UserError, match="no process type 'wbe'; this release has: web"):
        platform.scheduler.scale(app_id, {"wbe": 1})
    for quantity in (-1, 101):
        with pytest.raises(UserError, match="0 to 100"):
            platform.scheduler.scale(app_id, {"web": quantity})
    assert [one.quantity for one in platform.scheduler.formation(app_id)] == [1]


def test_scaling_web_to_zero_empties_the_route(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 0})
    with platform.looping():
        eventually(lambda: platform.settled(app_id, []), "nothing runs")
    assert platform.routed(app_id) == set()


def test_restarting_what_does_not_run_is_refused(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    with pytest.raises(UserError, match=r"no running web\.7"):
        platform.scheduler.restart(app_id, "web.7")


def test_one_instance_can_be_restarted_alone(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 2})
    with platform.looping():
        eventually(lambda: platform.settled(app_id, ["web.1", "web.2"]), "two instances")
        first, second = platform.scheduler.instances(app_id)
        platform.scheduler.restart(app_id, "web.2")

        def replaced() -> bool:
            now = platform.scheduler.instances(app_id)
            return platform.settled(app_id, ["web.1", "web.2"]) and now[1].id != second.id

        eventually(replaced, "a fresh web.2")
        assert platform.scheduler.instances(app_id)[0].id == first.id


def test_an_old_release_is_stopped_once_nothing_is_in_flight(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    generation = platform.router.applied[app_id][0]
    platform.router.busy.add(generation)
    platform.deploy(platform.spec(app_id, version=2))
    [old] = [one for one in platform.scheduler.instances(app_id) if one.version == 1]
    for _ in range(5):
        platform.scheduler.reconcile_app(app_id)
    assert platform.runtime.signals == []
    platform.router.busy.clear()
    with platform.looping():
        eventually(lambda: platform.settled(app_id, ["web.1"], version=2), "only v2")
    assert platform.runtime.signals[0] == (old.container_id, "SIGTERM")
    assert generation not in platform.router.draining


def test_a_request_that_never_ends_holds_an_old_release_until_the_drain_deadline(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(drain_s=0.3)
    platform.deploy(platform.spec(app_id))
    platform.router.busy.add(platform.router.applied[app_id][0])
    with platform.looping():
        platform.deploy(platform.spec(app_id, version=2))
        eventually(lambda: platform.settled(app_id, ["web.1"], version=2), "only v2")


def test_an_instance_that_ignores_sigterm_is_killed_after_its_grace(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(StubbornRuntime(), grace_s=0.2)
    platform.deploy(platform.spec(app_id))
    with platform.looping():
        platform.deploy(platform.spec(app_id, version=2))
        eventually(lambda: platform.settled(app_id, ["web.1"], version=2), "only v2")
    assert [name for _, name in platform.runtime.signals[:2]] == ["SIGTERM", "SIGKILL"]


def test_after_a_reboot_everything_is_started_again(platform: Platform) -> None:
    apps = [AppId(new_id()) for _ in range(5)]
    both = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
    for app_id in apps:
        platform.deploy(platform.spec(app_id, processes=both))
    for container in platform.runtime.containers():
        platform.runtime.remove(container.id)
    with platform.looping():
        for app_id in apps:
            eventually(lambda app_id=app_id: platform.settled(app_id, ["web.1"]), "web runs again")
            assert platform.routed(app_id) == {one.address for one in platform.scheduler.instances(app_id)}


def test_a_crash_is_shown_with_its_exit_code(make_platform: Callable[..., Platform], app_id: AppId) -> None:
    platform = make_platform(backoff_first_s=300.0)
    platform.deploy(platform.spec(app_id))
    [before] = platform.scheduler.instances(app_id)
    platform.runtime.end(before.container_id, 9)
    platform.scheduler.reconcile_app(app_id)
    [after] = platform.scheduler.instances(app_id)
    assert (after.state, after.detail) == (InstanceState.CRASHED, "exited with code 9")
    assert platform.routed(app_id) == set()


def test_a_replacement_does_not_wait_for_a_deploy_that_holds_the_line(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    [before] = platform.scheduler.instances(app_id)
    with platform.line(app_id), platform.looping():
        platform.runtime.end(before.container_id, 1)
        eventually(lambda: platform.settled(app_id, ["web.1"]), "a replacement")


def test_two_reconcilers_at_once_start_one_replacement(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 4})
    barrier = threading.Barrier(4)

    def turn() -> None:
        scheduler = another_process(platform, lambda app_id: None)
        barrier.wait(10)
        scheduler.reconcile_app(app_id)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with platform.looping():
        eventually(lambda: platform.settled(app_id, ["web.1", "web.2", "web.3", "web.4"]), "four, not more")
    assert len(platform.runtime.orders) == 4


def test_an_engine_that_is_away_is_no_reason_to_give_anything_up(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(AbsentRuntime())
    with pytest.raises(Unavailable):
        platform.scheduler.reconcile()
    assert platform.scheduler.instances(app_id) == []


def test_a_wish_is_passed_on_to_whoever_was_given_to_wake(platform: Platform, app_id: AppId) -> None:
    woken: list[AppId] = []
    platform.deploy(platform.spec(app_id))
    elsewhere = another_process(platform, woken.append)
    elsewhere.scale(app_id, {"web": 2})
    elsewhere.restart(app_id, "web")
    assert woken == [app_id, app_id]


def test_an_app_that_is_slow_to_look_at_keeps_no_other_waiting(make_platform: Callable[..., Platform]) -> None:
    slow, quick = AppId(new_id()), AppId(new_id())
    platform = make_platform()
    for app_id in (slow, quick):
        platform.deploy(platform.spec(app_id))
    release = threading.Event()
    in_flight = platform.router.in_flight
    platform.router.in_flight = lambda app, generation: (  # type: ignore[method-assign]
        release.wait(30) and 0 if app == slow else in_flight(app, generation)
    )
    try:
        with platform.looping():
            platform.deploy(platform.spec(slow, version=2))
            platform.deploy(platform.spec(quick, version=2))
            eventually(lambda: platform.settled(quick, ["web.1"], version=2), "the quick one is done")
            assert len(platform.scheduler.instances(slow)) == 2
            release.set()
            eventually(lambda: platform.settled(slow, ["web.1"], version=2), "the slow one too")
    finally:
        release.set()


def test_what_ended_while_no_events_came_is_found_when_they_come_again(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(loop_s=3600.0)
    platform.deploy(platform.spec(app_id))
    with platform.looping():
        [served] = platform.scheduler.instances(app_id)
        assert served.container_id is not None
        platform.runtime.lose(served.container_id)
        platform.runtime.endings().close()

        def replaced() -> bool:
            return platform.settled(app_id, ["web.1"]) and platform.scheduler.instances(app_id)[0].id != served.id

        eventually(replaced, "another instance")


def test_what_happens_during_a_turn_is_looked_at_as_soon_as_the_turn_ends(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(loop_s=3600.0, pending_s=3600.0)
    looking, go_on = threading.Event(), threading.Event()
    in_flight = platform.router.in_flight

    def slowly(app: AppId, generation: str) -> int:
        if not looking.is_set():
            looking.set()
            go_on.wait(30)
            raise RuntimeError("this turn comes to nothing")
        return in_flight(app, generation)

    platform.router.in_flight = slowly  # type: ignore[method-assign]
    other = AppId(new_id())
    for one in (app_id, other):
        platform.deploy(platform.spec(one))

    def end(app: AppId, version: int) -> None:
        [served] = [one for one in platform.scheduler.instances(app) if one.version == version]
        assert served.container_id is not None
        platform.runtime.end(served.container_id, 1)

    try:
        with platform.looping():
            platform.deploy(platform.spec(app_id, version=2))
            assert looking.wait(30)
            end(app_id, 2)
            end(other, 1)
            eventually(lambda: platform.states(other)["web.1"] == [InstanceState.CRASHED], "both ends are heard of")
            go_on.set()
            eventually(lambda: InstanceState.CRASHED in platform.states(app_id)["web.1"], "its end is seen")
    finally:
        go_on.set()


@pytest.mark.parametrize("loss", ["gone", "ended", "elsewhere"])
def test_before_a_router_starts_no_route_leads_to_what_is_not_there(
    platform: Platform, app_id: AppId, loss: str
) -> None:
    other = AppId(new_id())
    platform.deploy(platform.spec(app_id))
    platform.deploy(platform.spec(other))
    [container] = platform.runtime.containers(app_id)
    if loss == "gone":
        platform.runtime.lose(container.id)
    elif loss == "ended":
        platform.runtime.end(container.id, 137)
    else:
        platform.runtime.found[container.id] = replace(container, address="127.1.2.3")
    before = len(platform.runtime.containers())
    platform.scheduler.before_routes()
    recorded = {app: len(backends) for app, (_, backends) in platform.router.wanted.items()}
    assert recorded == {app_id: 0, other: 1}
    assert len(platform.runtime.containers()) == before, "nothing is started or ended"
    with platform.looping():
        eventually(lambda: platform.settled(app_id, ["web.1"]), "it serves again, and nothing else is left")
