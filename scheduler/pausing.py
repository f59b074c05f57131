"""What rests while a release phase runs, if the app asks for it: old instances of some types, and the app's requests.

Nothing has to be undone after a crash. The types are held as singletons are (see `handover`): with the lease of a dead
worker its hold is over, and the loop starts them again. Requests are held until a moment that the router knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core import clock
from core.edge import contained
from core.errors import LeaseLost, Unavailable
from core.ids import AppId
from core.leases import Lease
from core.logs import LogWriter
from router import Router
from scheduler.gate import Stopped
from scheduler.handover import Handover
from scheduler.types import Pause


@dataclass(frozen=True)
class Pausing:
    """The caller holds the app's line."""

    router: Router
    handover: Handover

    @contextmanager
    def paused(self, app_id: AppId, pause: Pause, lease: Lease, log: LogWriter, stopped: Stopped) -> Iterator[None]:
        """For the block. A switch in it ends the pause; so does an error. Unavailable, what `stopped` gives."""
        try:
            if pause.stop:
                why = "they are not to run beside the release phase"
                self.handover.clear(app_id, "", pause.stop, why, lease, log, stopped)
            if pause.hold_s:
                self._hold(app_id, pause.hold_s, log)
            yield
        except LeaseLost:
            raise
        except BaseException:
            self._end(app_id, pause, lease)
            raise

    def _hold(self, app_id: AppId, hold_s: float, log: LogWriter) -> None:
        began = clock.now()
        try:
            until = self.router.hold(app_id, clock.after(hold_s, began))
        except Unavailable as error:
            log.problem(f"Requests are not held: {error.message}")
            return
        held_s = (until - began).total_seconds()
        limit = f", this server's limit ({hold_s:.0f} s were asked for)" if held_s < hold_s - 1 else ""
        log.step(f"Holding requests until the new release serves, for {held_s:.0f} s at most{limit}")

    def _end(self, app_id: AppId, pause: Pause, lease: Lease) -> None:
        with contained(f"ending the pause of app {app_id}"):
            if pause.hold_s:
                self.router.release(app_id)
            if pause.stop:
                self.handover.give_back(app_id, lease)
