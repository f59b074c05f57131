"""Old instances of `web` make room for a new set: one switch as ever, and whatever goes wrong gives them back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Cancelled, LeaseLost
from core.ids import AppId
from core.leases import Leases
from scheduler import BootFailed, InstanceState, ProcessType, line_of
from scheduler.handover import Handover
from scheduler.rollout import Rollouts
from scheduler.runtime import ContainerOrder
from scheduler.shrinking import Shrinking
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import BYE, IDLE, SERVE, MemoryRuntime

FOUR = ["web.1", "web.2", "web.3", "web.4"]


class CrowdedRuntime(MemoryRuntime):
    """Remembers how many containers of each version ran when one of the newest was started."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[int, int]] = []

    def start(self, order: ContainerOrder) -> str:
        running = [one.version for one in self.containers() if one.running and one.version < order.version]
        self.seen.append({version: running.count(version) for version in set(running)})
        return super().start(order)


@pytest.fixture
def crowded(make_platform: Callable[..., Platform], app_id: AppId) -> Platform:
    """Four instances of v1 run."""
    platform = make_platform(CrowdedRuntime())
    platform.deploy(platform.spec(app_id))
    scaled(platform, app_id, FOUR, web=4)
    platform.runtime.seen.clear()
    platform.router.history.clear()
    return platform


def scaled(platform: Platform, app_id: AppId, processes: list[str], version: int | None = None, **web: int) -> None:
    platform.scheduler.scale(app_id, web)
    whole(platform, app_id, processes, version)


def whole(platform: Platform, app_id: AppId, processes: list[str], version: int | None = None) -> None:
    def looked() -> bool:
        platform.scheduler.reconcile_app(app_id)
        return platform.settled(app_id, processes, version)

    eventually(looked, f"{processes} and nothing else")


def shrunk_to(platform: Platform, rule: str) -> Callable[[AppId, int], None]:
    def deploy(app_id: AppId, version: int) -> None:
        platform.deploy(platform.spec(app_id, version=version, shrink={"web": rule}))

    return deploy


def frozen(platform: Platform, app_id: AppId) -> int:
    return len([one for one in platform.runtime.containers(app_id) if one.paused])


def routes(platform: Platform) -> list[int]:
    """How many backends the route had, one change after the other."""
    return [len(addresses) for _, addresses in platform.router.history]


def test_the_old_set_shrinks_before_the_new_one_starts_and_one_switch_ends_it(crowded: Platform, app_id: AppId) -> None:
    crowded.deploy(crowded.spec(app_id, version=2, shrink={"web": "50%"}))
    assert crowded.runtime.seen == [{1: 2}] * 4, "the other two had ended"
    assert routes(crowded) == [2, 4]
    assert crowded.lines.index("-----> web: 4 → 2 instances while v2 starts") < crowded.lines.index(
        "-----> Starting v2: web=4"
    )
    whole(crowded, app_id, FOUR, 2)


def test_without_a_rule_nothing_shrinks_and_off_takes_app_jsons_back(crowded: Platform, app_id: AppId) -> None:
    crowded.deploy(crowded.spec(app_id, version=2))
    whole(crowded, app_id, FOUR, 2)
    crowded.scheduler.scale(app_id, {}, {"web": "off"})
    crowded.deploy(crowded.spec(app_id, version=3, shrink={"web": "1"}))
    assert crowded.runtime.seen == [{1: 4}] * 4 + [{2: 4}] * 4
    [web] = crowded.scheduler.formation(app_id)
    assert web.shrink == "off"
    [web] = crowded.scheduler.scale(app_id, {}, {"web": ""})
    assert web.shrink == "1", "as the live release's app.json says"


def test_what_is_set_for_the_app_goes_before_app_json(crowded: Platform, app_id: AppId) -> None:
    [web] = crowded.scheduler.scale(app_id, {}, {"web": "3"})
    assert web.shrink == "3"
    crowded.deploy(crowded.spec(app_id, version=2, shrink={"web": "1"}))
    assert crowded.runtime.seen == [{1: 3}] * 4


@pytest.mark.parametrize(("free_mb", "left"), [(40, 4), (39, 3), (25, 2), (0, 1), (None, 4)])
def test_auto_shrinks_only_as_far_as_memory_asks_for(
    crowded: Platform, app_id: AppId, free_mb: int | None, left: int
) -> None:
    crowded.runtime.free_mb = free_mb  # each instance there holds 10 MB
    shrunk_to(crowded, "auto")(app_id, 2)
    assert crowded.runtime.seen == [{1: left}] * 4
    whole(crowded, app_id, FOUR, 2)


