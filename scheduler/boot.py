"""Starting instances and waiting until every one is healthy, all at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from core import clock, timing
from core.errors import Cancelled
from core.logs import LogWriter
from core.reports import Report
from scheduler import explainer, health, records
from scheduler.gate import Stopped
from scheduler.health import Check, Verdict
from scheduler.launcher import Launcher
from scheduler.problems import failed
from scheduler.runtime import Runtime, StartFailed
from scheduler.settings import SchedulerSettings
from scheduler.sizes import limits_for
from scheduler.tables import InstanceRow
from scheduler.types import BootFailed, RunSpec

SHORTEST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1
COMMAND_PAUSE_S = 0.1
OVERSHOOT = 0.05
"""An instance is asked so often that it is found ready at most this part later than it was."""
LOOK_EVERY_S = 0.2
ASK_EVERY_S = 0.1
SHOWN_LINES = 20
_MOST_THREADS = 32
_MOST_NAMED = 10


@dataclass(frozen=True)
class Boot:
    """Boots instances of `spec`; one that has a container already is woken.

    `host` is the name that health checks ask for.
    """

    launcher: Launcher
    runtime: Runtime
    settings: SchedulerSettings
    spec: RunSpec
    host: str
    log: LogWriter

    def run(self, rows: Sequence[InstanceRow], stopped: Stopped) -> None:
        """Return when all are healthy. Raises BootFailed for the first that is not, or what `stopped` gives."""
        if not rows:
            return
        halt = threading.Event()
        with ThreadPoolExecutor(min(len(rows), _MOST_THREADS), thread_name_prefix="boot") as pool:
            jobs = [pool.submit(timing.carried(self._boot_one), row, halt) for row in rows]
            try:
                _watch(jobs, stopped)
            finally:
                halt.set()

    def _boot_one(self, row: InstanceRow, halt: threading.Event) -> None:
        if halt.is_set():
            raise Cancelled
        begun, frozen = time.monotonic(), row.container_id
        with timing.step("start"):
            container_id = self._launch(row, halt) if frozen is None else self._wake(frozen)
        with timing.step("health"):
            self._await_healthy(row, container_id, halt, self._patience_s(row, is_woken=frozen is not None))
        if row.number <= _MOST_NAMED:
            state = "up" if frozen is None else "awake"
            self.log.detail(f"{records.process_of(row)} is {state} after {time.monotonic() - begun:.1f} s")

    def _launch(self, row: InstanceRow, halt: threading.Event) -> str:
        try:
            command = self.spec.command_of(row.process_type)
            return self.launcher.launch(self.spec, row, command, lambda: Cancelled() if halt.is_set() else None)
        except StartFailed as error:
            raise BootFailed(Report(error.message, todo=error.hint)) from error

    def _wake(self, container_id: str) -> str:
        self.runtime.resume(container_id)
        return container_id

    def _patience_s(self, row: InstanceRow, is_woken: bool) -> float:
        """How long it may take to become healthy. What has served before and was woken answers at once, or never."""
        wanted_s = health.patience_s(self.spec, row.process_type, self.settings)
        return min(wanted_s, self.settings.wake_s) if is_woken else wanted_s

    def _await_healthy(self, row: InstanceRow, container_id: str, halt: threading.Event, timeout_s: float) -> None:
        checks = health.boot_checks(self.spec, row.process_type, row.address, self.host, self.settings)
        started_at, began = clock.now(), time.monotonic()
        look_at = began + LOOK_EVERY_S / 2
        run = partial(self.runtime.execute, container_id)
        for check in checks:
            while not (verdict := health.probe(check, started_at, clock.now(), run)).ready:
                if check.warn:
                    self.log.detail(f"{records.process_of(row)}: {health.in_words(check, verdict)} (this only warns)")
                    break
                moment = time.monotonic()
                if moment >= look_at:
                    self._raise_if_ended(row, container_id)
                    look_at = moment + LOOK_EVERY_S
                if moment - began > timeout_s:
                    raise self._unhealthy(row, container_id, check, verdict, timeout_s)
                if halt.wait(_pause_s(check, moment - began)):
                    raise Cancelled
        self._raise_if_ended(row, container_id)

    def _raise_if_ended(self, row: InstanceRow, container_id: str) -> None:
        """Also the proof that what answered is the container that we started."""
        found = self.runtime.look(container_id)
        if found is not None and found.running and found.address == row.address:
            return
        lines = self._show_output(row, container_id)
        memory_mb = limits_for(self.spec.sizes, row.process_type, self.settings).memory_mb
        raise failed(explainer.why_ended(records.process_of(row), found, lines, memory_mb))

    def _unhealthy(
        self, row: InstanceRow, container_id: str, check: Check, verdict: Verdict, timeout_s: float
    ) -> BootFailed:
        self._show_output(row, container_id)
        sockets = self.runtime.listening(container_id)
        return failed(explainer.why_unhealthy(records.process_of(row), check, verdict, sockets, timeout_s))

    def _show_output(self, row: InstanceRow, container_id: str) -> list[str]:
        lines = [line.text for line in self.runtime.output(container_id, SHOWN_LINES)]
        process = records.process_of(row)
        self.log.detail(f"The last lines of {process}:" if lines else f"{process} wrote nothing.")
        for line in lines:
            self.log.detail(f"  {line}")
        return lines


def _pause_s(check: Check, waited_s: float) -> float:
    """Until the next question: a command costs the host more than a connection."""
    shortest_s = COMMAND_PAUSE_S if check.command else SHORTEST_PAUSE_S
    return min(max(shortest_s, OVERSHOOT * waited_s), LONGEST_PAUSE_S)


def _watch(jobs: Sequence[Future[None]], stopped: Stopped) -> None:
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=ASK_EVERY_S, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        reason = stopped()
        if reason is not None:
            raise reason
