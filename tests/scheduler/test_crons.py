"""Cron: the entries of the live release, run at their moments, on an engine in memory."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from core import clock
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from scheduler.cron_records import KEPT
from scheduler.crons import Crons
from scheduler.tables import CronRow, CronRunRow, RunRow
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import BYE, IDLE

ADA = "ada@example.com"


def deploy(platform: Platform, app_id: AppId, version: int, *said: dict[str, Any]) -> None:
    whole = [{"schedule": "0 0 1 1 *", **one} for one in said]
    platform.deploy(platform.spec(app_id, version=version, cron=json.dumps(whole)))


@pytest.fixture
def crons(platform: Platform) -> Crons:
    return platform.scheduler.crons


def come_due(platform: Platform, seconds_ago: float = 1) -> None:
    with platform.database.write() as session:
        session.execute(update(CronRow).where(CronRow.next_at.is_not(None)).values(next_at=clock.after(-seconds_ago)))


def states(crons: Crons, app_id: AppId) -> list[str]:
    return [one.state for one in crons.history(app_id)]


def test_a_due_entry_runs_as_a_one_off_run_and_its_exit_code_is_kept(
    platform: Platform, crons: Crons, app_id: AppId
) -> None:
    deploy(platform, app_id, 1, {"command": BYE})
    platform.scheduler.reconcile()
    assert crons.history(app_id) == []
    come_due(platform)
    with platform.looping():
        eventually(lambda: states(crons, app_id) == ["ended"], "the run has ended")
    [cron] = crons.of_app(app_id)
    assert cron.last is not None
    assert (cron.last.run, cron.last.exit_code) == ("run.1", 3)
    assert cron.next_at is not None
    assert cron.next_at > clock.now()
    with platform.database.write() as session:
        session.execute(update(RunRow).values(ended_at=clock.after(-2 * platform.settings.kept_s)))
    platform.scheduler.reconcile()
    assert platform.scheduler.runs.of_app(app_id) == []
    assert [(one.run, one.exit_code) for one in crons.history(app_id)] == [("run.1", 3)]


def test_workers_that_look_at_once_run_a_moment_once(platform: Platform, crons: Crons, app_id: AppId) -> None:
    deploy(platform, app_id, 1, {"command": IDLE}, {"command": BYE})
    come_due(platform)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: crons.take(None), range(12)))
    assert len(platform.scheduler.runs.of_app(app_id)) == 2


def test_a_moment_that_is_too_old_is_skipped(platform: Platform, crons: Crons, app_id: AppId) -> None:
    deploy(platform, app_id, 1, {"command": IDLE})
    come_due(platform, platform.settings.cron_late_s + 60)
    crons.take([app_id])
    [skipped] = crons.history(app_id)
    assert (skipped.state, "did not run when it was due" in skipped.reason) == ("skipped", True)
    assert platform.scheduler.runs.of_app(app_id) == []


@pytest.mark.parametrize(
    ("policy", "runs", "history"),
    [
        ("allow", ["running", "running"], ["running", "running"]),
        ("forbid", ["running"], ["skipped", "running"]),
        ("replace", ["stopping", "running"], ["running", "stopping"]),
    ],
)
def test_policies_while_a_run_goes_on(
    platform: Platform, crons: Crons, app_id: AppId, policy: str, runs: list[str], history: list[str]
) -> None:
    deploy(platform, app_id, 1, {"command": IDLE, "concurrency_policy": policy})
    come_due(platform, 20)
    platform.scheduler.reconcile()
    come_due(platform, 10)
    platform.scheduler.reconcile()
    assert [one.state for one in platform.scheduler.runs.of_app(app_id)] == runs
    assert states(crons, app_id) == history


def test_a_release_brings_its_entries_and_keeps_the_moments_of_those_that_stay(
    platform: Platform, crons: Crons, app_id: AppId
) -> None:
    deploy(platform, app_id, 1, {"command": "a"}, {"command": "b"})
    come_due(platform)
    before = {one.entry.command: one.next_at for one in crons.of_app(app_id)}
    deploy(platform, app_id, 2, {"command": "c"}, {"command": "b"})
    after = {one.entry.command: one.next_at for one in crons.of_app(app_id)}
    assert list(after) == ["c", "b"]
    assert after["b"] == before["b"]
    deploy(platform, app_id, 3, {"command": "a"})
    [back] = crons.of_app(app_id)
    assert back.next_at is not None
    assert back.next_at > clock.now()


def test_a_suspended_entry_is_not_run_in_later_releases_either(platform: Platform, crons: Crons, app_id: AppId) -> None:
    deploy(platform, app_id, 1, {"command": IDLE})
    [cron] = crons.of_app(app_id)
    assert crons.suspend(app_id, cron.entry.id, True).next_at is None
    deploy(platform, app_id, 2, {"command": IDLE})
    assert [(one.suspended, one.next_at) for one in crons.of_app(app_id)] == [(True, None)]
    assert crons.suspend(app_id, cron.entry.id, False).next_at == cron.next_at


def test_an_app_that_was_stopped_runs_nothing(platform: Platform, crons: Crons, app_id: AppId) -> None:
    deploy(platform, app_id, 1, {"command": IDLE})
    come_due(platform)
    platform.scheduler.stop_app(app_id)
    crons.take(None)
    assert (crons.of_app(app_id), crons.history(app_id)) == ([], [])


def test_run_now_keeps_to_the_policy(platform: Platform, crons: Crons, app_id: AppId) -> None:
    deploy(platform, app_id, 1, {"command": IDLE, "concurrency_policy": "forbid", "maintenance": True})
    [cron] = crons.of_app(app_id)
    assert cron.next_at is None
    assert crons.run_now(app_id, cron.entry.id, ADA).name == "run.1"
    with pytest.raises(Conflict, match="its concurrency_policy is forbid"):
        crons.run_now(app_id, cron.entry.id, ADA)
    with pytest.raises(NotFound, match="no cron entry nonsense"):
        crons.run_now(app_id, "nonsense", ADA)
    with pytest.raises(UserError, match=r"app\.json says `maintenance`"):
        crons.suspend(app_id, cron.entry.id, False)


def test_entries_that_no_release_offers_any_more_are_forgotten_but_for_what_people_said_of_them(
    platform: Platform, crons: Crons, app_id: AppId
) -> None:
    deploy(platform, app_id, 1, {"command": "a"}, {"command": "b"})
    [first, _] = crons.of_app(app_id)
    crons.suspend(app_id, first.entry.id, True)
    deploy(platform, app_id, 2, {"command": "c"})
    with platform.database.read() as session:
        assert set(session.scalars(select(CronRow.command))) == {"a", "c"}
    deploy(platform, app_id, 3, {"command": "a"}, {"command": "b"})
    assert [one.suspended for one in crons.of_app(app_id)] == [True, False]


def test_of_entries_that_are_no_more_only_the_newest_moments_are_remembered(
    platform: Platform, crons: Crons, app_id: AppId
) -> None:
    deploy(platform, app_id, 1, {"command": "stays"})
    [stays] = crons.of_app(app_id)
    moments = [(f"gone{n % 9}", n) for n in range(KEPT + 20)] + [(stays.entry.id, KEPT + 30)]
    with platform.database.write() as session:
        for entry_id, ago in moments:
            past = {"due_at": clock.after(-60 * ago), "state": "skipped"}
            session.add(CronRunRow(id=new_id(), app_id=app_id, entry_id=entry_id, reason="", **past))
    deploy(platform, app_id, 2, {"command": "stays"})
    left = crons.history(app_id)
    assert len(left) == KEPT + 1
    assert left[-1].entry_id == stays.entry.id
    assert left[0].due_at > clock.after(-60)
