"""Requests that fail while things change, at 500 requests a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import docker
from docker.models.containers import Container

from bench.bed import PATIENCE_S, Bed, BenchApp, must
from bench.figures import Row
from bench.load import Load, Tally, Target
from scheduler import SchedulerSettings
from tests.background import eventually
from tests.traces import LABEL

PER_S = 500
_QUIET_S = 2.0


@dataclass(frozen=True)
class Extent:
    """How often each thing is done to the app; an instance is killed when it has run for `kept_s`."""

    deploys: int
    rollbacks: int
    scales: tuple[int, ...]
    kills: int
    kept_s: float


BRIEF = Extent(5, 5, (3, 1, 2), 3, 0.0)
FULL = Extent(50, 50, (3, 1) * 10, 20, SchedulerSettings().steady_s + 1)
"""With --full, as the platform promises it: a quarter of an hour."""


def extent_of(bed: Bed) -> Extent:
    return FULL if bed.is_full else BRIEF


def during_changes(bed: Bed) -> Row:
    """Requests failed during deploys, rollbacks and scalings of one app, one after the other.

    The app answers after 100 ms and exits on SIGTERM at once. Failed: a broken connection, an answer other than 200,
    or over 10 s; GET and POST, kept-alive and new connections, from 4 processes. From before the first change until
    2 s after the last.
    """
    app, extent = _live_app(bed), extent_of(bed)
    what = f"{extent.deploys} deploys, {extent.rollbacks} rollbacks, {len(extent.scales)} scalings"
    return _under_load(bed, app, what, _change)


def during_kills(bed: Bed) -> Row:
    """Requests failed while one of two instances is killed by the engine (`docker kill`), time after time; same load.

    The one that has run longest is killed. With --full only once it is steady: what dies sooner time after time is
    taken for a crash loop, and started ever later. From before the first kill until two instances run again after the
    last. The app has `--retry-posts`. What an app without it loses in a few kills, the POSTs without an
    `Idempotency-Key` that are on the killed instance, is told beside it (decision 8).
    """
    kills = extent_of(bed).kills
    found = _killed(bed, f"one of two instances killed, {kills} times", kills, "--retry-posts")
    usual = _killed(bed, "as it is by default", BRIEF.kills)
    told = f"without --retry-posts, {BRIEF.kills} kills: {usual.measured}{usual.note and f' ({usual.note})'}"
    kept = {**found.kept, **{f"by_default_{name}": values for name, values in usual.kept.items()}}
    return replace(found, note="; ".join(filter(None, (found.note, told))), kept=kept)


def _killed(bed: Bed, what: str, kills: int, *options: str) -> Row:
    """The row of an app of its own, with these options of `proxy:set`."""
    app = _live_app(bed)
    if options:
        must(app.cli("proxy:set", *options))
    must(app.cli("ps:scale", "web=2"))
    _until_there_are(2, bed, app)
    return _under_load(bed, app, what, partial(_kill, kills))


def _live_app(bed: Bed) -> BenchApp:
    app = bed.app("hundred_ms")
    must(app.push())
    return app


def _under_load(bed: Bed, app: BenchApp, what: str, changes: Callable[[Bed, BenchApp], None]) -> Row:
    begun = time.monotonic()
    with Load(Target(bed.platform.http, app.host), PER_S, processes=4, clients=40) as load:
        time.sleep(_QUIET_S)
        changes(bed, app)
        time.sleep(_QUIET_S)
    spent_s = time.monotonic() - begun
    app.destroy()
    return row(f"requests failed: {what}", load.tally, spent_s)


def row(what: str, tally: Tally, spent_s: float) -> Row:
    """The tally of a load as a row of the table."""
    rate = tally.sent / spent_s
    short = "" if rate >= 0.97 * PER_S else f", of {PER_S} wanted: clients waited for answers or for the processor"
    measured = f"{tally.failed} of {tally.sent:,} failed; slowest {tally.slowest_s:.2f} s"
    kinds = "; ".join(f"{count} {kind}" for kind, count in tally.failures.most_common())
    kept: dict[str, Sequence[float]] = {
        "sent": [tally.sent], "failed": [tally.failed], "slowest_s": [tally.slowest_s], "per_s": [rate]
    }  # fmt: skip
    return Row(what, measured, f"{rate:.0f} requests/s{short}", tally.failed, 0, "failed", kinds, kept)


def _change(bed: Bed, app: BenchApp) -> None:
    extent = extent_of(bed)
    for _ in range(extent.deploys):
        app.change()
        must(app.push())
    for _ in range(extent.rollbacks):
        must(app.cli("rollback"))
    for quantity in extent.scales:
        must(app.cli("ps:scale", f"web={quantity}"))
        _until_there_are(quantity, bed, app)


def _kill(kills: int, bed: Bed, app: BenchApp) -> None:
    engine, kept_s = docker.from_env(), extent_of(bed).kept_s
    try:
        for _ in range(kills):
            before = _instances(bed, app)
            oldest = min((engine.containers.get(each) for each in before), key=_started_at)
            time.sleep(max(0.0, _started_at(oldest) + kept_s - time.time()))
            oldest.kill()
            _until_one_is_new(before, bed, app)
            time.sleep(_QUIET_S)
    finally:
        engine.close()


def _started_at(container: Container) -> float:
    """In seconds since the epoch."""
    return datetime.fromisoformat(container.attrs["State"]["StartedAt"]).timestamp()


def _until_there_are(quantity: int, bed: Bed, app: BenchApp) -> None:
    eventually(lambda: len(_instances(bed, app)) == quantity, f"{quantity} instances", PATIENCE_S)


def _until_one_is_new(before: set[str], bed: Bed, app: BenchApp) -> None:
    def is_replaced() -> bool:
        now = _instances(bed, app)
        return len(now) == len(before) and now != before

    eventually(is_replaced, "a new instance", PATIENCE_S)


def _instances(bed: Bed, app: BenchApp) -> set[str]:
    """The ids of the app's running containers, frozen ones aside."""
    engine = docker.from_env()
    try:
        filters = {"label": f"{LABEL}={bed.platform.name}", "status": "running"}
        running = engine.containers.list(ignore_removed=True, filters=filters)
        return {str(one.id) for one in running if str(one.name).startswith(f"{app.name}.")}
    finally:
        engine.close()
