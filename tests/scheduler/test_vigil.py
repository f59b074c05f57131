"""Running instances are asked; what they answer takes them out of the route, brings them back, or replaces them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.errors import Unavailable
from core.ids import AppId
from scheduler import CheckKind, HealthCheck, Instance, ProcessType
from scheduler.runtime import Executed
from scheduler.states import InstanceState
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import IDLE, SERVE, MemoryRuntime

OFTEN = HealthCheck(attempts=2, wait_s=0.02, timeout_s=1)
READY = replace(OFTEN, kind=CheckKind.READINESS, command=("ready?",))
LIVE = replace(OFTEN, kind=CheckKind.LIVENESS, command=("alive?",))


class AnsweringRuntime(MemoryRuntime):
    """Its containers say that they are fine until told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.answers |= {"ready?": 0, "alive?": 0}

        self.silent = False

    def execute(self, container_id: str, argv: Sequence[str], timeout_s: float) -> Executed:
        answer = super().execute(container_id, argv, timeout_s)
        if self.silent:
            raise Unavailable("The Docker engine does not answer.")
        return answer

    def fail(self, instance: Instance, question: str, code: int = 1) -> None:
        self.answers[f"{instance.container_id} {question}"] = code


@pytest.fixture
def platform(make_platform) -> Platform:  # type: ignore[no-untyped-def]
    made: Platform = make_platform(AnsweringRuntime())
    return made


def two_webs(platform: Platform, app_id: AppId, *checks: HealthCheck) -> list[Instance]:
    platform.deploy(platform.spec(app_id, health={"web": checks}))
    platform.scheduler.scale(app_id, {"web": 2})
    eventually(lambda: settled(platform, app_id, 2), "two serve")
    return platform.scheduler.instances(app_id)


def settled(platform: Platform, app_id: AppId, routed: int) -> bool:
    platform.scheduler.reconcile_app(app_id)
    return platform.running(app_id) == ["web.1", "web.2"] and len(platform.routed(app_id)) == routed


def test_an_instance_that_is_not_ready_leaves_the_route_runs_on_and_comes_back(
    platform: Platform, app_id: AppId
) -> None:
    with platform.looping():
        one, two = two_webs(platform, app_id, READY)
        platform.runtime.fail(one, "ready?")
        eventually(lambda: platform.routed(app_id) == {two.address}, "it is out of the route")
        found = platform.scheduler.instances(app_id)[0]
        assert (found.id, found.state) == (one.id, InstanceState.RUNNING)
        assert found.detail == "out of the route: `ready?` ended with exit code 1"
        platform.runtime.fail(one, "ready?", 0)
        eventually(lambda: platform.routed(app_id) == {one.address, two.address}, "it is back")
        assert [(it.id, it.detail) for it in platform.scheduler.instances(app_id)] == [(one.id, ""), (two.id, "")]


def test_while_none_is_ready_the_last_that_was_stays_in_the_route(platform: Platform, app_id: AppId) -> None:
    with platform.looping():
        one, two = two_webs(platform, app_id, READY)
        platform.runtime.fail(one, "ready?")
        eventually(lambda: platform.routed(app_id) == {two.address}, "one is out of the route")
        platform.runtime.fail(two, "ready?")
        asked = platform.runtime.executed
        eventually(lambda: platform.runtime.executed > asked + 10, "both are asked many times")
        assert platform.routed(app_id) == {two.address}
        platform.runtime.end(two.container_id, 1)
        eventually(lambda: len(platform.routed(app_id)) > 0 and two.address not in platform.routed(app_id), "it is out")
        assert all(addresses for _, addresses in platform.router.history)


def test_a_hung_instance_is_replaced_without_a_gap(platform: Platform, app_id: AppId) -> None:
    with platform.looping():
        one, two = two_webs(platform, app_id, LIVE)
        platform.runtime.fail(one, "alive?")

        def replaced() -> bool:
            instances = platform.scheduler.instances(app_id)
            return settled(platform, app_id, 2) and one.id not in {it.id for it in instances} and len(instances) == 2

        eventually(replaced, "another has taken its place")
        assert two.id in {it.id for it in platform.scheduler.instances(app_id)}
        assert all(addresses for _, addresses in platform.router.history)
        assert (one.container_id, "SIGTERM") in platform.runtime.signals, "it was asked to end first"


def test_an_engine_that_can_not_ask_says_nothing_about_the_instances(platform: Platform, app_id: AppId) -> None:
    """Else all instances with a command as check would be replaced as soon as it is back."""
    with platform.looping():
        two_webs(platform, app_id, LIVE, READY)
        before = platform.scheduler.instances(app_id)
        platform.runtime.silent = True
        asked = platform.runtime.executed
        eventually(lambda: platform.runtime.executed > asked + 20, "each check fails to be asked many times")
        platform.runtime.silent = False
        asked = platform.runtime.executed
        eventually(lambda: platform.runtime.executed > asked + 20, "they are asked again")
        assert platform.scheduler.instances(app_id) == before


def test_a_check_that_only_warns_changes_nothing(platform: Platform, app_id: AppId) -> None:
    with platform.looping():
        one, two = two_webs(platform, app_id, replace(READY, warn=True), replace(LIVE, warn=True))
        for it in (one, two):
            platform.runtime.fail(it, "ready?")
            platform.runtime.fail(it, "alive?")
        asked = platform.runtime.executed
        eventually(lambda: platform.runtime.executed > asked + 12, "they are asked")
        assert settled(platform, app_id, 2)
        assert [it.id for it in platform.scheduler.instances(app_id)] == [one.id, two.id]


def test_nothing_is_asked_where_no_check_says_so_and_readiness_only_where_there_is_a_route(
    platform: Platform, app_id: AppId
) -> None:
    types = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
    plain = platform.spec(app_id, processes=types)
    assert not plain.is_watched
    platform.deploy(plain)
    platform.scheduler.reconcile()
    assert platform.runtime.executed == 0
    checked = platform.spec(app_id, version=2, processes=types, health={"worker": (READY,)})
    assert checked.is_watched
    platform.deploy(checked)
    asked = platform.runtime.executed
    platform.scheduler.reconcile()
    platform.scheduler.reconcile()
    assert platform.runtime.executed == asked, "a running worker has no route to be taken out of"
