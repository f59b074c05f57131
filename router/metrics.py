"""How many requests each app got, how they ended and how long they took: 24 hours in steps of 10 s, in bounded space.

One file an app: its totals since the beginning, then a ring of steps, each in the place that its time gives it. A step
that was never written takes no disk, and one that is a day old is written over. One process adds, any number read.
"""

from __future__ import annotations

import os
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from core import clock
from core.ids import AppId
from router.access_log import Request

STEP_S = 10
STEPS = 24 * 3600 // STEP_S
BOUNDS_MS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000)
"""A request is counted below the first of these that its time does not exceed; beyond the last there is one more."""
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
"""By the first digit of the status; `none`: the client left before there was one."""
_BUCKETS = len(BOUNDS_MS) + 1
_TOTALS = struct.Struct(f"<{len(CLASSES)}Q{_BUCKETS}QQ")
_HEADER_BYTES = 512
_RECORD = struct.Struct(f"<II{len(CLASSES)}I{_BUCKETS}H")
_MOST = (1 << 16) - 1
_UPGRADED = 101


@dataclass(frozen=True)
class Tally:
    """What was counted. `version`: of the newest release that answered (0: none did). `times`: by BOUNDS_MS."""

    version: int = 0
    classes: tuple[int, ...] = (0,) * len(CLASSES)
    times: tuple[int, ...] = (0,) * _BUCKETS

    @property
    def requests(self) -> int:
        return sum(self.classes)

    def percentile(self, share: float) -> float | None:
        """How many milliseconds that share of the requests took at most, evenly spread within a step of BOUNDS_MS."""
        left = sum(self.times) * share
        begin = 0.0
        for count, end in zip(self.times, (*BOUNDS_MS, BOUNDS_MS[-1]), strict=True):
            if count and left <= count:
                return round(begin + (end - begin) * left / count, 1)
            left, begin = left - count, float(end)
        return None

    def __add__(self, other: Tally) -> Tally:
        return Tally(max(self.version, other.version), _sum(self.classes, other.classes), _sum(self.times, other.times))


@dataclass(frozen=True)
class Step:
    """One step of 10 s; `at` is when it began, in seconds since 1970."""

    at: int
    tally: Tally


@dataclass(frozen=True)
class Period:
    """Some minutes until now: in all, by release (the newest first; 0: no release answered), and in equal parts."""

    minutes: int
    whole: Tally
    releases: Mapping[int, Tally]
    points: tuple[Step, ...]

    @property
    def point_s(self) -> int:
        return self.points[1].at - self.points[0].at if len(self.points) > 1 else STEP_S


def tally_of(request: Request, version: int) -> Tally:
    """One request. How long a WebSocket was open is no time that anybody waited, nor is a request that no app got."""
    kind = request.status // 100 - 1 if request.status else len(CLASSES) - 1
    waited = request.instance_id and request.status != _UPGRADED
    bucket = sum(bound < request.service_ms for bound in BOUNDS_MS) if waited else -1
    return Tally(version, _one(len(CLASSES), kind), _one(_BUCKETS, bucket))


