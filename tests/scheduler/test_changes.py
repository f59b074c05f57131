"""What is kept of changes of sizes and of storage, and what a worker that died after one leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from core import clock
from core.ids import AppId, new_id
from core.logs import CLOSED_WITHIN_S, LogRow
from scheduler.line import KEPT
from scheduler.tables import FormationChangeRow, StorageChangeRow
from tests.scheduler.conftest import Platform

ADA = "ada@example.com"


def a_size(platform: Platform, app_id: AppId) -> str:
    return platform.resize(app_id, web="128m").id


def a_mount(platform: Platform, app_id: AppId) -> str:
    return platform.mount(app_id, "data", "/data").id


KINDS = pytest.mark.parametrize(("ask", "table"), [(a_size, FormationChangeRow), (a_mount, StorageChangeRow)])


def decided(table: type[Any], app_id: AppId, days_ago: int) -> Any:
    said: dict[str, Any] = {"sizes": "{}"} if table is FormationChangeRow else {"name": "old"}
    moment = clock.after(-86_400 * days_ago)
    same = {"id": new_id(), "app_id": app_id, "state": "done", "user_email": ADA, "log_id": new_id()}
    return table(**same, **said, created_at=moment, decided_at=moment)


@KINDS
def test_only_the_last_decided_changes_of_an_app_are_remembered(
    platform: Platform, app_id: AppId, ask: Callable[[Platform, AppId], str], table: type[Any]
) -> None:
    platform.deploy(platform.spec(app_id))
    oldest, other = decided(table, app_id, KEPT + 1), decided(table, AppId(new_id()), KEPT + 1)
    with platform.database.write() as session:
        session.add_all([oldest, other, *(decided(table, app_id, days) for days in range(1, KEPT + 1))])
    asked = ask(platform, app_id)
    with platform.database.read() as session:
        left = set(session.scalars(select(table.id)))
    assert asked in left
    assert other.id in left
    assert oldest.id not in left
    assert len(left) == KEPT + 2


@KINDS
def test_the_log_of_a_change_whose_worker_died_after_the_decision_is_closed(
    platform: Platform, app_id: AppId, ask: Callable[[Platform, AppId], str], table: type[Any]
) -> None:
    platform.deploy(platform.spec(app_id))
    change_id = ask(platform, app_id)
    with platform.database.write() as session:
        session.execute(delete(LogRow).where(LogRow.id == change_id))
    assert not platform.logs.is_closed(change_id)
    resume(platform)
    assert not platform.logs.is_closed(change_id), "its worker may be about to close it"
    with platform.database.write() as session:
        session.execute(update(table).values(decided_at=clock.after(-2 * CLOSED_WITHIN_S)))
    resume(platform)
    assert platform.logs.is_closed(change_id)


@KINDS
def test_the_log_of_a_change_that_waits_stays_open(
    platform: Platform, app_id: AppId, ask: Callable[[Platform, AppId], str], table: type[Any]
) -> None:
    platform.deploy(platform.spec(app_id))
    change_id = ask(platform, app_id)
    with platform.database.write() as session:
        session.execute(delete(LogRow))
        session.execute(update(table).values(state="pending", decided_at=None))
    resume(platform)
    assert not platform.logs.is_closed(change_id)
    with platform.database.read() as session:
        assert session.scalar(select(func.count()).select_from(LogRow)) == 0


def resume(platform: Platform) -> None:
    platform.storage.resume()
    platform.resizing.resume()
