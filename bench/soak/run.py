"""One soak, from a platform of its own to its table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bench.bed import Bed, must
from bench.load import Load, Target
from bench.soak.course import Course
from bench.soak.meters import Meters, Reading
from bench.soak.talk import Talk
from bench.soak.verdict import Verdict, judge
from tests.background import eventually

SETTINGS: dict[str, object] = {
    "SCHEDULER_DRAIN_S": 5, "SCHEDULER_GRACE_S": 5, "SCHEDULER_KEPT_S": 20, "SCHEDULER_LOOP_S": 2, "RELEASES_KEEP": 5,
}  # fmt: skip
"""What makes bounds be reached in minutes; all else is as in production."""
APPS = 2
SETTLE_S = 120.0
_LOOK_EVERY_S = 3.0


@dataclass(frozen=True)
class Outcome:
    """`failures`: requests, and words over the WebSocket, by what went wrong."""

    done: Counter[str]
    spent_s: float
    sent: int
    words: int
    slowest_s: float
    failures: Counter[str]
    verdicts: tuple[Verdict, ...]

    @property
    def is_well(self) -> bool:
        return not self.failures and all(verdict.is_well for verdict in self.verdicts)


def soak(minutes: float, per_s: int, say: Callable[[str], None]) -> Outcome:
    """Start a platform with two apps, change one for so long under load, and judge what is left."""
    bed = Bed(**SETTINGS)
    try:
        bed.start()
        return _soak(bed, minutes, per_s, say)
    finally:
        bed.end()


def _soak(bed: Bed, minutes: float, per_s: int, say: Callable[[str], None]) -> Outcome:
    changing, still = bed.app("steady"), bed.app("steady")
    must(still.push())
    must(changing.push())
    course, meters = Course(bed, changing), Meters(bed)
    course.round()  # what is made once and stays is there now: a frozen release, caches, pools
    course.done.clear()
    before = _at_rest(bed, meters)
    readings: list[tuple[float, Reading]] = []
    say("changes begin")
    port, begun = bed.platform.http, time.monotonic()

    def look() -> None:
        readings.append((time.monotonic() - begun, meters.read()))
        say(f"{readings[-1][0]:5.0f} s: {told(course.done)}")

    load = Load(Target(port, changing.host), per_s, processes=2, clients=10)
    with Talk(Target(port, still.host)) as talk, load:
        course.run(minutes * 60, look)
        spent_s = time.monotonic() - begun
    say("changes are over")
    changes = sum(course.done.values())
    verdicts = _settled(bed, meters, lambda after: judge(before, after, readings, changes))
    failures = load.tally.failures + talk.failures
    return Outcome(course.done, spent_s, load.tally.sent, talk.said, load.tally.slowest_s, failures, verdicts)


def _at_rest(bed: Bed, meters: Meters) -> Reading:
    """A reading once nothing drains any more, and what can be cleaned is."""
    must(bed.platform.server("gc"))
    eventually(lambda: meters.router()["router servers"] == APPS, "each app has one instance that is routed", SETTLE_S)
    return meters.read()


def _settled(bed: Bed, meters: Meters, judged: Callable[[Reading], tuple[Verdict, ...]]) -> tuple[Verdict, ...]:
    """The verdicts on the first reading at which all is well; when that never comes, on the last."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        must(bed.platform.server("gc"))  # while a deploy still has its line, it leaves the registry alone
        verdicts = judged(meters.read())
        if all(one.is_well for one in verdicts) or time.monotonic() > deadline:
            return verdicts
        time.sleep(_LOOK_EVERY_S)


def told(done: Counter[str]) -> str:
    """`3 deploys, 6 scalings`"""
    return ", ".join(f"{count} {what}" for what, count in done.items())
