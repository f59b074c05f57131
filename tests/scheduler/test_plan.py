"""The plan, thrown at random histories: it converges, repeats nothing and never takes away what serves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import AppId, new_id
from scheduler import InstanceState, SchedulerSettings
from scheduler.backoff import backoff_s, next_attempt
from scheduler.judging import Hung, Judged
from scheduler.plan import (
    Crash,
    Finish,
    Kill,
    Promote,
    Renew,
    Reroute,
    Retire,
    Seen,
    Start,
    Stop,
    Unroute,
    next_look,
    plan,
    strays,
)
from scheduler.records import AppRecord, Slot
from scheduler.runtime import Container
from scheduler.tables import InstanceRow

S = InstanceState
APP = AppId("app")
LIVE = "live-rollout"
T0 = datetime(2026, 1, 1, tzinfo=UTC)
RULES = SchedulerSettings(backoff_first_s=1, backoff_most_s=60, steady_s=60)


def instance(
    number: int = 1, state: InstanceState = S.RUNNING, process_type: str = "web", **values: object
) -> InstanceRow:
    plain = {
        "id": new_id(),
        "app_id": APP,
        "rollout": LIVE,
        "fence": 0,
        "version": 1,
        "process_type": process_type,
        "number": number,
        "state": state,
        "address": "10.0.0.9",
        "port": 5000,
        "container_id": "c",
        "failures": 0,
        "replace": False,
        "detail": "",
        "created_at": T0,
        "boot_by": T0 + timedelta(seconds=60),
        "started_at": T0,
        "running_at": T0 if state != S.STARTING else None,
    }
    return InstanceRow(**{**plain, **values})


def container(row: InstanceRow, state: str = "running", exit_code: int | None = None) -> Container:
    return Container(f"c-{row.id}", row.id, APP, 1, f"{row.process_type}.{row.number}", state, row.address, exit_code)


def seen(*containers: Container, at: float = 10, **facts: frozenset[str]) -> Seen:
    return Seen(T0 + timedelta(seconds=at), {one.instance_id: one for one in containers}, **facts)


def steps(app: AppRecord, facts: Seen, at: float = 10) -> list[object]:
    return list(plan(app, facts, T0 + timedelta(seconds=at), RULES))


def app_of(*rows: InstanceRow, web: int = 1, line_fence: int | None = None) -> AppRecord:
    return AppRecord(APP, LIVE, {"web": web}, rows, line_fence)


def test_a_settled_app_needs_nothing() -> None:
    row = instance()
    app = app_of(row)
    assert steps(app, seen(container(row))) == []
    assert next_look(app, T0, RULES) is None


def test_an_exited_container_is_a_crash_and_the_next_turn_starts_another() -> None:
    row = instance()
    [crash] = steps(app_of(row), seen(container(row, "exited", 1)))
    assert crash == Crash(row, container(row, "exited", 1), 1, "exited with code 1")
    crashed = instance(state=S.CRASHED, failures=1, ended_at=T0 + timedelta(seconds=10))
    assert steps(app_of(crashed), seen(), at=10.5) == []
    [start] = steps(app_of(crashed), seen(), at=11)
    assert isinstance(start, Start)
    assert (start.slot.process_type, start.slot.number, start.slot.failures) == ("web", 1, 1)


def test_a_crash_after_a_steady_run_is_replaced_at_once() -> None:
    row = instance()
    [crash] = steps(app_of(row), seen(container(row, "exited", 0), at=61), at=61)
    assert isinstance(crash, Crash)
    assert (crash.failures, backoff_s(crash.failures, RULES)) == (0, 0)


def test_a_vanished_container_is_a_crash_but_one_started_while_we_looked_is_not() -> None:
    row = instance(started_at=T0 + timedelta(seconds=5))
    assert steps(app_of(row), seen(at=4)) == []
    assert isinstance(steps(app_of(row), seen(at=6))[0], Crash)


def test_a_container_that_has_come_to_another_address_is_a_crash_for_another_app_may_be_at_its_own() -> None:
    row = instance()
    elsewhere = replace(container(row), address="10.0.0.77")
    [crash] = steps(app_of(row), seen(elsewhere))
    assert isinstance(crash, Crash)
    assert crash.detail == "its container is at 10.0.0.77, not at its own address"


def test_a_starting_instance_is_routed_once_healthy_and_gives_up_at_its_deadline() -> None:
    row = instance(state=S.STARTING)
    running = container(row)
    assert steps(app_of(row), seen(running)) == []
    assert steps(app_of(row), seen(running, healthy=frozenset({row.id}))) == [Promote(row)]
    [late] = steps(app_of(row), seen(running), at=61)
    assert isinstance(late, Crash)


def test_a_crashed_instance_that_still_runs_is_killed() -> None:
    row = instance(state=S.CRASHED, failures=9, ended_at=T0 + timedelta(seconds=10))
    assert steps(app_of(row), seen(container(row))) == [Kill(container(row))]


def test_a_restart_keeps_the_old_instance_until_the_new_one_runs() -> None:
    old = instance(replace=True)
    [start] = steps(app_of(old), seen(container(old)))
    assert isinstance(start, Start)
    new = instance(state=S.STARTING)
    assert steps(app_of(old, new), seen(container(old), container(new))) == []
    up = instance()
    assert steps(app_of(old, up), seen(container(old), container(up))) == [Retire(old)]


def test_scaling_down_retires_the_highest_numbers() -> None:
    rows = [instance(number) for number in (1, 2, 3)]
    assert steps(app_of(*rows, web=1), seen(*map(container, rows))) == [Retire(rows[1]), Retire(rows[2])]


def test_a_retired_instance_is_stopped_when_drained_or_out_of_time_then_killed_then_closed() -> None:
    row = instance(state=S.RETIRED, rollout="old", drain_by=T0 + timedelta(seconds=30))
    other = instance()
    app = app_of(row, other)
    both = (container(row), container(other))
    assert steps(app, seen(*both)) == []
    assert steps(app, seen(*both, drained=frozenset({row.id}))) == [Stop(row, container(row))]
    assert steps(app, seen(*both), at=30) == [Stop(row, container(row))]
    stopping = instance(state=S.STOPPING, rollout="old", kill_by=T0 + timedelta(seconds=30))
    app = app_of(stopping, other)
    assert steps(app, seen(container(stopping), container(other))) == []
    assert steps(app, seen(container(stopping), container(other)), at=30) == [Kill(container(stopping))]
    ended = container(stopping, "exited", 143)
    assert steps(app, seen(ended, container(other))) == [Finish(stopping, ended)]


def test_an_unfinished_deploy_is_left_alone_while_its_worker_lives_and_ended_after() -> None:
    row = instance(state=S.STARTING, rollout="next", fence=7)
    app = AppRecord(APP, None, {}, (row,), line_fence=7)
    assert steps(app, seen(container(row))) == []
    assert steps(replace(app, line_fence=8), seen(container(row))) == [Stop(row, container(row))]
    dead = replace(app, line_fence=None)
    assert steps(dead, seen(container(row))) == [Stop(row, container(row))]
    assert steps(dead, seen()) == [Finish(row, None)]


@pytest.mark.parametrize(("since_s", "expected"), [(5, "whoever was starting it went away"), (-5, None)])
def test_what_a_dead_worker_was_starting_is_started_anew_at_once(since_s: float, expected: str | None) -> None:
    """It may have got as far as a container that runs; a start of this worker's own is waited for."""
    row = instance(state=S.STARTING, started_at=None)
    facts = replace(seen(container(row)), since=T0 + timedelta(seconds=since_s))
    crashes = [step.detail for step in steps(app_of(row), facts) if isinstance(step, Crash)]
    assert crashes == ([expected] if expected else [])


