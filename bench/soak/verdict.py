"""What may grow, and by how much. Pure.

Most things are to be as they were: a thing that no rule names may not grow at all.
"""

from __future__ import annotations

import os
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.soak.meters import Reading
from scheduler import SchedulerSettings

_STARTS = SchedulerSettings.starts_per_cpu * (os.cpu_count() or 1)


@dataclass(frozen=True)
class Rule:
    """Of things whose name matches: `room` is how much more there may be than before, `per_change` how much each
    change may add, for what is kept of it by design."""

    names: str
    room: float = 0.0
    per_change: float = 0.0


RULES = (
    Rule(r"memory registry .*", room=25),  # its collector of garbage lets it breathe
    Rule(r"memory .*", room=12),
    Rule(r"(descriptors|sockets) worker", room=25),  # pools of connections, which fill to a bound
    Rule(r"(descriptors|sockets) .*", room=6),
    Rule(r"rows instances", room=30),  # those that ended last are kept for a while, and go with the next change
    Rule(r"rows leases", room=2),  # of each app one more, from when it first gives an image up
    Rule(r"rows (pushes|builds|releases|logs)", per_change=0.5),
    Rule(r"files repos", per_change=1),
    Rule(r"files registry", room=80),  # the releases that are kept: 5 of them
    Rule(r"files run", room=_STARTS),  # a file for each place of a start, from when it is first taken
    Rule(r"files (requests|log)", room=8),  # two of each app, one for each span of the metrics
    Rule(r"image names", room=8),
)
"""History is kept by design: each push, build, release and log has its row, each commit its objects."""


@dataclass(frozen=True)
class Verdict:
    """On one thing. `slope_per_h`: of the later half of the readings between, when all is warm; None of too few."""

    what: str
    before: float
    most: float
    after: float
    allowed: float
    slope_per_h: float | None

    @property
    def is_well(self) -> bool:
        return self.after <= self.allowed


def rule_of(name: str) -> Rule:
    """The first rule that matches; the strictest when none does."""
    return next((rule for rule in RULES if re.fullmatch(rule.names, name)), Rule(re.escape(name)))


def judge(
    before: Reading, after: Reading, between: Sequence[tuple[float, Reading]], changes: int
) -> tuple[Verdict, ...]:
    """A verdict on everything that was there before or is there after."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        rule, series = rule_of(name), [(at_s, reading[name]) for at_s, reading in between if name in reading]
        first, last = before.get(name, 0.0), after.get(name, 0.0)
        allowed = first + rule.room + rule.per_change * changes
        most = max([first, last, *(value for _, value in series)])
        found.append(Verdict(name, first, most, last, allowed, slope_per_h(series[len(series) // 2 :])))
    return tuple(found)


def slope_per_h(series: Sequence[tuple[float, float]]) -> float | None:
    """The straight line that fits best (least squares), of times in seconds; None of fewer than five readings."""
    if len(series) < 5:
        return None
    times, values = zip(*series, strict=True)
    return statistics.linear_regression(times, values).slope * 3600
