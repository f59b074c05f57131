"""One turn for one app: look, plan, write the records, then act.

The records are written first, in one transaction that holds the app's row and goes through only if the live release
is still the one that was planned for; so turns need no lease and never hold a deploy up. What is lost by a crash
between the records and the act is found by the next turn: a container whose record is closed is a stray.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import contained
from core.errors import UserError
from core.ids import AppId
from core.secrets import Sealer
from core.states import LostRace
from router import Router
from scheduler import addresses, health, judging, plan, records
from scheduler.drains import Drains
from scheduler.judging import Judged
from scheduler.launcher import Launcher
from scheduler.plan import Seen, Step
from scheduler.records import AppRecord
from scheduler.runtime import Container, Runtime
from scheduler.settings import SchedulerSettings
from scheduler.sizes import limits_for
from scheduler.states import LIFE, InstanceState
from scheduler.tables import AppRunRow, InstanceRow
from scheduler.types import WEB, RunSpec
from scheduler.vigil import Vigil

log = logging.getLogger("portside.scheduler")

_S = InstanceState
_MOST_THREADS = 16


@dataclass(frozen=True)
class Turns:
    """Carries out turns; safe to use from several threads and processes at once."""

    database: Database
    router: Router
    runtime: Runtime
    sealer: Sealer
    settings: SchedulerSettings
    launcher: Launcher
    drains: Drains
    vigil: Vigil
    began_at: datetime = field(default_factory=clock.now)

    def take(
        self, app: AppRecord, containers: Mapping[str, Container], at: datetime, surplus: frozenset[str] = frozenset()
    ) -> bool:
        """One turn for `app`, with the engine's containers as listed `at`; whether there was anything to do."""
        seen = replace(self._look(app, containers, at), surplus=surplus, since=self.began_at)
        steps = plan.plan(app, seen, clock.now(), self.settings)
        if steps:
            self._do(app, steps)
        return bool(steps)

    def note_ended(self, app: AppRecord, containers: Mapping[str, Container], at: datetime) -> None:
        """Record which of the app's running instances have ended, and nothing else. No router is told."""
        steps = plan.plan(app, Seen(at, containers), clock.now(), self.settings)
        ended = [step for step in steps if isinstance(step, plan.Crash) and step.row.state == _S.RUNNING]
        if ended:
            self._do(app, ended, apply=False)

    def _look(self, app: AppRecord, containers: Mapping[str, Container], at: datetime) -> Seen:
        """Ask about health and drains only where the plan depends on it."""
        starting = [row for row in app.instances if row.state == _S.STARTING and row.rollout == app.rollout]
        retired = any(row.state == _S.RETIRED for row in app.instances)
        healthy = self._healthy(app.app_id, starting, containers) if starting else frozenset()
        drained = self.drains.drained(app, clock.now()) if retired else frozenset()
        return Seen(at, containers, healthy, drained, judged=self._judged(app, containers))

    def _judged(self, app: AppRecord, containers: Mapping[str, Container]) -> Judged:
        spec = self._spec(app.app_id) if app.watched else None
        if spec is None or not spec.is_watched:
            self.vigil.forget(app.app_id)
            return judging.NOTHING
        return self.vigil.look(app, spec, self._host(spec), containers)

    def _host(self, spec: RunSpec) -> str:
        return urlsplit(self.router.url(spec.app_id)).netloc if health.needs_host(spec) else ""

    def _healthy(
        self, app_id: AppId, rows: Sequence[InstanceRow], containers: Mapping[str, Container]
    ) -> frozenset[str]:
        """Those of `rows` that answer, at an address that the engine says is theirs."""
        spec = self._spec(app_id)
        if spec is None:
            return frozenset()
        host = self._host(spec)
        found = set()
        for row in rows:
            container = containers.get(row.id)
            if row.started_at is None or container is None or not container.running:
                continue
            checks = health.boot_checks(spec, row.process_type, row.address, host, self.settings)
            run = partial(self.runtime.execute, container.id)
            asked = (health.probe(one, row.started_at, clock.now(), run) for one in checks if not one.warn)
            if container.address == row.address and all(verdict.ready for verdict in asked):
                found.add(row.id)
        return frozenset(found)

    def _do(self, app: AppRecord, steps: Sequence[Step], apply: bool = True) -> None:
        described = {step.row.id: self._describe(step) for step in steps if isinstance(step, plan.Crash)}
        held = {step.row.id: self._held_mb(step.container) for step in steps if isinstance(step, plan.Keep)}
        starting = any(isinstance(step, plan.Start) for step in steps)
        listed = addresses.listed_by(self.router) if starting else frozenset()
        spec = self._spec(app.app_id) if starting else None
        with self.database.write() as session:
            run = records.locked_run(session, app.app_id)
            if (run.rollout if run else None) != app.rollout:
                return  # a deploy has switched since: plan again
            steps = [step for step in steps if self._write(session, step, described, held)]
            started = self._add_missing(session, app, run, spec, steps, listed)
            routed = any(_touches_route(step) for step in steps)
            if routed and app.rollout is not None:
                web = records.web_backends(session, app.app_id, app.rollout)
                self.router.point(session, app.app_id, app.rollout, web)
        if routed and apply:
            with contained(f"route of app {app.app_id}"):
                self.router.apply(app.app_id)
        self._act(app, steps, spec, started)

    def _write(self, session: Session, step: Step, described: Mapping[str, str], held_mb: Mapping[str, int]) -> bool:
        """Record the step; whether it is ours to do, and not done or overtaken by another process."""
        moment = clock.now()
        match step:
            case plan.Promote(row):
                return _move(session, row, _S.RUNNING, running_at=moment)
            case plan.Crash(row, _, failures, _):
                log.info("%s of app %s: %s", records.process_of(row), row.app_id, described[row.id])
                return _move(session, row, _S.CRASHED, ended_at=moment, failures=failures, detail=described[row.id])
            case plan.Retire(row):
                drain_by = clock.after(self.settings.drain_s, moment)
                return _move(session, row, _S.RETIRED, retired_at=moment, drain_by=drain_by)
            case plan.Stop(row, _):
                return _move(session, row, _S.STOPPING, kill_by=clock.after(self.settings.grace_s, moment))
            case plan.Finish(row, _):
                return _move(session, row, _S.STOPPED, ended_at=moment)
            case plan.Keep(row, _):
                return _move(session, row, _S.WARM, warm_at=moment, warm_mb=held_mb[row.id])
            case plan.Unroute(row, detail):
                return _mark(session, row, unready=True, detail=f"out of the route: {detail}")
            case plan.Reroute(row):
                return _mark(session, row, unready=False, detail="")
            case plan.Renew(row, failures, detail):
                log.info("%s of app %s: %s", records.process_of(row), row.app_id, detail)
                return _mark(session, row, replace=True, failures=failures, detail=detail)
        return True

    def _add_missing(
        self,
        session: Session,
        app: AppRecord,
        run: AppRunRow | None,
        spec: RunSpec | None,
        steps: Sequence[Step],
        listed: frozenset[str],
    ) -> list[InstanceRow]:
        """Rows for what is to be started, unless another process has just added them."""
        slots = [step.slot for step in steps if isinstance(step, plan.Start)]
        if not slots or run is None or spec is None or spec.release_id != run.release_id:
            return []
        rows = records.live_rows(session, app.app_id)
        known = {row.id for row in app.instances}
        taken = {(row.process_type, row.number) for row in rows if row.id not in known and row.rollout == run.rollout}
        held = records.held_types(session, run)
        there = (slot for slot in slots if (slot.process_type, slot.number) not in taken)
        free = [slot for slot in there if not records.is_held(slot, held)]
        return records.add_instances(session, spec, str(run.rollout), 0, free, self.settings, listed)

    def _act(self, app: AppRecord, steps: Sequence[Step], spec: RunSpec | None, started: Sequence[InstanceRow]) -> None:
        drained = [step.row for step in steps if isinstance(step, plan.Stop | plan.Keep)]
        leaving = {row.rollout for row in drained if row.process_type == WEB}
        for rollout in leaving - {app.rollout}:
            with contained(f"route of app {app.app_id}"):
                self.router.retire(app.app_id, rollout)
        with ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="instances") as pool:
            for step in steps:
                pool.submit(self._touch, step)
            if spec is not None:
                for row in started:
                    pool.submit(self._start, spec, row)

    def _touch(self, step: Step) -> None:
        with contained(f"{type(step).__name__} of an instance"):
            match step:
                case plan.Keep(_, container):
                    self.runtime.pause(container.id)
                case plan.Stop(_, container):
                    if container.paused:
                        self.runtime.resume(container.id)
                    self.runtime.signal(container.id, "SIGTERM")
                case plan.Kill(container):
                    if container.paused:
                        self.runtime.resume(container.id)
                    self.runtime.signal(container.id, "SIGKILL")
                case plan.Finish(_, Container() as container):
                    self.runtime.remove(container.id)

    def _start(self, spec: RunSpec, row: InstanceRow) -> None:
        with contained(f"start of {records.process_of(row)} of {spec.app_name}"):
            try:
                self.launcher.launch(spec, row, spec.command_of(row.process_type))
            except UserError as error:
                values = {"ended_at": clock.now(), "failures": row.failures + 1, "detail": error.message}
                with self.database.write() as session:
                    _move(session, row, _S.CRASHED, **values)
                raise

    def _describe(self, crash: plan.Crash) -> str:
        """The plan's words, or the engine's when it says that memory ran out."""
        if crash.container is None:
            return crash.detail
        found = self.runtime.look(crash.container.id)
        if found is not None and found.out_of_memory:
            with self.database.read() as session:
                sizes = records.sizes_of(session, AppId(crash.row.app_id))
            memory_mb = limits_for(sizes, crash.row.process_type, self.settings).memory_mb
            return f"used more than its {memory_mb} MB of memory and was killed"
        return crash.detail

    def _held_mb(self, container: Container) -> int:
        """The memory that it holds; the most that it may, when the engine does not say."""
        held = self.runtime.memory_mb(container.id)
        return self.settings.memory_mb if held is None else held

    def _spec(self, app_id: AppId) -> RunSpec | None:
        with self.database.read() as session:
            return records.read_spec(session, app_id, self.sealer)


def _move(session: Session, row: InstanceRow, to: InstanceState, **values: object) -> bool:
    """Whether the row was still as it was when the step was planned, and so has been moved by us."""
    try:
        LIFE.move(session, InstanceRow, row.id, to, InstanceRow.state == row.state, **values)
    except LostRace:
        log.debug("%s of app %s has been moved already", records.process_of(row), row.app_id)
        return False
    return True


def _mark(session: Session, row: InstanceRow, **values: object) -> bool:
    """Whether the row still runs, and so has been marked."""
    still = InstanceRow.id == row.id, InstanceRow.state == _S.RUNNING, InstanceRow.replace == row.replace
    done = session.execute(update(InstanceRow).where(*still).values(**values))
    return isinstance(done, CursorResult) and done.rowcount == 1


def _touches_route(step: Step) -> bool:
    match step:
        case plan.Promote(row) | plan.Retire(row) | plan.Unroute(row) | plan.Reroute(row):
            return row.process_type == WEB
        case plan.Crash(row):
            return row.process_type == WEB and row.state == _S.RUNNING
    return False