def test_a_type_that_was_never_measured_counts_with_its_limit(crowded: Platform, app_id: AppId) -> None:
    types = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
    crowded.deploy(crowded.spec(app_id, version=2, processes=types))
    crowded.scheduler.scale(app_id, {"worker": 1})
    whole(crowded, app_id, [*FOUR, "worker.1"])
    crowded.runtime.free_mb = 45  # for five instances of 10 MB each
    crowded.deploy(crowded.spec(app_id, version=3, processes=types, shrink={"web": "auto"}))
    assert "-----> web: 4 → 3 instances while v3 starts" in crowded.lines


def test_what_is_kept_frozen_goes_before_anything_that_serves(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(CrowdedRuntime(), warm_s=600.0)
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 2})
    with platform.looping():
        eventually(lambda: len(platform.running(app_id)) == 2, "two run")
        platform.deploy(platform.spec(app_id, version=2))
        eventually(lambda: frozen(platform, app_id) == 2, "v1 frozen")
    platform.runtime.free_mb = 5  # the loop, which ends what is frozen when memory is scarce, looks no more
    platform.runtime.seen.clear()
    platform.deploy(platform.spec(app_id, version=3, shrink={"web": "auto"}, commit="other"))
    assert platform.runtime.seen == [{2: 2}] * 2
    assert "       Memory is scarce: 2 frozen instances of an earlier release make room first." in platform.lines


