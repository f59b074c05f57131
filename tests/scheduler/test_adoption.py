"""Records are restored from a backup that is older than what runs: what runs is taken over, not ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.database import Database
from core.ids import AppId, new_id
from core.secrets import Sealer
from scheduler import ProcessType, Scheduler
from tests.scheduler.conftest import Platform
from tests.scheduler.fakes import IDLE, SERVE

TYPES = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
Restore = Callable[[Path], Scheduler]


def records_of(platform: Platform) -> Path:
    return Path(platform.database.url.removeprefix("sqlite:///"))


def back_up(platform: Platform) -> Path:
    """A copy of the records as they are now."""
    copy = records_of(platform).with_name("backup.db")
    with closing(sqlite3.connect(records_of(platform))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


@pytest.fixture
def restored(platform: Platform) -> Iterator[Restore]:
    """The platform's scheduler after its records were replaced by a backup."""
    opened: list[Database] = []

    def restore(copy: Path) -> Scheduler:
        opened.append(Database(f"sqlite:///{copy}"))
        sealer = Sealer(copy.with_name("secret.key"))
        parts = (opened[0], platform.router, platform.runtime, sealer, platform.settings)
        return Scheduler(*parts, copy.with_name("live"))  # type: ignore[arg-type]

    yield restore
    for database in opened:
        database.close()


def test_a_newer_release_is_taken_over_as_it_runs(platform: Platform, app_id: AppId, restored: Restore) -> None:
    platform.deploy(platform.spec(app_id, processes=TYPES))
    platform.scheduler.scale(app_id, {"worker": 1})
    platform.scheduler.reconcile()
    copy = back_up(platform)
    platform.deploy(platform.spec(app_id, version=2, processes=TYPES, env={"TOKEN": "of v2"}))
    serving, running = platform.routed(app_id), {one.id for one in platform.runtime.containers() if one.version == 2}
    scheduler = restored(copy)
    scheduler.reconcile()
    spec = scheduler.current(app_id)
    assert spec is not None
    assert (spec.version, spec.env, platform.routed(app_id)) == (2, {"TOKEN": "of v2"}, serving)
    assert {one.id for one in platform.runtime.containers() if one.version == 2} == running
    newer = [one for one in scheduler.instances(app_id) if one.version == 2]
    assert sorted(one.process for one in newer) == ["web.1", "worker.1"]


def test_what_has_died_meanwhile_is_started_again(platform: Platform, app_id: AppId, restored: Restore) -> None:
    platform.deploy(platform.spec(app_id))
    copy = back_up(platform)
    platform.deploy(platform.spec(app_id, version=2))
    for container in platform.runtime.containers():
        platform.runtime.end(container.id, 1)
    scheduler = restored(copy)
    for _ in range(3):
        scheduler.reconcile()
    assert {one.version for one in platform.runtime.containers() if one.running} == {2}


def test_records_that_are_up_to_date_are_left_alone(platform: Platform, app_id: AppId, restored: Restore) -> None:
    platform.deploy(platform.spec(app_id))
    platform.deploy(platform.spec(app_id, version=2))
    before = platform.router.history[:]
    scheduler = restored(back_up(platform))
    scheduler.reconcile()
    assert (scheduler.current_version(app_id), platform.router.history) == (2, before)


def test_an_app_that_was_made_after_the_backup_is_not_run(
    platform: Platform, restored: Restore, caplog: pytest.LogCaptureFixture
) -> None:
    copy, other = back_up(platform), AppId(new_id())
    platform.deploy(platform.spec(other))
    del platform.router.wanted[other]  # its name is in the records that are gone
    scheduler = restored(copy)
    scheduler.reconcile()
    assert (scheduler.current(other), platform.runtime.containers(other)) == (None, [])
    assert f"app {other} ran v1, and the records do not know it" in caplog.text


def test_a_destroyed_app_leaves_nothing_to_adopt(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.scheduler.forget_app(app_id)
    assert list(records_of(platform).with_name("live").iterdir()) == []
