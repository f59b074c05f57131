"""Makes room for a new set of instances: old ones of `web` leave the route, drain and end before the new ones start.

What is left of the old release serves until the one switch, and the loop looks after it as ever; the places of those
that left are held as singletons are (see `handover`). So a failure gives them back, and when the worker dies its hold
is over with its lease: the loop fills them again by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import contained
from core.errors import Unavailable
from core.ids import AppId
from core.leases import Lease
from core.logs import LogWriter
from router import Router
from scheduler import handover, records, shrink
from scheduler.gate import Stopped
from scheduler.runtime import Runtime
from scheduler.settings import SchedulerSettings
from scheduler.shrink import Room, Shrink, Shrinkage
from scheduler.sizes import limits_for
from scheduler.states import LIFE, InstanceState
from scheduler.tables import AppRunRow, InstanceRow
from scheduler.types import WEB, RunSpec
from scheduler.warm import is_wanted

_MARGIN_S = 10.0
_MEASURED = 3
_S = InstanceState
_UP = (_S.STARTING, _S.RUNNING, _S.CRASHED)


@dataclass(frozen=True)
class Shrinking:
    """The caller holds the app's line. `look` gives the app one turn."""

    database: Database
    router: Router
    runtime: Runtime
    settings: SchedulerSettings
    look: Callable[[AppId], None]

    def make_room(self, spec: RunSpec, frozen: Collection[str], lease: Lease, log: LogWriter, stopped: Stopped) -> None:
        """Return when what has to leave for `spec`, of which `frozen` are there already, has ended.

        Unavailable, what `stopped` gives.
        """
        with self.database.read() as session:
            rule = _rule(session, spec)
            wanted = records.quantities_for(session, spec)
        if rule is None or wanted.get(WEB, 0) <= len(frozen):
            return
        fresh = {**wanted, WEB: wanted[WEB] - len(frozen)}
        room = self._room(spec, fresh) if rule.when_scarce else None
        if room is not None and room.missing:
            room = self._without_frozen(spec, frozen, room, lease, log, stopped)
            room = replace(room, ending_mb=self._ending_mb(spec))
        shrunk = self._record(spec, rule, room, lease)
        if shrunk is None and (room is None or not room.waits):
            return
        if shrunk is not None and shrunk.leaving:
            before = len(shrunk.kept | {row.number for row in shrunk.leaving})
            log.step(f"{WEB}: {before} → {len(shrunk.kept)} {_instances(shrunk)} while v{spec.version} starts")
            with contained(f"route of app {spec.app_id}"):
                self.router.apply(spec.app_id)
        self._say_what_ends(spec.app_id, shrunk, log)
        self._await_end(spec.app_id, lambda row: row.state in (_S.RETIRED, _S.STOPPING), lease, stopped)

    def _say_what_ends(self, app_id: AppId, shrunk: Shrinkage | None, log: LogWriter) -> None:
        """Nobody would guess that a deploy waits for what earlier ones, or a scaling, have left behind."""
        leaving = {row.id for row in shrunk.leaving} if shrunk is not None else set()
        with self.database.read() as session:
            ending = [row for row in _web_rows(session, app_id) if row.state in (_S.RETIRED, _S.STOPPING)]
        earlier = [row for row in ending if row.id not in leaving]
        if earlier:
            log.detail(shrink.waits_for(earlier, clock.now(), self.settings.grace_s))

    def _record(self, spec: RunSpec, rule: Shrink, room: Room | None, lease: Lease) -> Shrinkage | None:
        """Hold the places and take their instances out of the route, in one transaction."""
        moment = clock.now()
        with self.database.write() as session:
            lease.hold_in(session)
            run = records.locked_run(session, spec.app_id)
            if run is None or run.rollout is None:
                return None  # nothing is live yet
            rows = [row for row in _web_rows(session, spec.app_id) if row.rollout == run.rollout and row.state in _UP]
            shrunk = shrink.decide(rows, _quantity(session, spec.app_id), rule, room)
            if shrunk is None:
                return None
            for row in shrunk.leaving:
                values = {"retired_at": moment, "drain_by": clock.after(self.settings.drain_s, moment)}
                LIFE.move(session, InstanceRow, row.id, _S.RETIRED, **values)
            session.expire_all()
            types = {name for name in handover.held_by(run, lease) if not records.is_place(name)}
            handover.hold(run, lease, types | {f"{WEB}.{number}" for number in shrunk.held})
            web = records.web_backends(session, spec.app_id, run.rollout)
            self.router.point(session, spec.app_id, run.rollout, web)
        return shrunk

    def _room(self, spec: RunSpec, fresh: dict[str, int]) -> Room | None:
        """As much as the old instances hold, the new ones will; of a type that has none yet, each its limit."""
        free_mb = self.runtime.free_memory_mb()
        if free_mb is None:
            return None
        with self.database.read() as session:
            run = session.get(AppRunRow, spec.app_id)
            rows = [row for row in records.live_rows(session, spec.app_id) if run and row.rollout == run.rollout]
        each_mb = {name: self._held_mb(spec, name, rows) for name in fresh if spec.may_overlap(name)}
        return Room(sum(fresh[name] * each_mb[name] for name in each_mb), free_mb, each_mb[WEB])

    def _ending_mb(self, spec: RunSpec) -> int:
        """What those of `web` hold that drain or stop already, but for what is going to be kept frozen."""
        with self.database.read() as session:
            run = session.get(AppRunRow, spec.app_id)
            kept, web = run.warm_rollout if run else None, _quantity(session, spec.app_id)
            rows = [row for row in _web_rows(session, spec.app_id) if row.state in (_S.RETIRED, _S.STOPPING)]
        going = [row for row in rows if row.state == _S.STOPPING or not is_wanted(row, kept, web, self.settings)]
        return sum(self.runtime.memory_mb(row.container_id) or 0 for row in going if row.container_id)

    def _held_mb(self, spec: RunSpec, name: str, rows: Iterable[InstanceRow]) -> int:
        running = [row for row in rows if row.process_type == name and row.state == _S.RUNNING and row.container_id]
        found = (self.runtime.memory_mb(row.container_id) for row in running[:_MEASURED] if row.container_id)
        known = [held for held in found if held is not None]
        return max(known) if known else limits_for(spec.sizes, name, self.settings).memory_mb

    def _without_frozen(
        self, spec: RunSpec, frozen: Collection[str], room: Room, lease: Lease, log: LogWriter, stopped: Stopped
    ) -> Room:
        """What is, or is to be, kept frozen of this app for a rollback goes before anything that serves."""
        if frozen:
            return room  # they are being woken
        with self.database.write() as session:
            lease.hold_in(session)
            rows = [row for row in _web_rows(session, spec.app_id) if row.state == _S.WARM]
            run = records.locked_run(session, spec.app_id)
            if run is None:
                return room
            run.warm_rollout, run.warm_likeness = None, ""
            if not rows:
                return room
            ids, held_mb = {row.id for row in rows}, sum(row.warm_mb for row in rows)
        log.detail(f"Memory is scarce: {len(ids)} frozen instances of an earlier release make room first.")
        self._await_end(spec.app_id, lambda row: row.id in ids, lease, stopped)
        return replace(room, free_mb=room.free_mb + held_mb)

    def _await_end(self, app_id: AppId, leaves: Callable[[InstanceRow], bool], lease: Lease, stopped: Stopped) -> None:
        """While the loop, or `look`, drains and ends them; those that left before, too: all hold memory."""
        end = time.monotonic() + self.settings.drain_s + self.settings.grace_s + _MARGIN_S
        while left := self._left(app_id, leaves):
            lease.check()
            reason = stopped()
            if reason is not None:
                raise reason
            if time.monotonic() > end:
                raise Unavailable(f"{left[0]} does not end.", "Try again later.")
            self.look(app_id)
            threading.Event().wait(self.settings.pending_s)

    def _left(self, app_id: AppId, leaves: Callable[[InstanceRow], bool]) -> list[str]:
        with self.database.read() as session:
            return [records.process_of(row) for row in _web_rows(session, app_id) if leaves(row)]


def _rule(session: Session, spec: RunSpec) -> Shrink | None:
    """What was set for the app, or what the new release's app.json says."""
    own = {row.process_type: row.shrink for row in records.formation_rows(session, spec.app_id)}
    return shrink.read(shrink.in_force(own.get(WEB, ""), spec.shrink.get(WEB, "")))


def _web_rows(session: Session, app_id: AppId) -> list[InstanceRow]:
    return [row for row in records.live_rows(session, app_id) if row.process_type == WEB]


def _instances(shrunk: Shrinkage) -> str:
    return "instance" if len(shrunk.kept) == 1 else "instances"


def _quantity(session: Session, app_id: AppId) -> int:
    rows = records.formation_rows(session, app_id)
    return next((row.quantity for row in rows if row.process_type == WEB and row.offered), 0)