def test_an_abandoned_container_that_was_made_but_never_started_is_removed() -> None:
    row = instance(state=S.STARTING, rollout="next", fence=7, started_at=None, container_id=None)
    made = container(row, "created")
    assert steps(AppRecord(APP, None, {}, (row,)), seen(made)) == [Finish(row, made)]
    assert steps(AppRecord(APP, None, {}, (row,)), seen()) == [Finish(row, None)]


def test_a_stray_is_a_container_without_an_open_record() -> None:
    row, other = instance(), instance()
    assert strays([app_of(row)], [container(row), container(other)]) == [container(other)]


@given(st.integers(-3, 2000))
def test_backoff_grows_up_to_its_most(failures: int) -> None:
    assert 0 <= backoff_s(failures, RULES) <= backoff_s(failures + 1, RULES) <= RULES.backoff_most_s


@dataclass
class World:
    """An engine and records that obey the plan; what happens to the containers is thrown at it."""

    wanted: int
    alone: frozenset[str] = frozenset()
    now: datetime = T0
    rows: list[InstanceRow] = field(default_factory=list)
    containers: dict[str, Container] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    hung: dict[str, Hung] = field(default_factory=dict)
    held: frozenset[str] = frozenset()

    def turn(self) -> list[object]:
        self.now += timedelta(seconds=1)
        taken = self._steps()
        for step in taken:
            self._do(step)
        return taken

    def _steps(self) -> list[object]:
        healthy = frozenset(row.id for row in self.rows if row.state == S.STARTING and self._up(row))
        drained = frozenset(row.id for row in self.rows if row.state == S.RETIRED)
        live = tuple(row for row in self.rows if row.state != S.STOPPED)
        app = AppRecord(APP, LIVE, {"web": self.wanted}, live, alone=self.alone, held=self.held)
        ready = frozenset(row.id for row in self.serving()) - self.failing.keys() - self.hung.keys()
        judged = Judged(dict(self.failing), ready, dict(self.hung))
        facts = Seen(self.now, dict(self.containers), healthy, drained, judged=judged)
        return list(plan(app, facts, self.now, RULES))

    def settle(self) -> None:
        """For longer than the longest backoff; where nothing is to be done, the next look is a while later."""
        end = self.now + timedelta(seconds=150)
        while self.now < end:
            if not self.turn():
                self.now += timedelta(seconds=4)

    def fail(self, index: int) -> None:
        """A running instance fails its readiness check from now on, or, if it does, passes it again."""
        if rows := self.serving():
            row = rows[index % len(rows)]
            if self.failing.pop(row.id, None) is None:
                self.failing[row.id] = "503"

    def hang(self, index: int) -> None:
        if rows := self.serving():
            self.hung[rows[index % len(rows)].id] = Hung(self.now, "no answer")

    def routed(self) -> set[str]:
        """As `records.web_backends`."""
        running = [row for row in self.rows if row.state == S.RUNNING]
        return {row.id for row in [row for row in running if not row.unready] or running}

    def serving(self) -> list[InstanceRow]:
        return [row for row in self.rows if row.state == S.RUNNING and self._up(row)]

    def _up(self, row: InstanceRow) -> bool:
        return row.id in self.containers and self.containers[row.id].running

    def kill(self, index: int) -> None:
        live = [key for key, one in self.containers.items() if one.running]
        if live:
            key = live[index % len(live)]
            self.containers[key] = replace(self.containers[key], state="exited", exit_code=1)

    def restart(self) -> None:
        for row in self.rows:
            row.replace = row.replace or row.state in (S.STARTING, S.RUNNING, S.CRASHED)

    def _do(self, step: object) -> None:
        match step:
            case Start(slot):
                row = instance(slot.number, S.STARTING, failures=slot.failures, created_at=self.now)
                row.started_at, row.boot_by = self.now - timedelta(seconds=0.5), self.now + timedelta(seconds=60)
                self.rows.append(row)
                self.containers[row.id] = container(row)
            case Promote(row):
                row.state, row.running_at = S.RUNNING, self.now
            case Crash(row, _, failures, _):
                row.state, row.failures, row.ended_at = S.CRASHED, failures, self.now
            case Unroute(row, _):
                row.unready = True
            case Reroute(row):
                row.unready = False
            case Renew(row, failures, _):
                row.replace, row.failures = True, failures
            case Retire(row):
                row.state, row.drain_by = S.RETIRED, self.now
            case Stop(row, _):
                row.state, row.kill_by = S.STOPPING, self.now
            case Kill(one):
                self.containers[one.instance_id] = replace(one, state="exited", exit_code=137)
            case Finish(row, _):
                row.state = S.STOPPED
                self.containers.pop(row.id, None)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("kill"), st.integers(0, 9)),
        st.tuples(st.just("scale"), st.integers(0, 4)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("fail"), st.integers(0, 9)),
        st.tuples(st.just("hang"), st.integers(0, 9)),
        st.tuples(st.just("turn"), st.integers(1, 3)),
    ),
    max_size=25,
)


