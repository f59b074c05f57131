"""One-off containers: a command run to its end in the image and config of a release (the release phase)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from core.database import Database
from core.errors import DeadlineExceeded, UserError
from core.ids import new_id
from core.leases import Lease
from core.logs import LogWriter
from router import Router
from scheduler import addresses, records
from scheduler.gate import Stopped, runs_of
from scheduler.launcher import Launcher
from scheduler.records import Slot
from scheduler.rollout import Rollouts
from scheduler.runtime import Container, OutputLine, Runtime
from scheduler.settings import SchedulerSettings
from scheduler.tables import InstanceRow
from scheduler.types import RunSpec
from scheduler.volumes import Volumes

POLL_S = 0.1
_LAST_OUTPUT_S = 5.0


@dataclass(frozen=True)
class OneOffs:
    """Runs them. Each has an instance record of a rollout of its own, so a dead worker's is reaped like any other."""

    database: Database
    router: Router
    runtime: Runtime
    settings: SchedulerSettings
    launcher: Launcher
    rollouts: Rollouts
    volumes: Volumes

    def run(
        self, spec: RunSpec, name: str, command: str, lease: Lease, log: LogWriter, stopped: Stopped, timeout_s: float
    ) -> int:
        """Run `command` with its output in `log`; its exit code. DeadlineExceeded, or what `stopped` gives."""
        self.rollouts.remove_unfinished(spec.app_id, lease)
        spec = self.volumes.mounted(spec)
        self.volumes.provide(spec, log)
        row = self._record(spec, name, lease)
        try:
            container_id = self.launcher.launch(spec, row, command, stopped, runs_of(spec.app_id))
            output = _Output(self.runtime, container_id, log)
            output.start()
            ended = self._await_end(container_id, name, stopped, timeout_s)
            output.finish()
        finally:
            self.rollouts.discard(spec.app_id, row.rollout)
        if ended.out_of_memory:
            log.problem(f"It used more than its {self.settings.memory_mb} MB of memory and was killed.")
        return ended.exit_code or 0

    def _record(self, spec: RunSpec, name: str, lease: Lease) -> InstanceRow:
        listed = addresses.listed_by(self.router)
        with self.database.write() as session:
            lease.hold_in(session)
            slots = [Slot(name, 1)]
            [row] = records.add_instances(session, spec, new_id(), lease.fence, slots, self.settings, listed)
            return row

    def _await_end(self, container_id: str, name: str, stopped: Stopped, timeout_s: float) -> Container:
        end = time.monotonic() + timeout_s
        pause = threading.Event()
        while True:
            found = self.runtime.look(container_id)
            if found is None:
                raise UserError(f"The container of {name} was removed while it ran.", "Try again.")
            if found.ended:
                return found
            reason = stopped()
            if reason is not None:
                raise reason
            if time.monotonic() > end:
                raise DeadlineExceeded(f"{name} ran for longer than {timeout_s:.0f} s")
            pause.wait(POLL_S)


class _Output(threading.Thread):
    """Copies what a container writes into a log, as it comes."""

    def __init__(self, runtime: Runtime, container_id: str, log: LogWriter) -> None:
        super().__init__(name=f"output of {container_id[:12]}", daemon=True)
        self._runtime = runtime
        self._container_id = container_id
        self._log = log
        self._stream = runtime.output(container_id, None, follow=True)
        self._last: OutputLine | None = None

    def run(self) -> None:
        self._copy(self._stream)

    def finish(self) -> None:
        """Once the container has ended: the rest of it. A followed stream may end before the engine's last lines."""
        self.join(_LAST_OUTPUT_S)
        self._stream.close()
        self.join(_LAST_OUTPUT_S)
        self._copy(self._runtime.output(self._container_id, None, self._last))

    def _copy(self, lines: Iterable[OutputLine]) -> None:
        for line in lines:
            self._last = line
            self._log.detail(line.text)
