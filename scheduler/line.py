"""A change of an app's instances that was asked for, carried out in the app's line; what a dead worker leaves, the next
begins again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import record_bug
from core.errors import DeadlineExceeded, LeaseLost, PortsideError
from core.ids import AppId
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter
from core.states import LostRace
from scheduler.states import CHANGE, ChangeState
from scheduler.tables import FormationChangeRow, StorageChangeRow
from scheduler.types import line_of

LOOK_AGAIN_S = 0.1
KEPT = 20
"""How many decided changes of an app are remembered, of each kind."""

ChangeTable = type[StorageChangeRow] | type[FormationChangeRow]


class Change(Protocol):
    """What was asked for."""

    @property
    def id(self) -> str: ...
    @property
    def app_id(self) -> AppId: ...
    @property
    def log_id(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def is_decided(self) -> bool: ...


C = TypeVar("C", bound=Change)


@dataclass(frozen=True)
class ChangeLine(Generic[C]):
    """Takes changes of one kind through the line. `carry_out` does one and records it as done, or raises; `kept` is
    what to say then."""

    database: Database
    leases: Leases
    logs: LogStreams
    timeout_s: float
    table: ChangeTable
    kept: str
    find: Callable[[str], C | None]
    carry_out: Callable[[C, Lease, LogWriter], None]

    def apply(self, change_id: str) -> None:
        """Returns when the change is decided, or another worker's."""
        change = self.find(change_id)
        if change is None or change.is_decided:
            return
        log = self.logs.writer(change.log_id)
        try:
            with self._turn(change) as lease:
                if lease is not None:
                    self._try(change, lease, log)
        except (LeaseLost, LostRace):
            return
        except DeadlineExceeded as error:  # its turn never came
            self._fail(change, error, log, None)
        log.close()

    def close_left_open(self) -> None:
        """Close the logs of decided changes whose worker died before it did."""
        self.logs.close_left_open(self.table.log_id, self.table.decided_at)

    @contextmanager
    def _turn(self, change: C) -> Iterator[Lease | None]:
        """Hold the app's line for the block; None when the change is decided by then. DeadlineExceeded."""
        end = time.monotonic() + self.timeout_s
        line = line_of(change.app_id)
        while self._is_pending(change):
            if not self.leases.is_held(line):
                with self.leases.held(line) as lease:
                    if lease is not None:
                        yield lease if self._is_pending(change) else None
                        return
            if time.monotonic() > end:
                raise DeadlineExceeded(f"{change.description} waited too long for the app's deploys to end")
            time.sleep(LOOK_AGAIN_S)
        yield None

    def _is_pending(self, change: C) -> bool:
        found = self.find(change.id)
        return found is not None and not found.is_decided

    def _try(self, change: C, lease: Lease, log: LogWriter) -> None:
        try:
            log.step(change.description)
            self.carry_out(change, lease, log)
        except LeaseLost:
            raise
        except PortsideError as error:
            self._fail(change, error, log, lease)
        except Exception as error:  # a bug ends this change, not the worker
            self._fail(change, record_bug(error, f"change {change.id}"), log, lease)

    def _fail(self, change: C, error: PortsideError, log: LogWriter, lease: Lease | None) -> None:
        log.problem(str(error))
        log.problem(f"Nothing has changed: what ran before still runs, with the {self.kept} that it had.")
        guards = () if lease is None else (lease.fenced(),)
        values = {"reason": error.message, "decided_at": clock.now()}
        with self.database.write() as session:
            CHANGE.move(session, self.table, change.id, ChangeState.FAILED, *guards, **values)


def forget_old(session: Session, table: ChangeTable, app_id: AppId) -> None:
    """Delete the app's decided changes but for the newest `KEPT`."""
    decided = (table.app_id == app_id, table.state != ChangeState.PENDING)
    newest = select(table.id).where(*decided).order_by(table.created_at.desc()).limit(KEPT)
    session.execute(delete(table).where(*decided, table.id.not_in(newest.scalar_subquery())))


def unless_lost(lease: Lease) -> Callable[[], BaseException | None]:
    """What stops a rollout that nobody can cancel: the loss of its lease."""
    return lambda: LeaseLost() if lease.lost.is_set() else None
