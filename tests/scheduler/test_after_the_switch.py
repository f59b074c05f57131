"""A worker dies right after it has switched to a release: whoever resumes does what it had still to do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.ids import AppId
from core.secrets import Sealer
from scheduler import InstanceState
from scheduler.keepsakes import Keepsake, Keepsakes
from tests.scheduler.conftest import Platform, another_process, eventually


class Died(BaseException):
    """The worker is no more."""


def home(platform: Platform) -> Path:
    return Path(platform.database.url.removeprefix("sqlite:///")).parent


def kept(platform: Platform, app_id: AppId) -> Keepsake:
    [one] = Keepsakes(home(platform) / "live", Sealer(home(platform) / "secret.key")).all()
    assert one.app_id == app_id
    return one


@contextlib.contextmanager
def dying_after_a_switch(platform: Platform) -> Iterator[None]:
    """For the block, whoever has switched dies before it writes down what is live and before it tells the router."""

    def die(*_: object) -> None:
        raise Died

    keepsakes = platform.scheduler._keepsakes
    keep, keepsakes.keep = keepsakes.keep, die  # type: ignore[method-assign,assignment]
    try:
        with pytest.raises(Died):
            yield
    finally:
        keepsakes.keep = keep  # type: ignore[method-assign]


@pytest.mark.parametrize("warm_s", [0.0, 300.0], ids=["none is kept warm", "the former is kept warm"])
def test_who_resumes_tells_the_router_and_writes_it_down(
    make_platform: Callable[..., Platform], app_id: AppId, warm_s: float
) -> None:
    platform = make_platform(warm_s=warm_s)
    platform.deploy(platform.spec(app_id))
    before, second = platform.routed(app_id), platform.spec(app_id, version=2, commit="beef")
    with dying_after_a_switch(platform):
        platform.deploy(second)
    assert (platform.routed(app_id), kept(platform, app_id).version) == (before, 1), "that worker did neither"
    platform.scheduler = another_process(platform, lambda app: None)
    platform.deploy(second)
    [serving] = [one for one in platform.scheduler.instances(app_id) if one.state is InstanceState.RUNNING]
    assert serving.version == 2
    assert platform.routed(app_id) == {serving.address}, "before anybody says that it is live"
    assert (kept(platform, app_id).version, platform.router.applied[app_id][0]) == (2, kept(platform, app_id).rollout)

    def settled() -> bool:
        platform.scheduler.reconcile()
        frozen = [one for one in platform.runtime.containers(app_id) if one.paused and one.version == 1]
        running = [one for one in platform.runtime.containers(app_id) if one.running and not one.paused]
        return [one.version for one in running] == [2] and len(frozen) == (1 if warm_s else 0)

    eventually(settled, "nothing of the former release is left but what is kept warm")


def test_a_worker_that_begins_writes_down_what_none_resumes(platform: Platform, app_id: AppId) -> None:
    """As after a change of sizes: its record was made in the switch, so nobody looks at it again."""
    platform.deploy(platform.spec(app_id))
    before = kept(platform, app_id)
    with dying_after_a_switch(platform):
        platform.resize(app_id, web="256MB")
    another_process(platform, lambda app: None).reconcile()
    after = kept(platform, app_id)
    assert (after.version, after.rollout) == (1, platform.router.wanted[app_id][0])
    assert after.rollout != before.rollout
    assert platform.router.applied[app_id] == platform.router.wanted[app_id]


def test_what_goes_wrong_after_a_switch_fails_no_release(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    apply = platform.router.apply

    def fail(app: AppId) -> None:
        raise OSError("no space left on device")

    platform.router.apply = fail  # type: ignore[method-assign]
    platform.deploy(platform.spec(app_id, version=2))
    assert platform.scheduler.current_version(app_id) == 2
    platform.router.apply = apply  # type: ignore[method-assign]
    platform.scheduler.reconcile()
    assert platform.router.applied[app_id] == platform.router.wanted[app_id]
