"""The gate of starts: few at once, and each app in turn."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from core import clock
from core.errors import Cancelled
from core.ids import AppId, new_id
from scheduler import RunWish, records
from scheduler.gate import Gate, runs_of
from scheduler.runtime import ContainerOrder
from scheduler.slots import Slots
from scheduler.tables import RunRow
from tests.scheduler.conftest import Platform, another_process, eventually
from tests.scheduler.fakes import MemoryRuntime

MANY, FEW = AppId("many"), AppId("few")


class Crowd:
    """Threads at a gate, each inside until it is told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self.came: list[str] = []
        self.leave = threading.Semaphore(0)
        self.threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def join(self, queue: str, waiting: int) -> None:
        """One more comes; `waiting` are at the gate then."""
        thread = threading.Thread(target=self._pass, args=(queue,), daemon=True)
        self.threads.append(thread)
        thread.start()
        eventually(lambda: len(self.came) + self._queued() == len(self.threads), f"{waiting} at the gate")

    def _queued(self) -> int:
        return sum(len(turns) for turns in self.gate._waiting.values())

    def _pass(self, queue: str) -> None:
        with self.gate.passing(queue):
            with self._lock:
                self.came.append(queue)
                self.inside.append(queue)
            self.leave.acquire()
            with self._lock:
                self.inside.remove(queue)

    def one_leaves(self) -> None:
        came = len(self.came)
        self.leave.release()
        eventually(lambda: len(self.came) > came or not self._queued(), "the next one is in")


@contextmanager
def crowd(most: int) -> Iterator[Crowd]:
    made = Crowd(Gate(lambda: most))
    try:
        yield made
    finally:
        for _ in made.threads:
            made.leave.release()
        for thread in made.threads:
            thread.join(10)


def test_no_more_are_inside_than_may_be_and_an_app_with_few_is_not_behind_one_with_many() -> None:
    with crowd(2) as waiting:
        for number in range(6):
            waiting.join(MANY, number)
        waiting.join(FEW, 7)
        assert waiting.came == [MANY, MANY]
        waiting.one_leaves()
        waiting.one_leaves()
        assert waiting.came == [MANY, MANY, MANY, FEW], "its turn comes before the fourth of the other"
        assert len(waiting.inside) == 2


def test_all_processes_share_the_places_and_one_that_is_killed_gives_its_own_back(tmp_path: Path) -> None:
    took = "with Slots(Path(sys.argv[1])).one_of(2, lambda: None):\n    print('in', flush=True); sys.stdin.read()"
    program = f"import sys; from pathlib import Path; from scheduler.slots import Slots\n{took}"
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "starts")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        looked = threading.Event()

        def stopped() -> None:
            looked.set()

        gate = Gate(lambda: 2, Slots(tmp_path / "starts"))
        second = threading.Event()

        def pass_too() -> None:
            with gate.passing(FEW, stopped):
                second.set()

        with gate.passing(MANY):
            thread = threading.Thread(target=pass_too, daemon=True)
            thread.start()
            for _ in range(5):
                looked.clear()
                assert looked.wait(30)
            assert not second.is_set(), "the gate has room, and the platform none"
            other.kill()
            assert second.wait(30)
        thread.join(30)
    finally:
        other.kill()
        other.communicate()


def test_who_waits_for_a_place_can_be_stopped(tmp_path: Path) -> None:
    gates = [Gate(lambda: 1, Slots(tmp_path / "starts")) for _ in range(2)]
    enough, stopped = pytest.raises(Cancelled, match="No more"), Cancelled("No more.")
    with gates[0].passing(MANY), enough, gates[1].passing(FEW, lambda: stopped):
        raise AssertionError("it had no place")
    with gates[1].passing(FEW):
        pass


def test_places_that_can_not_be_counted_keep_nothing_from_starting(tmp_path: Path) -> None:
    (tmp_path / "starts").write_text("no folder")
    with Gate(lambda: 1, Slots(tmp_path / "starts")).passing(MANY):
        pass


def test_the_gate_is_open_again_after_an_error() -> None:
    gate = Gate(lambda: 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="inside"), gate.passing(MANY):
            raise ValueError("inside")
    with gate.passing(FEW):
        pass