def happen(world: World, event: tuple[str, int]) -> None:
    name, number = event
    match name:
        case "kill":
            world.kill(number)
        case "scale":
            world.wanted = number
        case "restart":
            world.restart()
        case "fail":
            world.fail(number)
        case "hang":
            world.hang(number)
        case "turn":
            for _ in range(number):
                world.turn()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 4), EVENTS, st.sampled_from([frozenset(), frozenset({"web"})]))
def test_whatever_happened_it_settles_on_what_is_wanted(
    wanted: int, events: list[tuple[str, int]], alone: frozenset[str]
) -> None:
    world = World(wanted, alone)
    for event in events:
        happen(world, event)
    world.settle()
    assert world.turn() == []
    assert sorted(row.number for row in world.serving()) == list(range(1, world.wanted + 1))
    assert set(world.containers) == {row.id for row in world.serving()}
    assert not any(row.replace for row in world.serving())
    assert not world.hung.keys() & {row.id for row in world.serving()}, "what hung was replaced"
    ready = {row.id for row in world.serving()} - world.failing.keys()
    assert world.routed() == ready or (not ready and bool(world.routed()) == bool(world.serving()))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 4), EVENTS)
def test_answers_alone_never_empty_the_route_nor_take_an_instance_away(
    wanted: int, events: list[tuple[str, int]]
) -> None:
    world = World(wanted)
    for event in events:
        happen(world, event)
        before = {row.id for row in world.serving()} & world.routed()
        needed = {row.number for row in world.serving() if row.number <= world.wanted}
        world.turn()
        assert not before or not needed or world.routed(), "somebody served, and nobody does"
        assert needed <= {row.number for row in world.serving()}


