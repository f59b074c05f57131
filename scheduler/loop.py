"""The loop that makes what runs equal to the records, whatever was missed: a crash, a reboot, a lost message.

Level-triggered: events only make it look sooner. What ended while no events came is seen once they come again.
"""

from __future__ import annotations

import threading
import time

from core.edge import contained
from scheduler.agenda import Agenda
from scheduler.reconciler import Reconciler
from scheduler.runtime import Endings, Runtime
from scheduler.settings import SchedulerSettings

STOP_CHECK_S = 1.0
LISTEN_AGAIN_S = 1.0


class Loop:
    """Looks at everything every `loop_s`, and at single apps as soon as something happens to them."""

    def __init__(self, reconciler: Reconciler, runtime: Runtime, settings: SchedulerSettings, agenda: Agenda) -> None:
        self._reconciler = reconciler
        self._runtime = runtime
        self._settings = settings
        self._agenda = agenda
        self._endings: Endings | None = None
        self._missed = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        threading.Thread(target=self._listen, args=(stop,), name="engine events", daemon=True).start()
        everything_at_s = time.monotonic()  # a clock that is set back must not stop the loop
        while not stop.is_set():
            if self._missed.is_set() or time.monotonic() >= everything_at_s:
                self._missed.clear()
                with contained("network"):  # an engine may come back without its data
                    self._runtime.prepare()
                everything_at_s = time.monotonic() + self._settings.loop_s
                with contained("reconcile"):
                    self._reconciler.everything()
            left_s = everything_at_s - time.monotonic()
            due = self._agenda.wait(max(0.0, min(left_s, STOP_CHECK_S)))
            if due and not stop.is_set():
                with contained("reconcile"):
                    self._reconciler.apps(due)
        if self._endings is not None:
            self._endings.close()

    def _listen(self, stop: threading.Event) -> None:
        """Turn the engine's events into looks; while it is away the loop looks every `loop_s` anyway."""
        while not stop.is_set():
            with contained("engine events"):
                self._endings = self._runtime.endings()
                self._missed.set()
                for app_id in self._endings:
                    self._agenda.add(app_id)
            stop.wait(LISTEN_AGAIN_S)