def test_a_rollback_that_only_wakes_what_is_frozen_shrinks_nothing(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(CrowdedRuntime(), warm_s=600.0)
    first = platform.spec(app_id, shrink={"web": "1"})
    platform.deploy(first)
    platform.scheduler.scale(app_id, {"web": 2})
    with platform.looping():
        eventually(lambda: len(platform.running(app_id)) == 2, "two run")
        platform.deploy(platform.spec(app_id, version=2))
        eventually(lambda: frozen(platform, app_id) == 2, "v1 frozen")
        before = platform.lines.count("-----> web: 2 → 1 instance while v3 starts")
        platform.deploy(platform.spec(app_id, version=3, shrink={"web": "1"}))
    assert before == platform.lines.count("-----> web: 2 → 1 instance while v3 starts") == 0
    assert "-----> Waking what was kept for v3: web=2" in platform.lines


def test_a_release_that_does_not_start_gives_the_places_back(crowded: Platform, app_id: AppId) -> None:
    with pytest.raises(BootFailed):
        crowded.deploy(crowded.spec(app_id, version=2, shrink={"web": "1"}, processes=(ProcessType("web", BYE),)))
    assert crowded.running(app_id) == ["web.1"]
    whole(crowded, app_id, FOUR, 1)
    assert routes(crowded) == sorted(routes(crowded)), "from one on it only grew"


def test_a_cancel_while_the_old_ones_drain_gives_them_back(crowded: Platform, app_id: AppId) -> None:
    cancelled = threading.Event()
    crowded.router.listed_addresses = lambda: frozenset(  # a request hangs on: nobody is drained
        one.address for one in crowded.scheduler.instances(app_id)
    )

    def stopped() -> BaseException | None:
        cancelled.set()
        return Cancelled("Cancelled before the switch.")

    spec = crowded.spec(app_id, version=2, shrink={"web": "2"})
    with crowded.line(app_id) as lease, pytest.raises(Cancelled):
        crowded.scheduler.deploy(spec, lease, crowded.log(), lambda: "ref", stopped)
    del crowded.router.listed_addresses
    assert cancelled.is_set()
    assert crowded.runtime.seen == []
    whole(crowded, app_id, FOUR, 1)


def test_while_it_is_shrunk_the_loop_looks_after_what_is_left_and_scaling_works(
    crowded: Platform, app_id: AppId
) -> None:
    def publish() -> str:
        crowded.scheduler.reconcile_app(app_id)
        assert old() == ["web.1", "web.2"], "held places stay empty"
        [first] = [one for one in crowded.runtime.containers(app_id) if (one.process, one.version) == ("web.1", 1)]
        crowded.runtime.end(first.id, 1)
        eventually(lambda: old() == ["web.2"], "it has crashed")
        eventually(lambda: old() == ["web.1", "web.2"], "it was started again")
        crowded.scheduler.scale(app_id, {"web": 5})
        eventually(lambda: old() == ["web.1", "web.2", "web.5"], "a place that nobody holds is filled")
        return "ref"

    def old() -> list[str]:
        crowded.scheduler.reconcile_app(app_id)
        found = crowded.scheduler.instances(app_id)
        return sorted(one.process for one in found if one.version == 1 and one.state == "running")

    crowded.deploy(crowded.spec(app_id, version=2, shrink={"web": "2"}), before_switch=publish)
    whole(crowded, app_id, [*FOUR, "web.5"], 2)


def test_scaled_down_meanwhile_nothing_too_many_comes_back(crowded: Platform, app_id: AppId) -> None:
    def publish() -> str:
        crowded.scheduler.scale(app_id, {"web": 1})
        return "ref"

    crowded.deploy(crowded.spec(app_id, version=2, shrink={"web": "2"}), before_switch=publish)
    whole(crowded, app_id, ["web.1"], 2)


@pytest.mark.parametrize("moment", ["draining", "starting"])
def test_a_dead_workers_hold_is_over_with_its_lease(
    crowded: Platform, app_id: AppId, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    quick = Leases(crowded.database, ttl_s=0.0)
    late = quick.take(line_of(app_id))
    assert late is not None

    def dies(*_: Any) -> None:
        late.lost.set()
        late.check()

    with monkeypatch.context() as killed:
        killed.setattr(Rollouts, "discard", lambda *_: None)  # what a killed worker does not do any more
        killed.setattr(Handover, "give_back", lambda *_: None)
        if moment == "draining":
            killed.setattr(Shrinking, "_await_end", dies)
        else:
            killed.setattr(Rollouts, "_boot", dies)
        spec = crowded.spec(app_id, version=2, shrink={"web": "1"})
        with pytest.raises(LeaseLost):
            crowded.scheduler.deploy(spec, late, crowded.log(), lambda: "ref", lambda: None)
    whole(crowded, app_id, FOUR, 1)
    assert crowded.scheduler.current_version(app_id) == 1


def test_another_worker_that_takes_over_shrinks_what_has_come_back(crowded: Platform, app_id: AppId) -> None:
    spec = crowded.spec(app_id, version=2, shrink={"web": "1"})
    with crowded.line(app_id) as lease, pytest.raises(Cancelled):
        crowded.scheduler.deploy(spec, lease, crowded.log(), lambda: "ref", lambda: Cancelled("as if"))
    crowded.deploy(spec)
    assert crowded.runtime.seen == [{1: 1}] * 4
    whole(crowded, app_id, FOUR, 2)


def test_a_change_of_size_shrinks_too(crowded: Platform, app_id: AppId) -> None:
    crowded.scheduler.scale(app_id, {}, {"web": "2"})
    assert crowded.resize(app_id, web="32m").status == "succeeded"
    assert routes(crowded) == [2, 4]


def test_it_says_that_it_waits_for_what_left_earlier(crowded: Platform, app_id: AppId) -> None:
    crowded.scheduler.scale(app_id, {"web": 3})
    crowded.scheduler.reconcile_app(app_id)
    assert crowded.states(app_id)["web.4"] == [InstanceState.RETIRED]
    crowded.deploy(crowded.spec(app_id, version=2, shrink={"web": "2"}))
    [said] = [line for line in crowded.lines if "It waits for" in line]
    assert "It waits for what left earlier and has not ended yet: web.4 of v1; " in said
    assert said.endswith(" s at most.")
    assert crowded.runtime.seen == [{1: 2}] * 3


@pytest.mark.parametrize(("free_mb", "left"), [(30, 4), (20, 3), (10, 2)])
def test_auto_reckons_with_what_is_ending_anyway_and_waits_for_it(
    crowded: Platform, app_id: AppId, free_mb: int, left: int
) -> None:
    """Three are wanted, each of 10 MB; a fourth drains."""
    crowded.scheduler.scale(app_id, {"web": 3})
    crowded.scheduler.reconcile_app(app_id)
    assert crowded.states(app_id)["web.4"] == [InstanceState.RETIRED]
    crowded.runtime.free_mb = free_mb
    shrunk_to(crowded, "auto")(app_id, 2)
    assert crowded.runtime.seen == [{1: left}] * 3
    assert any("It waits for what left earlier" in line for line in crowded.lines) == (left < 4)


def test_auto_lets_what_drains_to_be_kept_frozen_go_too(make_platform: Callable[..., Platform], app_id: AppId) -> None:
    platform = make_platform(CrowdedRuntime(), warm_s=300.0)
    platform.deploy(platform.spec(app_id))
    platform.deploy(platform.spec(app_id, version=2, commit="beef"))
    assert platform.states(app_id)["web.1"].count(InstanceState.RETIRED) == 1
    platform.scheduler.scale(app_id, {"web": 2})
    eventually(lambda: platform.scheduler.reconcile_app(app_id) or len(platform.running(app_id)) == 2, "two run")
    platform.runtime.seen.clear()
    platform.runtime.free_mb = 10
    platform.deploy(platform.spec(app_id, version=3, shrink={"web": "auto"}, commit="other"))
    assert platform.runtime.seen == [{2: 2}] * 2
    assert frozen(platform, app_id) == 0
