"""One-off runs: their records, their plan and what the loop does about them, on an engine in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from core import clock
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId
from scheduler import RunWish, SchedulerSettings
from scheduler.attached import Attending
from scheduler.run_plan import Begin, End, Fail, Forget, Halt, KillRun, Resume, plan_run
from scheduler.runs import Asked, Runs
from scheduler.runtime import Container
from scheduler.states import RunState
from scheduler.tables import AddressRow, RunRow
from tests.scheduler.clients import Client, rendezvous
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import BYE, IDLE

ADA = "ada@example.com"
NOW = clock.now()


@pytest.fixture
def live(platform: Platform, app_id: AppId) -> Platform:
    platform.deploy(platform.spec(app_id))
    return platform


@pytest.fixture
def runs(live: Platform) -> Runs:
    return live.scheduler.runs


def attached(runs: Runs, app_id: AppId, command: str = IDLE, **wish: Any) -> Asked:
    return runs.ask(app_id, RunWish(command, ADA, attached=True, **wish))


def detached(runs: Runs, app_id: AppId, command: str = IDLE, **wish: Any) -> Asked:
    return runs.ask(app_id, RunWish(command, ADA, **wish))


def row(state: RunState, **values: Any) -> RunRow:
    plain: dict[str, Any] = {"id": "r1", "attached": True, "created_at": NOW, "open_until": NOW + timedelta(seconds=30)}
    return RunRow(state=state, limit_s=60, **{**plain, **values})


def container(state: str = "running") -> Container:
    return Container("c1", "r1", AppId("a1"), 1, "run.1", state, "127.0.0.2", 0 if state == "exited" else None)


def planned(given: RunRow, found: Container | None, after_s: float = 0.0) -> Any:
    moment = NOW + timedelta(seconds=after_s)
    containers = {} if found is None else {found.instance_id: found}
    return plan_run(given, containers, moment, moment, SchedulerSettings())


UP = {"started_at": NOW, "seen_until": NOW + timedelta(seconds=15), "end_by": NOW + timedelta(seconds=60)}


@pytest.mark.parametrize(
    ("given", "found", "after_s", "step"),
    [
        (row(RunState.WAITING), None, 1, None),
        (row(RunState.WAITING), None, 31, Fail),
        (row(RunState.WAITING, attached=False), None, 0, Begin),
        (row(RunState.STARTING, started_at=NOW), None, 60, None),
        (row(RunState.STARTING, started_at=NOW), None, 121, Fail),
        (row(RunState.STARTING, started_at=NOW, seen_until=NOW + timedelta(seconds=125)), None, 121, None),
        (row(RunState.RUNNING, **UP), container(), 1, None),
        (row(RunState.RUNNING, **UP), container("exited"), 1, End),
        (row(RunState.RUNNING, **UP), None, 1, End),
        (row(RunState.RUNNING, **UP), None, 0, None),
        (row(RunState.RUNNING, **UP), container(), 16, Halt),
        (row(RunState.RUNNING, **{**UP, "attached": False}), container(), 16, None),
        (row(RunState.RUNNING, **{**UP, "attached": False}), container(), 61, Halt),
        (row(RunState.STOPPING, **UP, kill_by=NOW + timedelta(seconds=30)), container(), 29, None),
        (row(RunState.STOPPING, **UP, kill_by=NOW + timedelta(seconds=30)), container(), 30, KillRun),
        (row(RunState.ENDED, ended_at=NOW), container("exited"), 60, None),
        (row(RunState.ENDED, ended_at=NOW), None, 3601, Forget),
    ],
)
def test_what_comes_next(given: RunRow, found: Container | None, after_s: float, step: Any) -> None:
    assert type(planned(given, found, after_s)) is (step or type(None))


@pytest.mark.parametrize(
    ("given", "found", "step"),
    [
        (row(RunState.STARTING, attached=False, started_at=NOW), None, Resume),
        (row(RunState.STARTING, attached=False, started_at=NOW), container(), Resume),
        (row(RunState.STARTING, started_at=NOW, seen_until=NOW + timedelta(seconds=15)), None, Fail),
        (row(RunState.STARTING, attached=False, started_at=NOW + timedelta(seconds=11)), None, None),
        (row(RunState.STARTING, started_at=NOW, seen_until=NOW + timedelta(seconds=30)), None, None),
    ],
)
def test_what_a_dead_process_was_starting_is_seen_to_within_seconds(
    given: RunRow, found: Container | None, step: Any
) -> None:
    """The loop began 10 s after the claim, and looks 10 s later."""
    containers = {} if found is None else {found.instance_id: found}
    now, since = NOW + timedelta(seconds=20), NOW + timedelta(seconds=10)
    assert type(plan_run(given, containers, now, now, SchedulerSettings(), since)) is (step or type(None))


def test_without_a_release_there_is_nothing_to_run_in(platform: Platform, app_id: AppId) -> None:
    with pytest.raises(UserError, match="This app has no release to run anything in yet"):
        detached(platform.scheduler.runs, app_id)


@pytest.mark.parametrize(
    "wish",
    [
        {"command": " "},
        {"limit_s": 0},
        {"limit_s": 86_401},
        {"env": {"A=B": "1"}},
        {"terminal": (0, 24)},
    ],
)
def test_what_cant_be_run_is_refused(runs: Runs, app_id: AppId, wish: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        runs.ask(app_id, RunWish(**{"command": "ls", "user_email": ADA, **wish}))
    assert runs.of_app(app_id) == []


def test_a_run_has_the_size_that_it_was_asked_for(live: Platform, runs: Runs, app_id: AppId) -> None:
    assert detached(runs, app_id, size="1g:0.5").run.size == "1024m:0.5"
    detached(runs, app_id)
    live.scheduler.reconcile()
    orders = {order.process: order for order in live.runtime.orders.values()}
    assert (orders["run.1"].memory_mb, orders["run.1"].cpus) == (1024, 0.5)
    assert (orders["run.2"].memory_mb, orders["run.2"].cpus) == (live.settings.memory_mb, live.settings.cpus)


def test_a_size_that_the_host_has_not_is_refused(runs: Runs, app_id: AppId) -> None:
    with pytest.raises(UserError, match="A run can't have 8192 MB of memory: an instance has 16 to 4096 MB"):
        detached(runs, app_id, size="8g")
    with pytest.raises(UserError, match="'huge' is not a size"):
        detached(runs, app_id, size="huge")
    assert runs.of_app(app_id) == []


def test_runs_are_numbered_by_app(runs: Runs, app_id: AppId) -> None:
    assert [detached(runs, app_id).run.name, attached(runs, app_id).run.name] == ["run.1", "run.2"]


def test_an_app_has_so_many_runs_at_once(live: Platform, runs: Runs, app_id: AppId) -> None:
    few = replace(runs, settings=replace(live.settings, run_most=1))
    detached(few, app_id)
    with pytest.raises(Conflict, match="1 one-off runs already"):
        detached(few, app_id)
    few.stop(app_id, "run.1", "Enough.")
    assert detached(few, app_id).run.name == "run.2"


def test_a_ticket_opens_its_run_once(live: Platform, runs: Runs, app_id: AppId) -> None:
    asked, attending = attached(runs, app_id), Attending(runs)
    assert attending.admit(f"{asked.run.id}.wrong") is None
    assert attending.admit("nonsense") is None
    assert attending.admit(asked.run.id) is None
    admitted = attending.admit(asked.ticket)
    assert admitted is not None
    assert attending.admit(asked.ticket) is None
    with live.database.read() as session:
        assert session.get_one(RunRow, asked.run.id).secret_digest == ""


def test_an_old_ticket_opens_nothing_and_its_run_fails(live: Platform, runs: Runs, app_id: AppId) -> None:
    asked = attached(runs, app_id)
    with live.database.write() as session:
        session.execute(update(RunRow).values(open_until=clock.after(-1)))
    assert Attending(runs).admit(asked.ticket) is None
    live.scheduler.reconcile()
    run = runs.find(app_id, "run.1")
    assert (run.state, run.reason) == ("failed", "Its client did not connect.")


def test_a_detached_run_is_begun_by_the_loop_and_ends_with_its_exit_code(
    live: Platform, runs: Runs, app_id: AppId
) -> None:
    detached(runs, app_id, BYE)
    with live.looping():
        eventually(lambda: runs.find(app_id, "run.1").over, "the run has ended")
    run = runs.find(app_id, "run.1")
    assert (run.state, run.exit_code, run.reason) == ("ended", 3, "")


def test_two_workers_begin_a_run_once(live: Platform, runs: Runs, app_id: AppId) -> None:
    detached(runs, app_id)
    steps, _ = runs.look([app_id], [], clock.now())
    for step in [*steps, *steps]:
        runs.act(step)
    assert [one.process for one in live.runtime.containers(app_id)] == ["web.1", "run.1"]


def test_a_run_that_cant_start_says_why(live: Platform, runs: Runs, app_id: AppId) -> None:
    live.deploy(live.spec(app_id, version=2))
    detached(runs, app_id)
    live.runtime.image = _no_image
    live.scheduler.reconcile()
    run = runs.find(app_id, "run.1")
    assert (run.state, run.reason) == ("failed", "The image is gone.")


def _no_image(*_: str) -> None:
    raise UserError("The image is gone.")


def test_a_running_run_keeps_its_container_and_address_through_a_look_at_everything(
    live: Platform, runs: Runs, app_id: AppId
) -> None:
    detached(runs, app_id)
    live.scheduler.reconcile()
    live.scheduler.reconcile()
    live.scheduler.reconcile()
    run = runs.find(app_id, "run.1")
    assert run.state == "running"
    assert [one.process for one in live.runtime.containers(app_id)] == ["web.1", "run.1"]
    with live.database.read() as session:
        assert session.query(AddressRow).filter_by(instance_id=run.id).count() == 1


@pytest.mark.parametrize("had_begun", [True, False], ids=["its container runs", "it has none"])
def test_a_run_that_a_dead_worker_was_starting_runs_once(
    live: Platform, runs: Runs, app_id: AppId, had_begun: bool
) -> None:
    asked = detached(runs, app_id)
    with live.database.read() as session:
        run = session.get_one(RunRow, asked.run.id)
    assert runs.claim(run)
    if had_begun:
        live.runtime.start(runs.order_of(run))
    before = {one.id for one in live.runtime.containers(app_id)}
    successor = replace(runs, began_at=clock.after(1))
    for _ in range(2):
        steps, _ = successor.look([app_id], live.runtime.containers(app_id), clock.now())
        for step in [*steps, *steps]:
            successor.act(step)
    assert runs.find(app_id, "run.1").state == "running"
    found = {one.id for one in live.runtime.containers(app_id)}
    assert len(found) == 2
    assert (found == before) is had_begun


def test_what_a_dead_worker_had_created_is_gone_before_the_run_may_begin_again(
    live: Platform, runs: Runs, app_id: AppId
) -> None:
    """Both containers would have the same name, so the engine would refuse the second."""
    asked = detached(runs, app_id)
    with live.database.read() as session:
        run = session.get_one(RunRow, asked.run.id)
    assert runs.claim(run)
    made, remove, seen = live.runtime.start(runs.order_of(run)), live.runtime.remove, list[str]()

    def removing(container_id: str) -> None:
        seen.append(runs.find(app_id, "run.1").state)
        remove(container_id)

    live.runtime.remove = removing
    live.runtime.found[made] = replace(live.runtime.found[made], state="created")
    successor = replace(runs, began_at=clock.after(1))
    [step], _ = successor.look([app_id], live.runtime.containers(app_id), clock.now())
    successor.act(step)
    assert (seen, runs.find(app_id, "run.1").state) == (["starting"], "waiting")


def test_a_container_whose_run_was_given_up_is_a_stray(live: Platform, runs: Runs, app_id: AppId) -> None:
    """The worker was ended between the start of the container and its record."""
    asked = detached(runs, app_id)
    with live.database.read() as session:
        run = session.get_one(RunRow, asked.run.id)
    assert runs.claim(run)
    live.runtime.start(runs.order_of(run))
    live.scheduler.reconcile()
    assert len(live.runtime.containers(app_id)) == 2, "it may yet be recorded"
    with live.database.write() as session:
        session.execute(update(RunRow).values(started_at=clock.after(-1000)))
    live.scheduler.reconcile()
    live.scheduler.reconcile()
    assert [one.process for one in live.runtime.containers(app_id)] == ["web.1"]
    assert runs.find(app_id, "run.1").reason == "It could not be started in time."


def test_a_stopped_run_is_asked_to_end_then_killed(make_platform: Callable[..., Platform], app_id: AppId) -> None:
    from tests.scheduler.fakes import StubbornRuntime

    platform = make_platform(StubbornRuntime(), grace_s=0.1)
    platform.deploy(platform.spec(app_id))
    runs = platform.scheduler.runs
    detached(runs, app_id)
    platform.scheduler.reconcile()
    assert runs.stop(app_id, "run.1", "Stopped by ada@example.com.").state == "stopping"
    with platform.looping():
        eventually(lambda: runs.find(app_id, "run.1").over, "the run has ended")
    assert [name for _, name in platform.runtime.signals][:2] == ["SIGTERM", "SIGKILL"]
    assert runs.find(app_id, "run.1").exit_code == 137


def test_a_run_that_waits_can_be_stopped_and_never_begins(live: Platform, runs: Runs, app_id: AppId) -> None:
    asked = attached(runs, app_id)
    assert runs.stop(app_id, "run.1", "Stopped.").state == "failed"
    assert Attending(runs).admit(asked.ticket) is None
    assert runs.stop(app_id, "run.1", "Again.").reason == "Stopped."


def test_an_attached_run_that_is_stopped_before_its_turn_is_never_started(
    live: Platform, runs: Runs, app_id: AppId
) -> None:
    asked, attending = attached(runs, app_id), Attending(runs)
    claimed = attending.admit(asked.ticket)
    assert claimed is not None
    runs.stop(app_id, "run.1", "Enough.")
    with pytest.raises(UserError, match="The run was stopped before it began"):
        attending.begin(claimed)
    assert [order.process for order in live.runtime.orders.values()] == ["web.1"]
    assert (runs.find(app_id, "run.1").state, runs.find(app_id, "run.1").reason) == ("failed", "Enough.")


def test_a_run_of_another_app_is_not_found(runs: Runs, app_id: AppId) -> None:
    asked = detached(runs, app_id)
    for wanted in ("run.1", asked.run.id):
        with pytest.raises(NotFound):
            runs.find(AppId("another"), wanted)


def test_an_app_that_is_stopped_takes_its_runs_with_it(live: Platform, runs: Runs, app_id: AppId) -> None:
    detached(runs, app_id)
    live.scheduler.reconcile()
    live.scheduler.stop_app(app_id)
    assert runs.find(app_id, "run.1").state == "ended"
    assert live.runtime.containers(app_id) == []
    live.scheduler.forget_app(app_id)
    assert runs.of_app(app_id) == []


def test_an_ended_run_is_forgotten_with_its_container_after_an_hour(live: Platform, runs: Runs, app_id: AppId) -> None:
    detached(runs, app_id, BYE)
    with live.looping():
        eventually(lambda: runs.find(app_id, "run.1").over, "the run has ended")
    assert len(live.runtime.containers(app_id)) == 2, "kept for its log"
    with live.database.write() as session:
        session.execute(update(RunRow).values(ended_at=clock.after(-3601)))
    live.scheduler.reconcile()
    assert runs.of_app(app_id) == []
    assert [one.process for one in live.runtime.containers(app_id)] == ["web.1"]


def test_a_silent_terminal_is_ended(live: Platform, runs: Runs, app_id: AppId, tmp_path: Path) -> None:
    quick = replace(live.settings, run_host="127.0.0.1", run_port=0, run_idle_s=0.2, run_seen_s=0.3)
    hasty = replace(runs, settings=quick)
    with rendezvous(hasty, tmp_path / "certificate.pem") as port:
        client = Client(port)
        assert client.meet(attached(hasty, app_id, terminal=(80, 24)).ticket) == b"rendezvous\r\n"
        eventually(lambda: runs.find(app_id, "run.1").reason != "", "the run is ended")
        client.vanish()
    assert runs.find(app_id, "run.1").reason == "Nothing was typed or shown for 0 s."


def test_a_wrong_ticket_gets_no_greeting(live: Platform, runs: Runs, app_id: AppId, tmp_path: Path) -> None:
    here = replace(runs, settings=replace(live.settings, run_host="127.0.0.1", run_port=0))
    with rendezvous(here, tmp_path / "certificate.pem") as port:
        assert Client(port).meet(f"{attached(runs, app_id).run.id}.wrong") == b""
        client = Client(port)
        assert client.meet(attached(here, app_id).ticket) == b"rendezvous\r\n"
        client.send(b"hello")
        client.until(b"hello")
        client.send(b"")
        assert client.to_the_end() == 0


def test_the_certificate_is_made_once_and_read_by_its_owner_alone(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    assert runs.fingerprint(path) == runs.fingerprint(path)
    assert len(runs.fingerprint(path)) == 64
    assert path.stat().st_mode & 0o777 == 0o600