class Metrics:
    """The files of all apps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, app_id: str, tally: Tally, now_s: float) -> None:
        """Count `tally` in the step of that moment, and in the totals."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        number = int(now_s) // STEP_S
        file = os.open(self._path(app_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            total = _totals(os.pread(file, _TOTALS.size, 0)) + tally
            os.pwrite(file, _TOTALS.pack(*total.classes, *total.times, total.version), 0)
            place = _HEADER_BYTES + number % STEPS * _RECORD.size
            found, before = _step(os.pread(file, _RECORD.size, place))
            after = before + tally if found == number else tally
            times = (min(count, _MOST) for count in after.times)
            os.pwrite(file, _RECORD.pack(number, after.version, *after.classes, *times), place)
        finally:
            os.close(file)

    def steps(self, app_id: AppId, since_s: float, until_s: float) -> list[Step]:
        """The steps in which there were requests, oldest first."""
        last = int(until_s) // STEP_S
        first = max(int(since_s) // STEP_S, last - STEPS + 1)
        begin, count = first % STEPS, last - first + 1
        found: dict[int, Tally] = {}
        with suppress(FileNotFoundError), open(self._path(app_id), "rb") as file:
            for start, end in ((begin, min(begin + count, STEPS)), (0, begin + count - STEPS)):
                for number, tally in _records(file, start, end):
                    if first <= number <= last and tally.requests:
                        found[number] = tally
        return [Step(number * STEP_S, tally) for number, tally in sorted(found.items())]

    def period(self, app_id: AppId, minutes: int, most_points: int) -> Period:
        """The last `minutes`, as at most so many points."""
        until_s = clock.now().timestamp()
        since_s = until_s - 60 * minutes + STEP_S
        steps = self.steps(app_id, since_s, until_s)
        parts = points(steps, since_s, until_s, most_points)
        return Period(minutes, together(steps), by_release(steps), tuple(parts))

    def total(self, app_id: AppId) -> Tally:
        """All since the app's first request."""
        try:
            with open(self._path(app_id), "rb") as file:
                return _totals(file.read(_TOTALS.size))
        except FileNotFoundError:
            return Tally()

    def forget(self, app_id: AppId) -> None:
        """Remove the app's numbers. Doing it twice is fine."""
        self._path(app_id).unlink(missing_ok=True)

    def _path(self, app_id: str) -> Path:
        return self._folder / f"{app_id}.metrics"


class Tallies:
    """Counts what the listener hears. `version_of` gives the release's number of an instance."""

    def __init__(self, metrics: Metrics, version_of: Callable[[str], int]) -> None:
        self._metrics = metrics
        self._version_of = version_of

    def count(self, requests: Sequence[Request]) -> None:
        by_app: dict[str, Tally] = defaultdict(Tally)
        for request in requests:
            version = self._version_of(request.instance_id) if request.instance_id else 0
            by_app[request.app_id] += tally_of(request, version)
        now_s = clock.now().timestamp()
        for app_id, tally in by_app.items():
            self._metrics.add(app_id, tally, now_s)


def together(steps: Iterable[Step]) -> Tally:
    """The sum of many steps."""
    return sum((step.tally for step in steps), Tally())


def points(steps: Sequence[Step], since_s: float, until_s: float, most: int) -> list[Step]:
    """The time between as at most `most` equal parts, also those without requests; each a multiple of 10 s."""
    first, last = int(since_s) // STEP_S, int(until_s) // STEP_S
    each = -(-(last - first + 1) // most)
    sums: dict[int, Tally] = {number: Tally() for number in range(first, last + 1, each)}
    for step in steps:
        sums[first + (step.at // STEP_S - first) // each * each] += step.tally
    return [Step(number * STEP_S, tally) for number, tally in sums.items()]


def by_release(steps: Iterable[Step]) -> dict[int, Tally]:
    """The sum of each release's steps, the newest release first. A step of a switch is the newer one's."""
    found: dict[int, Tally] = defaultdict(Tally)
    for step in steps:
        found[step.tally.version] += step.tally
    return dict(sorted(found.items(), reverse=True))


def _records(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, Tally]]:
    """The steps in the places from `start` to before `end`."""
    file.seek(_HEADER_BYTES + start * _RECORD.size)
    data = file.read(max(end - start, 0) * _RECORD.size)
    for place in range(0, len(data), _RECORD.size):
        yield _step(data[place : place + _RECORD.size])


def _step(data: bytes) -> tuple[int, Tally]:
    if len(data) < _RECORD.size:
        return -1, Tally()
    number, version, *counts = _RECORD.unpack(data)
    return number, Tally(version, tuple(counts[: len(CLASSES)]), tuple(counts[len(CLASSES) :]))


def _totals(data: bytes) -> Tally:
    if len(data) < _TOTALS.size:
        return Tally()
    *counts, version = _TOTALS.unpack(data)
    return replace(Tally(version), classes=tuple(counts[: len(CLASSES)]), times=tuple(counts[len(CLASSES) :]))


def _one(length: int, place: int) -> tuple[int, ...]:
    return tuple(int(number == place) for number in range(length))


def _sum(some: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(some, more, strict=True)))
