"""Which builds are wanted: each app's newest, and what may still be under way."""

from __future__ import annotations

from datetime import timedelta

from builder.records import Cache, Records
from builder.tables import BuildRow, BuildState
from core import clock
from core.database import Database
from core.ids import AppId


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


def test_a_purge_changes_whose_caches_are_used_and_they_are_empty_until_a_build(database: Database) -> None:
    records, app_id = Records(database), AppId("one")
    assert records.cache(app_id) == Cache("one", is_empty=False)
    add(database, "one", "before", age_hours=1)
    records.purge_cache(app_id)
    assert records.cache(app_id) == Cache("one.1", is_empty=True)
    add(database, "one", "after", age_hours=-1)
    assert records.cache(app_id) == Cache("one.1", is_empty=False)
    records.purge_cache(app_id)
    assert records.cache(app_id).owner == "one.2"
    assert records.cache(AppId("two")) == Cache("two", is_empty=False)


def test_a_forgotten_app_leaves_no_cache_record(database: Database) -> None:
    records = Records(database)
    records.purge_cache(AppId("one"))
    records.forget(AppId("one"))
    assert records.cache(AppId("one")).owner == "one"
