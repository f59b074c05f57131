"""Which builds are wanted: each app's newest, and what may still be under way."""

from __future__ import annotations

from datetime import timedelta

from builder.records import Records
from builder.tables import BuildRow, BuildState
from core import clock
from core.database import Database


def add(database: Database, app: str, name: str, age_hours: float, state: BuildState = BuildState.SUCCEEDED) -> None:
    made = clock.now() - timedelta(hours=age_hours)
    with database.write() as session:
        session.add(
            BuildRow(id=name, app_id=app, key=name, config_key="", pack="x", commit="c", state=state, created_at=made)
        )


def test_each_app_keeps_its_newest(database: Database) -> None:
    for number in range(4):
        add(database, "one", f"one-{number}", age_hours=100 - number)
    add(database, "two", "two-0", age_hours=900)
    assert Records(database).wanted(2) == {"one-3", "one-2", "two-0"}
    assert len(Records(database).known()) == 5


def test_a_build_under_way_is_wanted_and_one_that_was_left_behind_is_not(database: Database) -> None:
    add(database, "one", "running", 2, BuildState.BUILDING)
    add(database, "one", "abandoned", 200, BuildState.BUILDING)
    add(database, "one", "newest", 1)
    assert Records(database).wanted(1) == {"newest", "running"}
