"""An attached run from its client's ticket to its exit code: what the gateway asks of the records and the runtime."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import update

from core import clock
from core.errors import PortsideError, UserError
from core.secrets import fingerprint, same
from scheduler.run_records import check_terminal
from scheduler.runs import Runs
from scheduler.runtime import Attachment, Container, ContainerOrder, Terminal
from scheduler.states import RunState
from scheduler.tables import RunRow

_STOPPED = "The run was stopped before it began."
_LOOK_FIRST_S = 0.02
_LOOK_MOST_S = 0.5


@dataclass(frozen=True)
class Attending:
    """Carries attached runs; every method blocks for as long as database and engine take."""

    runs: Runs

    def admit(self, ticket: str) -> RunRow | None:
        """The run that `ticket` opens, ours to start from now on; None for one that is unknown, used or too old."""
        run_id, _, secret = ticket.partition(".")
        with self.runs.database.read() as session:
            row = session.get(RunRow, run_id)
        if row is None or not row.secret_digest or not same(fingerprint(secret), row.secret_digest):
            return None
        if row.state != RunState.WAITING or clock.now() > row.open_until:
            return None
        return row if self.runs.claim(row) else None

    def begin(self, row: RunRow) -> Attachment:
        """Start its container, attached. Raises what says why it could not be started, which is recorded."""
        opened: list[Attachment] = []

        def start(order: ContainerOrder) -> None:
            opened.append(self.runs.runtime.open(order))

        try:
            with self.runs.turn(row):
                self._raise_if_stopped(row)
                self.runs.with_address(row, start)
        except PortsideError as error:
            self.runs.fail(row.id, error.message)
            raise
        [attachment] = opened
        if not self.runs.started(row, attachment.container_id):
            attachment.close()
            raise UserError(_STOPPED)
        return attachment

    def _raise_if_stopped(self, row: RunRow) -> None:
        """It may have waited long for its turn."""
        with self.runs.database.read() as session:
            now = session.get(RunRow, row.id)
        if now is None or now.state != RunState.STARTING:
            raise UserError(_STOPPED)

    def beat(self, row: RunRow) -> None:
        """Tell the loop that this run is still carried."""
        seen_until = clock.after(self.runs.settings.run_seen_s)
        with self.runs.database.write() as session:
            session.execute(update(RunRow).where(RunRow.id == row.id).values(seen_until=seen_until))

    def resize(self, container_id: str, terminal: Terminal) -> None:
        with suppress(UserError):  # a size that no terminal has changes nothing
            check_terminal((terminal.columns, terminal.lines))
            self.runs.runtime.resize(container_id, terminal)

    def signal(self, container_id: str, name: str) -> None:
        self.runs.runtime.signal(container_id, name)

    def finish(self, row: RunRow, container_id: str, gone: threading.Event) -> tuple[int, str]:
        """Wait until it has ended, record that, and remove it: its exit code, and why it was ended if it was.

        Gives up as soon as `gone` is set; the loop then records the end.
        """
        found = self._ended(container_id, gone)
        if found is not None or not gone.is_set():
            self.runs.end(row.id, found)
        with self.runs.database.read() as session:
            recorded = session.get(RunRow, row.id)
        code = recorded.exit_code if recorded is not None else None
        return (1 if code is None else code), (recorded.reason if recorded is not None else "")

    def abandon(self, row: RunRow, reason: str) -> None:
        """End a run whose client is gone, or that was silent for too long."""
        self.runs.halt(row.id, reason)

    def _ended(self, container_id: str, gone: threading.Event) -> Container | None:
        pause_s = _LOOK_FIRST_S
        while True:
            found = self.runs.runtime.look(container_id)
            if found is None or found.ended:
                return found
            if gone.wait(pause_s):
                return None
            pause_s = min(2 * pause_s, _LOOK_MOST_S)