def test_a_hung_instance_is_replaced_by_a_new_one_first_and_alone_it_is_ended_first() -> None:
    row = instance()
    hung = Judged(hung={row.id: Hung(T0, "no answer")})
    facts = replace(seen(container(row), at=61), judged=hung)
    assert steps(app_of(row), facts, at=61) == [Renew(row, 1, "liveness check failed: no answer")]
    alone = replace(app_of(row), alone=frozenset({"web"}))
    assert steps(alone, facts, at=61) == [Crash(row, container(row), 1, "liveness check failed: no answer")]
    renewed = instance(replace=True, failures=1)
    [start] = steps(app_of(renewed), seen(container(renewed)))
    assert start == Start(Slot("web", 1, 1)), "its place remembers how often it failed"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 4), EVENTS)
def test_a_place_that_was_served_before_a_turn_is_served_after_it(wanted: int, events: list[tuple[str, int]]) -> None:
    world = World(wanted)
    for event in events:
        happen(world, event)
        needed = {row.number for row in world.serving() if row.number <= world.wanted}
        world.turn()
        assert needed <= {row.number for row in world.serving()}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 4), EVENTS)
def test_of_a_type_that_stands_alone_no_two_ever_run_in_one_place(wanted: int, events: list[tuple[str, int]]) -> None:
    world = World(wanted, frozenset({"web"}))
    for event in events:
        happen(world, event)
        world.turn()
        places = [one.process for one in world.containers.values() if one.running]
        assert len(places) == len(set(places))


def test_a_type_that_a_deploy_hands_over_is_not_started() -> None:
    app = replace(app_of(), alone=frozenset({"web"}), held=frozenset({"web"}))
    assert steps(app, seen()) == []
    assert [type(step) for step in steps(replace(app, held=frozenset()), seen())] == [Start]


def test_alone_means_beside_no_stray_and_no_instance_of_an_abandoned_deploy() -> None:
    left = instance(state=S.STARTING, rollout="next", fence=7)
    app = replace(app_of(left, line_fence=7), alone=frozenset({"web"}))
    assert [type(step) for step in steps(app, seen())] == [Start], "the deploy has not come to it yet"
    abandoned = replace(app, line_fence=8)
    assert [type(step) for step in steps(abandoned, seen(container(left)))] == [Stop]
    stray = container(instance())
    assert steps(replace(app_of(), alone=frozenset({"web"})), seen(stray)) == []


@given(st.integers(1, 40), st.floats(0, 400))
def test_a_crash_loop_is_slowed_down_and_its_next_attempt_is_told(failures: int, after_s: float) -> None:
    row = instance(state=S.CRASHED, failures=failures, ended_at=T0)
    attempt = next_attempt(row, RULES)
    assert attempt - T0 == timedelta(seconds=min(2 ** (failures - 1), 60))
    started = any(isinstance(step, Start) for step in steps(app_of(row), seen(at=after_s), at=after_s))
    assert started == (T0 + timedelta(seconds=after_s) >= attempt)


@pytest.mark.parametrize("state", [S.RETIRED, S.STOPPING, S.STARTING])
def test_whatever_is_under_way_is_looked_at_again_soon(state: InstanceState) -> None:
    row = instance(state=state, drain_by=T0, kill_by=T0)
    assert next_look(app_of(row), T0, RULES) == T0 + timedelta(seconds=RULES.pending_s)
