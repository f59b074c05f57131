"""Cron schedules, in UTC: five fields, or `@daily` and its like. The one module that calls the library for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cronsim import CronSim, CronSimError

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class BadSchedule(ValueError):
    """That is no schedule, or one that never comes due."""


def moments(schedule: str, after: datetime) -> Iterator[datetime]:
    """When `schedule` is due after that moment, in order; BadSchedule at the first step for what is none.

    At midnight of the 30th of February, say, nothing is ever due: that is no schedule, either.
    """
    text = _NAMED.get(schedule.strip().lower(), schedule)
    if len(text.split()) != 5:  # the library takes a sixth, for seconds
        raise BadSchedule("it has not five fields")
    try:
        found = CronSim(" ".join(text.split()), after)
    except CronSimError as error:
        raise BadSchedule(str(error)) from error
    first = next(found, None)
    if first is None:
        raise BadSchedule("it is never due")
    yield first
    yield from found


def next_moment(schedule: str, after: datetime) -> datetime:
    """The first moment after that one; BadSchedule for what is no schedule."""
    return next(moments(schedule, after))