def test_a_run_is_not_behind_its_apps_instances() -> None:
    with crowd(1) as waiting:
        for number in range(6):
            waiting.join(MANY, number)
        waiting.join(runs_of(MANY), 7)
        waiting.one_leaves()
        waiting.one_leaves()
        assert waiting.came == [MANY, MANY, runs_of(MANY)]


def test_who_gives_up_leaves_the_queue_and_is_in_nobodys_way() -> None:
    gate, asked = Gate(lambda: 1), threading.Event()

    def stopped() -> BaseException | None:
        asked.set()
        return Cancelled("No more.")

    with gate.passing(MANY):
        with pytest.raises(Cancelled, match="No more"), gate.passing(FEW, stopped):
            raise AssertionError("it had no turn")
        assert not gate._waiting
    with pytest.raises(Cancelled), gate.passing(FEW, stopped):
        raise AssertionError("though its turn has come at once")
    assert asked.is_set()
    with gate.passing(FEW):
        pass


def test_a_cancelled_deploy_starts_nothing_of_what_it_had_queued(platform: Platform, app_id: AppId) -> None:
    """Somebody else's start holds the gate all the while."""
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 3})
    eventually(lambda: _reconciled(platform, app_id) == 3, "three run")
    gate = platform.scheduler.runs.gate
    with ExitStack() as others:
        for _ in range(round(platform.settings.starts_per_cpu * 2)):
            others.enter_context(gate.passing(MANY))

        def stopped() -> BaseException | None:
            return Cancelled("Cancelled.") if len(gate._waiting.get(app_id, ())) == 3 else None

        spec = platform.spec(app_id, version=2)
        with platform.line(app_id) as lease, pytest.raises(Cancelled):
            platform.scheduler.deploy(spec, lease, platform.log(), lambda: "ref", stopped)
        assert not gate._waiting, "it did not have to wait for its turn to be gone"
    assert {order.version for order in platform.runtime.orders.values()} == {1}


def test_a_release_phase_that_is_cancelled_does_not_wait_for_its_turn(platform: Platform, app_id: AppId) -> None:
    gate = platform.scheduler.runs.gate
    with ExitStack() as others:
        for _ in range(round(platform.settings.starts_per_cpu * 2)):
            others.enter_context(gate.passing(MANY))
        spec, stopped = platform.spec(app_id), lambda: Cancelled("Cancelled.")
        with platform.line(app_id) as lease, pytest.raises(Cancelled):
            platform.scheduler.run_once(spec, "release.1", "echo hi", lease, platform.log(), stopped, 10.0)
    assert platform.runtime.orders == {}
    assert platform.scheduler.instances(app_id) == []


