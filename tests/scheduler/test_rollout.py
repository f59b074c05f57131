"""Deploys, on an engine in memory: all or nothing, guarded by the fence, repeatable."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from core.errors import Cancelled, LeaseLost
from core.ids import AppId
from core.leases import Leases
from scheduler import BootFailed, InstanceState, ProcessType, line_of
from tests.scheduler.conftest import Platform, eventually, within
from tests.scheduler.fakes import BYE, IDLE, SERVE

WEB_AND_WORKER = (ProcessType("web", SERVE), ProcessType("worker", IDLE))


def test_the_first_deploy_starts_one_web_and_nothing_else(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id, processes=WEB_AND_WORKER))
    assert platform.running(app_id) == ["web.1"]
    quantities = {one.process_type: (one.quantity, one.size) for one in platform.scheduler.formation(app_id)}
    assert quantities == {"web": (1, "standard"), "worker": (0, "standard")}


def test_a_release_without_web_answers_nothing_but_is_live(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id, processes=(ProcessType("worker", IDLE),)))
    assert platform.scheduler.current_version(app_id) == 1
    assert platform.routed(app_id) == set()


def test_the_published_reference_is_kept_with_the_spec_and_the_environment_is_sealed(
    platform: Platform, app_id: AppId
) -> None:
    health = {"web": (within(7.0),)}
    spec = platform.spec(app_id, env={"TOKEN": "s3cret-value"}, health=health, processes=WEB_AND_WORKER)
    platform.deploy(spec)
    assert platform.scheduler.current(app_id) == replace(spec, image_ref="ref")
    assert b"s3cret-value" not in _database_bytes(platform)


def _database_bytes(platform: Platform) -> bytes:
    path = platform.database.url.removeprefix("sqlite:///")
    found = b""
    for suffix in ("", "-wal"):
        with open(path + suffix, "rb") as file:
            found += file.read()
    return found


def test_a_second_deploy_retires_the_old_instances_in_the_same_moment(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.deploy(platform.spec(app_id, version=2))
    states = {one.version: one.state for one in platform.scheduler.instances(app_id)}
    assert states == {1: InstanceState.RETIRED, 2: InstanceState.RUNNING}
    assert len(platform.router.history) == 2


def test_the_switch_tells_the_router_the_protocol_of_the_release(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.deploy(replace(platform.spec(app_id, version=2), protocol="h2c"))
    assert platform.router.spoken == ["", "h2c"]


def test_deploying_what_is_live_already_does_nothing(platform: Platform, app_id: AppId) -> None:
    spec = platform.spec(app_id)
    platform.deploy(spec)
    before = platform.scheduler.instances(app_id)
    platform.deploy(spec, before_switch=_never)
    assert platform.scheduler.instances(app_id) == before


def _never() -> str:
    raise AssertionError("must not be asked")


def test_quantities_last_over_releases_and_a_type_that_vanishes_keeps_no_instance(
    platform: Platform, app_id: AppId
) -> None:
    platform.deploy(platform.spec(app_id, processes=WEB_AND_WORKER))
    platform.scheduler.scale(app_id, {"worker": 2})
    platform.deploy(platform.spec(app_id, version=2, processes=WEB_AND_WORKER))
    assert platform.running(app_id) == ["web.1", "worker.1", "worker.2"]
    platform.deploy(platform.spec(app_id, version=3))
    assert platform.running(app_id) == ["web.1"]
    assert [one.process_type for one in platform.scheduler.formation(app_id)] == ["web"]
    platform.deploy(platform.spec(app_id, version=4, processes=WEB_AND_WORKER))
    assert platform.running(app_id) == ["web.1", "worker.1", "worker.2"]


@pytest.mark.parametrize(
    "processes", [(ProcessType("web", BYE),), (ProcessType("web", SERVE), ProcessType("bad", BYE))]
)
def test_a_failed_deploy_leaves_no_trace(platform: Platform, app_id: AppId, processes: Any) -> None:
    platform.deploy(platform.spec(app_id, processes=WEB_AND_WORKER))
    platform.deploy(platform.spec(app_id, version=2, processes=(*WEB_AND_WORKER, ProcessType("bad", IDLE))))
    platform.scheduler.scale(app_id, {"bad": 1})
    before = platform.scheduler.instances(app_id), platform.router.history
    with pytest.raises(BootFailed):
        platform.deploy(platform.spec(app_id, version=3, processes=processes), before_switch=_never)
    assert (platform.scheduler.instances(app_id), platform.router.history) == before
    assert {one.version for one in platform.runtime.containers(app_id)} == {1, 2}


def test_a_failed_publish_leaves_no_trace(platform: Platform, app_id: AppId) -> None:
    def fail() -> str:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        platform.deploy(platform.spec(app_id), before_switch=fail)
    assert platform.runtime.containers() == []
    assert platform.scheduler.instances(app_id) == []


def test_cancelling_during_the_wait_ends_it(platform: Platform, app_id: AppId) -> None:
    spec = platform.spec(app_id, processes=(ProcessType("web", IDLE),))
    with platform.line(app_id) as lease, pytest.raises(Cancelled):
        platform.scheduler.deploy(spec, lease, platform.log(), _never, Cancelled)
    assert platform.runtime.containers() == []


def test_an_instance_that_ends_while_the_image_is_published_fails_the_deploy(platform: Platform, app_id: AppId) -> None:
    def end_them() -> str:
        for container in platform.runtime.containers():
            platform.runtime.end(container.id, 1)
        return "ref"

    with pytest.raises(BootFailed, match=r"web\.1 exited with code 1"):
        platform.deploy(platform.spec(app_id), before_switch=end_them)
    assert platform.scheduler.current(app_id) is None


def test_a_worker_that_lost_its_lease_can_not_switch(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    quick = Leases(platform.database, ttl_s=0.0)
    late = quick.take(line_of(app_id))
    assert late is not None

    def overtake() -> str:
        assert quick.take(line_of(app_id)) is not None
        return "ref"

    with pytest.raises(LeaseLost):
        platform.scheduler.deploy(platform.spec(app_id, version=2), late, platform.log(), overtake, lambda: None)
    assert platform.scheduler.current_version(app_id) == 1
    assert {one.version for one in platform.runtime.containers()} == {1}


def test_a_switch_waits_for_a_router_that_is_away(make_platform, app_id: AppId) -> None:
    platform = make_platform(router_wait_s=60)
    platform.deploy(platform.spec(app_id))
    platform.router.away.set()
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(platform.deploy, platform.spec(app_id, version=2))
        eventually(lambda: any("Waiting for it, at most 60 s" in line for line in platform.lines), "it waits")
        assert not deploying.done()
        platform.router.away.clear()
        deploying.result(timeout=60)
    [instance] = [one for one in platform.scheduler.instances(app_id) if one.version == 2]
    assert platform.routed(app_id) == {instance.address}


def test_a_router_that_stays_away_does_not_fail_the_deploy(platform: Platform, app_id: AppId) -> None:
    platform.router.away.set()
    platform.deploy(platform.spec(app_id))
    assert platform.lines[-2:] == [
        "       The router does not answer. Waiting for it, at most 0 s.",
        " !     The router is still away. The new route holds as soon as it answers.",
    ]
    platform.router.away.clear()
    platform.scheduler.reconcile()
    [instance] = platform.scheduler.instances(app_id)
    assert platform.routed(app_id) == {instance.address}


def test_an_app_of_many_instances_starts_them_all(make_platform: Callable[..., Platform], app_id: AppId) -> None:
    platform = make_platform()
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 40})
    platform.deploy(platform.spec(app_id, version=2))
    assert len(platform.routed(app_id)) == 40
