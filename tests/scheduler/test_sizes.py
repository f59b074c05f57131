"""Sizes of process types: what they mean, what is refused, and that they are kept only if the instances start."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, NotFound, UserError
from core.ids import AppId
from scheduler import InstanceState, ProcessType, SchedulerSettings
from scheduler.records import live_rows
from scheduler.sizes import canonical, limits_of
from scheduler.types import Limits
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import IDLE, SERVE

DEFAULTS = SchedulerSettings(memory_mb=512, cpus=1.0, pids=256)
WEB_AND_WORKER = (ProcessType("web", SERVE), ProcessType("worker", IDLE))


@pytest.mark.parametrize(
    ("text", "stored", "limits"),
    [
        ("512m", "512m", Limits(512, 1.0, 256)),
        ("256", "256m", Limits(256, 1.0, 256)),
        ("1g", "1024m", Limits(1024, 1.0, 256)),
        ("1.5GB:0.5", "1536m:0.5", Limits(1536, 0.5, 256)),
        ("64M:0.25:32", "64m:0.25:32", Limits(64, 0.25, 32)),
        ("Standard", "standard", Limits(512, 1.0, 256)),
    ],
)
def test_a_size_is_memory_then_cpus_then_processes(text: str, stored: str, limits: Limits) -> None:
    assert canonical(text) == stored
    assert limits_of(stored, DEFAULTS) == limits


@pytest.mark.parametrize("text", ["", "big", "512k", "m", "-1m", "512m:", "512m:x", "1:1:1:1", "٣m", "512m:1:99999"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        canonical(text)


@given(st.integers(16, 99999), st.one_of(st.none(), st.integers(50, 64000)), st.integers(16, 32768))
def test_a_stored_size_means_what_was_asked_and_fits_its_column(
    memory: int, thousandths: int | None, pids: int
) -> None:
    text = f"{memory}m" if thousandths is None else f"{memory}m:{thousandths / 1000:g}:{pids}"
    stored = canonical(text)
    assert canonical(stored) == stored
    assert len(stored) <= 20
    cpus, most = (1.0, 256) if thousandths is None else (thousandths / 1000, pids)
    assert limits_of(stored, DEFAULTS) == Limits(memory, pytest.approx(cpus), most)


def orders(platform: Platform, app_id: AppId) -> dict[str, tuple[int, float, int]]:
    """What the running containers were given, by process."""
    running = [one for one in platform.runtime.containers(app_id) if one.running]
    found = {one.process: platform.runtime.orders[one.id] for one in running}
    return {process: (order.memory_mb, order.cpus, order.pids) for process, order in found.items()}


@pytest.fixture
def live(platform: Platform, app_id: AppId) -> Platform:
    platform.deploy(platform.spec(app_id, processes=WEB_AND_WORKER))
    return platform


def test_a_new_size_replaces_the_instances_and_lasts_over_releases(live: Platform, app_id: AppId) -> None:
    change = live.resize(app_id, web="1g:0.5:64")
    assert (change.status, change.sizes) == ("succeeded", {"web": "1024m:0.5:64"})
    assert "-----> Resize web to 1024m:0.5:64" in live.logs.text(change.log_id).splitlines()
    with live.looping():
        eventually(lambda: live.settled(app_id, ["web.1"]), "the old one is gone")
        assert orders(live, app_id) == {"web.1": (1024, 0.5, 64)}
        live.deploy(live.spec(app_id, version=2, processes=WEB_AND_WORKER))
        eventually(lambda: live.settled(app_id, ["web.1"], version=2), "v2")
        live.scheduler.scale(app_id, {"worker": 1})
        eventually(lambda: live.settled(app_id, ["web.1", "worker.1"]), "a worker")
    assert orders(live, app_id) == {"web.1": (1024, 0.5, 64), "worker.1": (64, 1.0, 256)}
    web = next(entry for entry in live.scheduler.formation(app_id) if entry.process_type == "web")
    assert (web.size, web.limits) == ("1024m:0.5:64", Limits(1024, 0.5, 64))


def test_a_crashed_instance_comes_back_with_its_size(live: Platform, app_id: AppId) -> None:
    live.resize(app_id, web="128m")
    with live.looping():
        eventually(lambda: live.settled(app_id, ["web.1"]), "resized")
        [first] = live.runtime.containers(app_id)
        live.runtime.end(first.id, 1)
        eventually(lambda: live.settled(app_id, ["web.1"]) and live.runtime.look(first.id) is None, "replaced")
    assert orders(live, app_id) == {"web.1": (128, 1.0, 256)}


def test_a_size_in_which_nothing_starts_is_not_kept(live: Platform, app_id: AppId, monkeypatch: Any) -> None:
    before = live.scheduler.instances(app_id)
    start = live.runtime.start

    def too_small(order: Any) -> str:
        container_id = str(start(order))
        if order.memory_mb == 16:
            live.runtime.end(container_id, 137)
        return container_id

    monkeypatch.setattr(live.runtime, "start", too_small)
    change = live.resize(app_id, web="16m")
    assert (change.status, change.reason) == ("failed", "web.1 was ended by SIGKILL before it was healthy.")
    assert live.scheduler.instances(app_id) == before
    assert {entry.size for entry in live.scheduler.formation(app_id)} == {"standard"}
    last = live.logs.text(change.log_id).splitlines()[-1]
    assert last == " !     Nothing has changed: what ran before still runs, with the sizes and checks that it had."


def test_a_type_of_which_none_runs_is_resized_without_a_rollout(live: Platform, app_id: AppId) -> None:
    before = live.scheduler.instances(app_id)
    assert live.resize(app_id, worker="256m").status == "succeeded"
    assert live.scheduler.instances(app_id) == before
    assert live.resizing.ask(app_id, {"worker": "256M"}, "ada@example.com") is None, "it has that size already"
    assert live.resize(app_id, worker="standard").status == "succeeded"
    assert {entry.size for entry in live.scheduler.formation(app_id)} == {"standard"}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("4097m", "web can't have 4097 MB of memory: an instance has 16 to 4096 MB, which is all that the host has."),
        ("8m", "web can't have 8 MB of memory: an instance has 16 to 4096 MB, which is all that the host has."),
        ("64m:3", "web can't have 3 CPUs: an instance has 0.05 to 2, which is all that the host has."),
    ],
)
def test_what_no_host_holds_is_refused_at_once(live: Platform, app_id: AppId, size: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        live.resizing.ask(app_id, {"web": size}, "ada@example.com")
    assert refused.value.message == said
    assert live.nudges == []


def test_one_change_at_a_time_of_types_that_there_are(live: Platform, app_id: AppId) -> None:
    with pytest.raises(NotFound):
        live.resizing.ask(app_id, {"wep": "64m"}, "ada@example.com")
    live.resizing.ask(app_id, {"web": "64m"}, "ada@example.com")
    with pytest.raises(Conflict):
        live.resizing.ask(app_id, {"web": "128m"}, "ada@example.com")


def test_a_change_whose_message_was_lost_is_found_again_and_repeated_without_harm(
    live: Platform, app_id: AppId
) -> None:
    change = live.resizing.ask(app_id, {"web": "64m:0.5"}, "ada@example.com")
    assert change is not None
    live.nudges.clear()
    live.resizing.resume()
    assert live.nudges == [("scheduler.apply_size_change", change.id)]
    live.resizing.apply(change.id)
    before = live.scheduler.instances(app_id)
    live.resizing.apply(change.id)
    live.resizing.resume()
    assert live.scheduler.instances(app_id) == before
    assert len(live.nudges) == 1


def test_an_app_that_goes_takes_its_changes_along(live: Platform, app_id: AppId) -> None:
    change = live.resize(app_id, web="64m:0.5")
    live.resizing.forget_app(app_id)
    with pytest.raises(NotFound):
        live.resizing.change(app_id, change.id)


def test_a_stop_ends_an_instance_at_once_and_the_loop_replaces_it(live: Platform, app_id: AppId) -> None:
    live.scheduler.scale(app_id, {"web": 2})
    with live.looping():
        eventually(lambda: live.settled(app_id, ["web.1", "web.2"]), "two")
        first, second = live.scheduler.instances(app_id)
    live.scheduler.stop(app_id, "web.2")
    assert [one.address for one in live.router.wanted[app_id][1]] == [first.address]
    with live.looping():
        eventually(
            lambda: live.settled(app_id, ["web.1", "web.2"]) and live.scheduler.instances(app_id)[1].id != second.id,
            "another web.2",
        )
        assert live.scheduler.instances(app_id)[0].id == first.id
    with pytest.raises(UserError, match=r"no running web\.9 to stop"):
        live.scheduler.stop(app_id, "web.9")


def test_stopping_what_has_crashed_tries_again_at_once(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    [before] = platform.scheduler.instances(app_id)
    platform.runtime.end(before.container_id, 1)
    platform.scheduler.reconcile_app(app_id)
    platform.scheduler.stop(app_id, "web")
    with platform.looping():
        eventually(lambda: platform.settled(app_id, ["web.1"]), "another one")


def test_a_process_that_ends_right_after_it_was_healthy_is_tried_less_and_less_often(
    platform: Platform, app_id: AppId
) -> None:
    """Healthy for a moment, then gone: every time. It doesn't spin, and it tells why and when it is tried again."""
    platform.deploy(platform.spec(app_id))
    waits = []
    for failures in (1, 2, 3):
        [up] = _await_state(platform, app_id, InstanceState.RUNNING)
        platform.runtime.end(up.container_id, 1)
        [down] = _await_state(platform, app_id, InstanceState.CRASHED)
        assert (down.detail, failures) == ("exited with code 1", len(waits) + 1)
        assert down.next_attempt_at is not None
        with platform.database.read() as session:
            [row] = live_rows(session, app_id)
            waits.append((down.next_attempt_at - row.ended_at).total_seconds())
    assert waits == [0.2, 0.4, 0.8]
    assert up.next_attempt_at is None


def _await_state(platform: Platform, app_id: AppId, state: InstanceState) -> list[Any]:
    def there() -> bool:
        platform.scheduler.reconcile_app(app_id)
        return [one.state for one in platform.scheduler.instances(app_id)] == [state]

    eventually(there, f"one {state} instance")
    return list(platform.scheduler.instances(app_id))