def test_a_detached_run_takes_its_turn_and_can_be_stopped_before_it(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    runs = platform.scheduler.runs
    with platform.looping():
        with ExitStack() as others:
            for _ in range(round(platform.settings.starts_per_cpu * 2)):
                others.enter_context(runs.gate.passing(MANY))
            for _ in range(2):
                runs.ask(app_id, RunWish("sleep 60", "ada@example.com"))
            eventually(lambda: len(runs.gate._waiting.get(runs_of(app_id), ())) == 2, "both wait")
            assert [run.state for run in runs.of_app(app_id)] == ["waiting", "waiting"]
            runs.stop(app_id, "run.1", "Enough.")
            assert runs.find(app_id, "run.1").over, "at once"
        eventually(lambda: runs.find(app_id, "run.2").state == "running", "the other one runs")
        eventually(lambda: not runs.gate._inside, "nobody is inside")
    assert runs.find(app_id, "run.1").reason == "Enough."
    assert [order.process for order in platform.runtime.orders.values()] == ["web.1", "run.2"]


@pytest.mark.parametrize("was_begun", [False, True], ids=["nobody had begun it", "a worker died while it began it"])
def test_a_detached_run_waits_as_long_as_the_queue_needs(
    make_platform: Callable[..., Platform], app_id: AppId, was_begun: bool
) -> None:
    platform = make_platform(pending_s=0.05, loop_s=0.1)
    platform.deploy(platform.spec(app_id))
    runs = platform.scheduler.runs
    asked = runs.ask(app_id, RunWish("sleep 60", "ada@example.com"))
    if was_begun:
        with platform.database.read() as session:
            row = session.get_one(RunRow, asked.run.id)
        assert runs.claim(row)
        platform = replace(platform, scheduler=another_process(platform, lambda app: None))
        runs = platform.scheduler.runs
    looks = platform.runtime.looks
    with ExitStack() as others:
        for _ in range(round(platform.settings.starts_per_cpu * 2)):
            others.enter_context(runs.gate.passing(MANY))
        with platform.looping():
            eventually(lambda: len(runs.gate._waiting.get(runs_of(app_id), ())) == 1, "it waits")
            with platform.database.write() as session:  # its time to start in would be over, had it begun
                begun = update(RunRow).where(RunRow.started_at.is_not(None), RunRow.state == "starting")
                session.execute(begun.values(started_at=clock.after(-1000)))
            looks.clear()
            eventually(lambda: len(looks) > 3, "the loop looks again")
            assert runs.find(app_id, "run.1").state == "waiting"
            assert len(runs.gate._waiting[runs_of(app_id)]) == 1, "once, however often it was looked at"
            others.close()
            eventually(lambda: runs.find(app_id, "run.1").state == "running", "its turn has come")
    assert [order.process for order in platform.runtime.orders.values()] == ["web.1", "run.1"]


def test_what_is_to_end_does_not_wait_for_what_is_to_begin(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    runs = platform.scheduler.runs
    with platform.looping():
        runs.ask(app_id, RunWish("sleep 60", "ada@example.com"))
        eventually(lambda: runs.find(app_id, "run.1").state == "running", "it runs")
        with ExitStack() as others:
            for _ in range(round(platform.settings.starts_per_cpu * 2)):
                others.enter_context(runs.gate.passing(MANY))
            for _ in range(platform.settings.parallel + 1):
                runs.ask(app_id, RunWish("sleep 60", "ada@example.com"))
            waiting = platform.settings.parallel + 1
            eventually(lambda: len(runs.gate._waiting.get(runs_of(app_id), ())) == waiting, "the others wait")
            runs.stop(app_id, "run.1", "Enough.")
            eventually(lambda: runs.find(app_id, "run.1").over, "its end is recorded")


class CountingRuntime(MemoryRuntime):
    """Remembers how many were being started at once at most; a start lasts until somebody else has come or not."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def start(self, order: ContainerOrder) -> str:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        threading.Event().wait(0.02)
        try:
            return super().start(order)
        finally:
            with self._lock:
                self.at_once -= 1


def test_after_the_engine_was_away_the_loop_starts_few_at_once(make_platform: Callable[..., Platform]) -> None:
    platform = make_platform(CountingRuntime(), starts_per_cpu=1)  # the engine in memory has 2 CPUs
    apps = [AppId(new_id()) for _ in range(3)]
    for app in apps:
        platform.deploy(platform.spec(app))
        platform.scheduler.scale(app, {"web": 6})

    def all_run() -> bool:
        platform.scheduler.reconcile()
        return all(len(platform.running(app)) == 6 for app in apps)

    eventually(all_run, "all run")
    before = {one.id for app in apps for one in platform.scheduler.instances(app)}
    for one in platform.runtime.containers():
        platform.runtime.end(one.id, 137)
    platform.runtime.most = 0
    eventually(lambda: all_run() and not before & _now(platform, apps), "all are back")
    assert platform.runtime.most == 2


def _now(platform: Platform, apps: list[AppId]) -> set[str]:
    return {one.id for app in apps for one in platform.scheduler.instances(app)}


class BusyRuntime(MemoryRuntime):
    """Its engine takes a while for each container."""

    def start(self, order: ContainerOrder) -> str:
        threading.Event().wait(0.1)
        return super().start(order)


def test_what_waited_for_its_turn_has_all_its_time_from_its_start(
    make_platform: Callable[..., Platform], app_id: AppId
) -> None:
    platform = make_platform(BusyRuntime(), starts_per_cpu=0.5)  # one after the other
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 4})
    eventually(lambda: _reconciled(platform, app_id) == 4, "four run")
    with platform.database.read() as session:
        rows = records.live_rows(session, app_id)
    times = {(row.boot_by - row.started_at).total_seconds() for row in rows if row.started_at}
    assert len(rows) == 4
    assert max(times) - min(times) < 0.1, "though the last one waited for three others"


def _reconciled(platform: Platform, app_id: AppId) -> int:
    platform.scheduler.reconcile_app(app_id)
    return len(platform.running(app_id))
