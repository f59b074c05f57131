"""The chart of an app's requests: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from router import Period, Tally

MINUTES: Final = 60
COLUMNS: Final = 60
_HIGH: Final = 100.0


@dataclass(frozen=True)
class Column:
    """One part of the time. `height` is in percent of the busiest, and `failed` the part of it that 5xx is."""

    left: float
    width: float
    height: float
    failed: float


@dataclass(frozen=True)
class Traffic:
    """An hour of requests. `facts` are words and their values, in the order in which they are shown."""

    columns: tuple[Column, ...]
    facts: tuple[tuple[str, str], ...]
    most: str


def of(period: Period) -> Traffic | None:
    """None for an app that nobody asked anything."""
    if not period.whole.requests:
        return None
    most = max(point.tally.requests for point in period.points) or 1
    wide = _HIGH / len(period.points)
    columns = tuple(
        Column(
            left=round(number * wide, 2),
            width=round(wide * 0.8, 2),
            height=round(_HIGH * point.tally.requests / most, 2),
            failed=round(_HIGH * _failed(point.tally) / most, 2),
        )
        for number, point in enumerate(period.points)
        if point.tally.requests
    )
    return Traffic(columns, _facts(period.whole), f"{most / period.point_s:.1f} requests a second")


def _failed(tally: Tally) -> int:
    return tally.classes[4]


def _facts(whole: Tally) -> tuple[tuple[str, str], ...]:
    times = ((name, whole.percentile(share)) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)))
    return (
        ("Requests", f"{whole.requests:,}"),
        ("Failed (5xx)", f"{_failed(whole):,}"),
        *((name, f"{time:.0f} ms") for name, time in times if time is not None),
    )
