"""From the answers of running instances to what is done about them; pure.

An instance whose readiness check fails leaves the route and comes back with the first good answer; one whose liveness
check fails is replaced. One failed answer decides nothing, and the route is never emptied by answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from scheduler.backoff import backoff_s
from scheduler.checks import CheckKind, HealthCheck
from scheduler.settings import SchedulerSettings
from scheduler.tables import InstanceRow


@dataclass(frozen=True)
class Tally:
    """What one check has found in one instance: `failures` in a row, the first at `since`. `asking`: just now."""

    next_at: datetime
    failures: int = 0
    since: datetime | None = None
    passed: bool = False
    words: str = ""
    asking: bool = False


@dataclass(frozen=True)
class Hung:
    """A liveness check fails, the first time at `since`; `words` say how."""

    since: datetime
    words: str


@dataclass(frozen=True)
class Judged:
    """Instances by id. `unready`: a readiness check fails, and how; `ready`: all of them have just passed."""

    unready: Mapping[str, str] = field(default_factory=dict)
    ready: frozenset[str] = frozenset()
    hung: Mapping[str, Hung] = field(default_factory=dict)


NOTHING = Judged()


def first(check: HealthCheck, running_at: datetime) -> Tally:
    """Before the first question."""
    return Tally(running_at + timedelta(seconds=check.initial_delay_s))


def answered(tally: Tally, check: HealthCheck, passed: bool, words: str, now: datetime) -> Tally:
    """With one more answer; the next question comes `wait_s` later."""
    next_at = now + timedelta(seconds=check.wait_s)
    if passed:
        return Tally(next_at, passed=True)
    return Tally(next_at, tally.failures + 1, tally.since or now, words=words)


def unanswered(tally: Tally, check: HealthCheck, now: datetime) -> Tally:
    """The instance could not be asked, which says nothing about it: it is asked again."""
    return replace(tally, next_at=now + timedelta(seconds=check.wait_s), asking=False)


def asked(tally: Tally) -> Tally:
    return replace(tally, asking=True)


def fails(tally: Tally, check: HealthCheck) -> bool:
    return tally.failures >= check.failures_allowed


def verdict(tallies: Mapping[str, Sequence[tuple[HealthCheck, Tally]]]) -> Judged:
    """What the tallies of an app's instances come to, by instance id."""
    unready: dict[str, str] = {}
    ready: set[str] = set()
    hung: dict[str, Hung] = {}
    for instance_id, pairs in tallies.items():
        readiness = [pair for pair in pairs if pair[0].kind is CheckKind.READINESS]
        failing = [tally for check, tally in pairs if fails(tally, check) and check.kind is CheckKind.LIVENESS]
        if failing and failing[0].since is not None:
            hung[instance_id] = Hung(failing[0].since, failing[0].words)
        late = [tally for check, tally in readiness if fails(tally, check)]
        if late or failing:
            unready[instance_id] = (late or failing)[0].words
        elif all(tally.passed for _, tally in readiness):
            ready.add(instance_id)
    return Judged(unready, frozenset(ready), hung)


def routing(serving: Iterable[InstanceRow], judged: Judged) -> tuple[list[InstanceRow], list[InstanceRow]]:
    """(out of the route, back into it) among the web instances that serve. While none is ready, the route stays."""
    rows = list(serving)
    back = [row for row in rows if row.unready and row.id in judged.ready]
    stay = [row for row in rows if not row.unready and row.id not in judged.unready]
    out = [row for row in rows if not row.unready and row.id in judged.unready]
    return (out if stay or back else []), back


def failures_of(row: InstanceRow, hung: Hung, settings: SchedulerSettings) -> int:
    """The failures in a row of its place, with this one; 0 after a steady run, as for a crash."""
    steady = row.running_at is not None and hung.since - row.running_at >= timedelta(seconds=settings.steady_s)
    return 0 if steady else row.failures + 1


def is_due(row: InstanceRow, hung: Hung, now: datetime, settings: SchedulerSettings) -> bool:
    """Whether it is to be replaced now: one that hangs soon after its start waits as long as after a crash."""
    wait_s = backoff_s(failures_of(row, hung, settings), settings)
    return now >= hung.since + timedelta(seconds=wait_s)


def to_renew(
    rows: Iterable[InstanceRow], judged: Judged, now: datetime, settings: SchedulerSettings
) -> Iterator[tuple[InstanceRow, int, str]]:
    """Those to be replaced, with the failures of their place and the reason."""
    for row in rows:
        hung = judged.hung.get(row.id)
        if hung is not None and not row.replace and is_due(row, hung, now, settings):
            yield row, failures_of(row, hung, settings), f"liveness check failed: {hung.words}"
