"""Asks running instances their readiness and liveness checks, in threads of its own, so that no turn waits for one.

What it remembers is its own: another process, or the next, counts anew. Only what is decided upon it is recorded.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from core import clock
from core.edge import contained
from core.ids import AppId
from scheduler import health, judging, records
from scheduler.checks import CheckKind, HealthCheck
from scheduler.health import Check
from scheduler.judging import Judged, Tally
from scheduler.records import AppRecord
from scheduler.runtime import Container, Runtime
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.tables import InstanceRow
from scheduler.types import WEB, RunSpec

log = logging.getLogger("portside.scheduler")

_THREADS = 8
Key = tuple[str, HealthCheck]
"""An instance and one of its checks."""


class Vigil:
    """Remembers what the checks of running instances found. `look_at` has the loop look at an app at a moment."""

    def __init__(
        self, runtime: Runtime, settings: SchedulerSettings, look_at: Callable[[AppId, datetime], None]
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._look_at = look_at
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="checks")
        self._tallies: dict[AppId, dict[Key, Tally]] = defaultdict(dict)
        self._lock = threading.Lock()

    def look(self, app: AppRecord, spec: RunSpec, host: str, containers: Mapping[str, Container]) -> Judged:
        """What is known of the app's running instances; begins to ask where that is due, and waits for no answer."""
        now, due = clock.now(), []
        wanted = {(row.id, check): row for row in _running(app, containers) for check in watched(spec, row)}
        with self._lock:
            known = self._tallies[app.app_id]
            tallies = {
                key: known.get(key) or judging.first(key[1], row.running_at or now) for key, row in wanted.items()
            }
            for key, row in wanted.items():
                if not tallies[key].asking and tallies[key].next_at <= now:
                    tallies[key] = judging.asked(tallies[key])
                    due.append((key, row))
            self._tallies[app.app_id] = tallies
        for key, row in due:
            check = health.check_of(spec, key[1], row.process_type, row.address, host, self._settings)
            self._pool.submit(self._ask, app.app_id, key, check, row, containers[row.id].id)
        waiting = [tally.next_at for tally in tallies.values() if not tally.asking]
        if waiting:
            self._look_at(app.app_id, min(waiting))
        return _judged(tallies)

    def forget(self, app_id: AppId) -> None:
        """The app has nothing to be asked (any more)."""
        with self._lock:
            self._tallies.pop(app_id, None)

    def _ask(self, app_id: AppId, key: Key, check: Check, row: InstanceRow, container_id: str) -> None:
        passed: bool | None = None  # whoever can't be asked has not failed: the engine may be away
        words = ""
        with contained(f"check of {records.process_of(row)}"):
            run = partial(self._runtime.execute, container_id)
            verdict = health.probe(check, row.started_at or row.created_at, clock.now(), run)
            passed, words = verdict.ready, "" if verdict.ready else health.in_words(check, verdict)
        with self._lock:
            tallies = self._tallies.get(app_id, {})
            before = tallies.get(key)
            if before is None:
                return  # it has ended meanwhile
            now = clock.now()
            after = judging.unanswered(before, key[1], now)
            if passed is not None:
                after = judging.answered(before, key[1], passed, words, now)
            tallies[key] = after
        if judging.fails(after, key[1]) and after.failures == key[1].failures_allowed:
            process, kind = records.process_of(row), key[1].kind
            log.warning("%s of app %s fails its %s check: %s", process, app_id, kind, words)
        changed = after.passed != before.passed or judging.fails(after, key[1]) != judging.fails(before, key[1])
        self._look_at(app_id, clock.now() if changed else after.next_at)


def watched(spec: RunSpec, row: InstanceRow) -> list[HealthCheck]:
    """The checks that a running instance is asked: readiness only where there is a route."""
    kinds = {CheckKind.LIVENESS, CheckKind.READINESS} if row.process_type == WEB else {CheckKind.LIVENESS}
    return [check for check in spec.checks_of(row.process_type) if check.kind in kinds]


def _running(app: AppRecord, containers: Mapping[str, Container]) -> list[InstanceRow]:
    """Those that the engine shows at their own address."""
    rows = (row for row in app.instances if row.rollout == app.rollout and row.state == InstanceState.RUNNING)
    return [
        row
        for row in rows
        if (one := containers.get(row.id)) is not None and one.running and not one.paused and one.address == row.address
    ]


def _judged(tallies: Mapping[Key, Tally]) -> Judged:
    """Checks that only warn decide nothing."""
    by_instance: dict[str, list[tuple[HealthCheck, Tally]]] = defaultdict(list)
    for (instance_id, check), tally in tallies.items():
        if not check.warn:
            by_instance[instance_id].append((check, tally))
    return judging.verdict(by_instance)
