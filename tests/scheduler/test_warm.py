"""What is kept frozen for a rollback and what is not: the pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import AppId
from scheduler import HealthCheck, InstanceState, ProcessType, RunSpec, SchedulerSettings, warm
from scheduler.docker_memory import available_mb, held_mb
from scheduler.plan import Finish, Keep, Seen, Stop, next_look, plan
from scheduler.records import AppRecord
from scheduler.runtime import Container
from scheduler.tables import InstanceRow
from scheduler.types import Mount
from tests.scheduler.test_plan import APP, LIVE, T0, container, instance

S = InstanceState
SOCKET = "http+docker://localhost"
RULES = SchedulerSettings(warm_s=600, grace_s=30)
NOW = T0 + timedelta(seconds=10)
SPEC = RunSpec(
    app_id=AppId("app"),
    app_name="shop",
    release_id="r1",
    version=1,
    commit="c0ffee",
    image_id="sha256:one",
    image_ref="ref",
    processes=(ProcessType("web", "serve"), ProcessType("worker", "work")),
    env={"KEY": "value"},
    port=5000,
    health={"web": (HealthCheck(path="/up"),)},
)


def old(state: InstanceState = S.RETIRED, **values: Any) -> InstanceRow:
    plain = {"rollout": "before", "drain_by": NOW + timedelta(seconds=30), "warm_mb": 10}
    if state == S.WARM:
        plain["warm_at"] = T0
    return instance(**{"number": 1, "state": state, **plain, **values})


def app(*rows: InstanceRow, web: int = 1, kept: str | None = "before") -> AppRecord:
    return AppRecord(APP, LIVE, {"web": web}, rows, warm_rollout=kept)


def endings(record: AppRecord, *containers: Container, at: float = 10, **facts: frozenset[str]) -> list[object]:
    """What is to be done with the instances of the release before."""
    moment = T0 + timedelta(seconds=at)
    steps = plan(record, Seen(moment, {one.instance_id: one for one in containers}, **facts), moment, RULES)
    return [step for step in steps if isinstance(step, Keep | Stop | Finish)]


def test_a_drained_web_instance_of_the_release_before_is_frozen() -> None:
    row = old()
    assert endings(app(row), container(row)) == []
    assert endings(app(row), container(row), drained=frozenset({row.id})) == [Keep(row, container(row))]


@pytest.mark.parametrize(
    ("values", "record"),
    [
        ({"process_type": "worker"}, {}),
        ({"rollout": "older"}, {}),
        ({"number": 2}, {}),
        ({"replace": True}, {}),
        ({}, {"kept": None}),
        ({}, {"web": 0}),
    ],
    ids=[
        "a worker",
        "an older release",
        "no such place any more",
        "to be replaced",
        "config changed",
        "scaled to none",
    ],
)
def test_what_no_rollback_could_use_is_stopped(values: dict[str, Any], record: dict[str, Any]) -> None:
    row = old(**values)
    assert endings(app(row, **record), container(row), drained=frozenset({row.id})) == [Stop(row, container(row))]
    row = old(S.WARM, **values)
    assert endings(app(row, **record), container(row, "paused")) == [Stop(row, container(row, "paused"))]


def test_what_is_still_busy_at_its_deadline_is_stopped_and_never_frozen() -> None:
    row = old(drain_by=T0)
    assert endings(app(row), container(row)) == [Stop(row, container(row))]


def test_a_frozen_one_stays_until_its_time_is_over_or_its_memory_is_needed() -> None:
    row = old(S.WARM)
    frozen = container(row, "paused")
    assert endings(app(row), frozen, at=599) == []
    assert next_look(app(row), NOW, RULES) == T0 + timedelta(seconds=600)
    assert endings(app(row), frozen, at=600) == [Stop(row, frozen)]
    assert endings(app(row), frozen, surplus=frozenset({row.id})) == [Stop(row, frozen)]


def test_one_that_nobody_came_to_freeze_is_ended_and_one_that_died_is_closed() -> None:
    row = old(S.WARM)
    assert endings(app(row), container(row), at=30) == []
    assert endings(app(row), container(row), at=31) == [Stop(row, container(row))]
    assert endings(app(row)) == [Finish(row, None)]
    dead = container(row, "exited", 137)
    assert endings(app(row), dead) == [Finish(row, dead)]


STATES = st.sampled_from([S.RUNNING, S.RETIRED, S.WARM, S.STOPPING])
ROWS = st.lists(
    st.builds(
        old,
        STATES,
        number=st.integers(1, 3),
        process_type=st.sampled_from(["web", "worker"]),
        rollout=st.sampled_from(["before", "older", LIVE]),
    ),
    max_size=6,
)


@given(ROWS, st.integers(0, 3), st.sampled_from(["before", None]), st.integers(0, 900), st.data())
def test_only_what_a_rollback_can_use_is_frozen_and_the_live_release_gets_the_same_either_way(
    rows: list[InstanceRow], web: int, kept: str | None, at: int, data: st.DataObject
) -> None:
    rows = [row for row in rows if not (row.rollout == LIVE and row.state == S.WARM)]
    containers = {row.id: container(row, data.draw(st.sampled_from(["running", "paused", "exited"]))) for row in rows}
    drained = frozenset(row.id for row in rows if row.state == S.RETIRED and data.draw(st.booleans()))
    moment = T0 + timedelta(seconds=at)
    seen = Seen(moment, containers, drained=drained)
    record = app(*rows, web=web, kept=kept)
    steps = plan(record, seen, moment, RULES)
    for step in steps:
        if isinstance(step, Keep):
            assert (step.row.rollout, step.row.process_type, kept) == ("before", "web", "before")
            assert step.row.id in drained
            assert step.row.number <= web
    without = plan(record, seen, moment, replace(RULES, warm_s=0))
    assert not any(isinstance(step, Keep) for step in without)
    assert _of_live(steps) == _of_live(without)


def _of_live(steps: list[Any]) -> list[Any]:
    return [step for step in steps if not hasattr(step, "row") or step.row.rollout == LIVE]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 99))), st.none() | st.integers(-5, 4000))
def test_frozen_ones_hold_at_most_their_share_and_the_oldest_go_first(
    held: list[tuple[int, int]], free_mb: int | None
) -> None:
    rows = [old(S.WARM, warm_mb=mb, warm_at=T0 + timedelta(seconds=age)) for mb, age in held]
    gone = warm.surplus([*rows, old(S.RETIRED)], free_mb, RULES)
    left = [row for row in rows if row.id not in gone]
    total = sum(row.warm_mb for row in rows)
    if free_mb is None:
        assert left == []
    else:
        assert sum(row.warm_mb for row in left) <= RULES.warm_share * (max(free_mb, 0) + total)
        if total <= RULES.warm_share * (max(free_mb, 0) + total):
            assert not gone
    went = [row.warm_at for row in rows if row.id in gone]
    assert all(one <= other.warm_at for one in went if one for other in left if other.warm_at)


@pytest.mark.parametrize(
    "change",
    [
        {"image_id": "sha256:two"},
        {"commit": "beef"},
        {"port": 80},
        {"app_name": "store"},
        {"health": {}},
        {"processes": (ProcessType("web", "serve --loud"),)},
        {"mounts": (Mount("data", "/data"),)},
    ],
)
def test_a_release_is_another_when_its_web_would_start_differently(change: dict[str, Any]) -> None:
    assert warm.likeness(replace(SPEC, **change), RULES) != warm.likeness(SPEC, RULES)


def test_number_release_and_workers_do_not_matter_to_the_likeness_and_limits_do() -> None:
    same = replace(SPEC, version=7, release_id="r7", processes=(ProcessType("web", "serve"),))
    same = replace(same, mounts=(Mount("jobs", "/jobs", ("worker",)),))
    assert warm.likeness(same, RULES) == warm.likeness(SPEC, RULES)
    assert warm.likeness(SPEC, replace(RULES, memory_mb=1)) != warm.likeness(SPEC, RULES)


def test_nothing_outlives_a_change_of_config_mounts_or_name() -> None:
    new = replace(SPEC, version=2, image_id="sha256:two", commit="beef")
    assert warm.outlives(SPEC, new, RULES)
    assert not warm.outlives(SPEC, replace(new, env={"KEY": "other"}), RULES)
    assert not warm.outlives(SPEC, replace(new, mounts=(Mount("data", "/data"),)), RULES)
    assert not warm.outlives(SPEC, replace(new, app_name="store"), RULES)
    assert not warm.outlives(SPEC, new, replace(RULES, warm_s=0))
    assert not warm.outlives(replace(SPEC, processes=(ProcessType("worker", "work"),)), new, RULES)


def test_memory_is_read_without_the_file_cache_on_both_kinds_of_cgroup() -> None:
    megabyte = 1024 * 1024
    first = {"memory_stats": {"usage": 9 * megabyte, "stats": {"total_inactive_file": megabyte, "inactive_file": 7}}}
    second = {"memory_stats": {"usage": 9 * megabyte + 1, "stats": {"inactive_file": 4 * megabyte}}}
    assert (held_mb(first), held_mb(second), held_mb({"memory_stats": {}})) == (8, 6, None)


def test_free_memory_is_what_linux_calls_available(tmp_path: Path) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:       16000000 kB\nMemFree:          200000 kB\nMemAvailable:    2048000 kB\n")
    assert available_mb(SOCKET, file) == 2000
    file.write_text("MemTotal: 1 kB\n")
    assert available_mb(SOCKET, file) is None
    assert available_mb(SOCKET, tmp_path / "none") is None
    assert available_mb("http://10.0.0.9:2375") is None
