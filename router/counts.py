"""What HAProxy counts of one generation of an app: answers, those with a 5xx status, and how long they took. Pure.

HAProxy 2.6 has no percentile of its own. So it counts each answer into one of a few steps of time, in a row of general
purpose counters; the percentile is read off them, to within its step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TABLE = "counts"
STEPS_MS = (5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500, 2500, 5000, 10_000)
"""Each step ends below its number; a last one has no end."""
COUNTERS = 1 + len(STEPS_MS) + 1
_COUNTER = re.compile(r"\bgpc(\d+)=(\d+)")
_SHARE = 0.95


@dataclass(frozen=True)
class Counts:
    """`errors` of the `requests` were answered with 5xx, by the app or for it. `steps`: answers by time (STEPS_MS)."""

    errors: int
    steps: tuple[int, ...]

    @property
    def requests(self) -> int:
        return sum(self.steps)

    @property
    def p95_ms(self) -> float | None:
        """What 95 of 100 answers took at most, evenly spread within a step; None without answers.

        Time is from the request's headers to the answer's. Past the last step it is that step's beginning.
        """
        if not self.requests:
            return None
        left = self.requests * _SHARE
        begin = 0.0
        for count, end in zip(self.steps, (*STEPS_MS, STEPS_MS[-1]), strict=True):
            if left <= count:
                return begin + (end - begin) * left / count
            left, begin = left - count, float(end)
        return begin


NONE = Counts(0, (0,) * (len(STEPS_MS) + 1))


def total(parts: Iterable[Counts]) -> Counts:
    """Of all of them together."""
    together = [(part.errors, *part.steps) for part in (NONE, *parts)]
    errors, *steps_of_all = (sum(column) for column in zip(*together, strict=True))
    return Counts(errors, tuple(steps_of_all))


def parse(answer: str) -> Counts:
    """HAProxy's answer to `show table counts key GENERATION`; nothing of a generation that it has not counted yet."""
    found = {int(number): int(count) for number, count in _COUNTER.findall(answer)}
    return Counts(found.get(0, 0), tuple(found.get(1 + step, 0) for step in range(len(STEPS_MS) + 1)))


def steps() -> Sequence[tuple[int, str]]:
    """The counter of each step, and HAProxy's condition on `txn.took_ms` for it."""
    starts, ends = (None, *STEPS_MS), (*STEPS_MS, None)
    took = "{{ var(txn.took_ms) -m int {} {} }}"
    found = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        low = [took.format("ge", start)] if start is not None else []
        high = [took.format("lt", end)] if end is not None else []
        found.append((number, " ".join([*low, *high])))
    return found
