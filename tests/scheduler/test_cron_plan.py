"""What of a cron entry is due: the pure decision."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schedules import BadSchedule, moments, next_moment
from scheduler.cron_plan import Due, Policy, due, entries

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SCHEDULES = st.sampled_from(["* * * * *", "*/5 * * * *", "7 * * * *", "30 */6 * * *", "@hourly", "@daily"])


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("next_at", "now", "expected"),
    [
        (at(0), at(-1), None),
        (at(0), at(0), Due(at(0), None, at(10))),
        (at(0), at(9), Due(at(0), None, at(10))),
        (at(0), at(10), Due(at(10), at(0), at(20))),
        (at(0), at(65), Due(at(60), at(0), at(70))),
        (at(-50), at(9), Due(at(0), at(-50), at(10))),
    ],
)
def test_of_missed_moments_the_last_is_made_up_for(next_at: datetime, now: datetime, expected: Due | None) -> None:
    assert due("*/10 * * * *", next_at, now, 3600) == expected


def test_a_moment_that_is_too_old_is_not() -> None:
    assert due("0 12 * * *", at(0), at(61), 3600) == Due(None, at(0), at(24 * 60))


@given(SCHEDULES, st.lists(st.integers(1, 5000), min_size=1, max_size=20), st.integers(0, 4000))
def test_whenever_looks_happen_no_moment_runs_twice_too_late_or_too_soon(
    schedule: str, gaps: list[int], late_minutes: int
) -> None:
    now, next_at, taken = NOON, next_moment(schedule, NOON), []
    for gap in gaps:
        now += timedelta(minutes=gap)
        found = due(schedule, next_at, now, late_minutes * 60)
        if found is None:
            assert next_at > now
            continue
        assert found.next_at == next_moment(schedule, now)
        if found.moment is not None:
            assert now - timedelta(minutes=late_minutes) <= found.moment <= now
            assert next_at <= found.moment < found.next_at
            assert found.moment == next_moment(schedule, found.moment - timedelta(seconds=1))
            taken.append(found.moment)
        assert (found.missed is None) == (found.moment == next_at)
        next_at = found.next_at
    assert taken == sorted(set(taken))


@given(SCHEDULES, st.integers(1, 300))
def test_looks_that_come_often_enough_miss_nothing(schedule: str, looks: int) -> None:
    next_at, taken = next_moment(schedule, NOON), []
    for minute in range(1, looks + 1):
        found = due(schedule, next_at, at(minute), 0)
        if found is not None:
            assert found.missed is None
            taken.append(found.moment)
            next_at = found.next_at
    expected = []
    for moment in moments(schedule, NOON):
        if moment > at(looks):
            break
        expected.append(moment)
    assert taken == expected


@pytest.mark.parametrize("text", ["", "at noon", "61 * * * *", "0 0 30 2 *", "* * * * * *", "@noon", "0 0 * *"])
def test_what_is_never_due_is_no_schedule(text: str) -> None:
    with pytest.raises(BadSchedule):
        next_moment(text, NOON)


def test_an_entry_is_known_by_schedule_and_command() -> None:
    said = {"command": "ls", "schedule": "@daily", "concurrency_policy": "forbid", "maintenance": True}
    [entry] = entries(json.dumps([{"command": " ls ", "schedule": "@daily"}, said]))
    assert (entry.command, entry.policy, entry.maintenance) == ("ls", Policy.FORBID, True)
    [other] = entries(json.dumps([{**said, "schedule": "@hourly"}]))
    assert other.id != entry.id
