"""One-off runs: asked for, listed, stopped, and seen to by the loop. Who carries an attached one is in `attached`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, delete
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import contained
from core.errors import Conflict, NotFound, PortsideError, UserError
from core.ids import AppId
from core.secrets import Sealer, fingerprint, new_secret
from core.states import LostRace
from router import Router
from scheduler import addresses, cron_records, records, run_plan, run_records, sizes
from scheduler.certificate import certificate_file, fingerprint_of, server_context
from scheduler.gate import Gate, runs_of
from scheduler.run_orders import order_for_run
from scheduler.run_plan import RunStep
from scheduler.run_records import Run, RunWish
from scheduler.runtime import AddressTaken, Container, ContainerOrder, ImageGone, Runtime, StartFailed
from scheduler.settings import SchedulerSettings
from scheduler.states import RUN, RunState
from scheduler.tables import RunRow
from scheduler.types import STANDARD

log = logging.getLogger("portside.scheduler")

_TRIES = 5
_R = RunState


@dataclass(frozen=True)
class Asked:
    """A run, and what an attached one's client must send when it connects: good once."""

    run: Run
    ticket: str = field(repr=False)


@dataclass(frozen=True)
class Runs:
    """Safe to use from several threads and processes at once: every move of a record is guarded by its state."""

    database: Database
    router: Router
    runtime: Runtime
    sealer: Sealer
    settings: SchedulerSettings
    gate: Gate
    wake: Callable[[AppId], None]
    began_at: datetime = field(default_factory=clock.now)

    def ask(self, app_id: AppId, wish: RunWish) -> Asked:
        """Record a run of the app's live release. A detached one is begun by the loop, which is woken.

        UserError for what can't be run, and while the app has no release; Conflict when it has too many runs.
        """
        run_records.check(wish, self.settings.run_limit_s)
        if (size := sizes.canonical(wish.size)) != STANDARD:
            sizes.require_room("A run", size, self.settings, self.runtime.capacity())
        secret, settings = new_secret(), self.settings
        with self.database.write() as session:
            live = records.locked_run(session, app_id)
            if live is None or live.version is None:
                raise UserError(
                    "This app has no release to run anything in yet.", "Push it first: `git push portside main`."
                )
            if run_records.going(session, app_id) >= settings.run_most:
                message = f"This app has {settings.run_most} one-off runs already, which is the most at once."
                raise Conflict(message, "End some: portside run:list, portside run:kill NAME")
            sealed = self.sealer.seal(wish.env)
            digest = fingerprint(secret) if wish.attached else ""
            limits = (settings.run_open_s, settings.run_limit_s)
            row = run_records.new_row(session, app_id, live.version, wish, sealed, digest, *limits)
            session.flush()
            asked = Asked(run_records.to_run(row), f"{row.id}.{secret}" if wish.attached else "")
        if not wish.attached:
            self.wake(app_id)
        return asked

    def of_app(self, app_id: AppId) -> list[Run]:
        """The app's runs, oldest first: those that go on, and those that ended within the last hour."""
        with self.database.read() as session:
            return [run_records.to_run(row) for row in run_records.rows_of(session, [app_id])]

    def find(self, app_id: AppId, wanted: str) -> Run:
        """A run by its name (`run.1`) or id; NotFound."""
        with self.database.read() as session:
            row = run_records.row_named(session, app_id, wanted)
            if row is None:
                raise NotFound(f"Couldn't find the run {wanted}.", "See: portside run:list")
            return run_records.to_run(row)

    def stop(self, app_id: AppId, wanted: str, reason: str) -> Run:
        """End a run: SIGTERM, and SIGKILL after the grace. Nothing happens when it is over. NotFound."""
        run = self.find(app_id, wanted)
        with contained(f"stopping {run.name}"):
            self.halt(run.id, reason)
        self.wake(app_id)
        return self.find(app_id, run.id)

    def halt(self, run_id: str, reason: str) -> None:
        """The same for whoever has the run's id."""
        moment = clock.now()
        kill_by = clock.after(self.settings.grace_s, moment)
        with self.database.write() as session:
            row = session.get(RunRow, run_id)
            if row is None:
                return
            if row.state in (_R.WAITING, _R.STARTING):
                _move(session, row, _R.FAILED, reason=reason, ended_at=moment, secret_digest="")
            elif row.state == _R.RUNNING:
                _move(session, row, _R.STOPPING, reason=reason, kill_by=kill_by)
            container_id, terminal = row.container_id, bool(row.columns)
        if container_id is not None:
            if terminal:
                self.runtime.signal(container_id, "SIGHUP")  # what a shell ends on, as when a terminal is closed
            self.runtime.signal(container_id, "SIGTERM")

    def look(
        self, app_ids: Collection[AppId] | None, containers: Iterable[Container], at: datetime
    ) -> tuple[list[RunStep], frozenset[str]]:
        """What is to be done for runs (of these apps), and which runs may have a container."""
        found = {container.instance_id: container for container in containers}
        with self.database.read() as session:
            rows = run_records.rows_of(session, app_ids)
        now = clock.now()
        rules = (at, now, self.settings, self.began_at)
        steps = [step for row in rows if (step := run_plan.plan_run(row, found, *rules)) is not None]
        return steps, frozenset(row.id for row in rows if run_plan.has_container(row))

    def act(self, step: RunStep) -> None:
        """Carry one step out; harmless when repeated, or when another process is faster."""
        with contained(f"{type(step).__name__} of a one-off run"):
            match step:
                case run_plan.Begin(row):
                    self._begin(row)
                case run_plan.Resume(row, container):
                    self._resume(row, container)
                case run_plan.Fail(row, reason):
                    self.fail(row.id, reason)
                case run_plan.End(row, container):
                    self.end(row.id, container)
                case run_plan.Halt(row, reason):
                    self.halt(row.id, reason)
                case run_plan.KillRun(container):
                    self.runtime.signal(container.id, "SIGKILL")
                case run_plan.Forget(row):
                    if row.container_id is not None:
                        self.runtime.remove(row.container_id)
                    with self.database.write() as session:
                        cron_records.keep_outcome(session, row)
                        session.execute(delete(RunRow).where(RunRow.id == row.id))

    def fingerprint(self, certificate: Path) -> str:
        """The SHA-256 of what the clients of attached runs are shown. `certificate` is made if it is missing."""
        return fingerprint_of(certificate_file(certificate))

    def serving(self, certificate: Path) -> AbstractAsyncContextManager[int]:
        """Meet the clients of attached runs while the block runs, in the running event loop; gives the port."""
        from scheduler.attached import Attending
        from scheduler.rendezvous import Rendezvous  # asyncio and TLS are for the gateway

        return Rendezvous(Attending(self), server_context(certificate_file(certificate))).serving()

    def claim(self, row: RunRow) -> bool:
        """Whether it is ours to start; nobody else's then."""
        with self.database.write() as session:
            current = RunRow.secret_digest == row.secret_digest
            seen = clock.after(self.settings.run_seen_s) if row.attached else None
            row.started_at = clock.now()
            values = {"started_at": row.started_at, "seen_until": seen, "secret_digest": ""}
            return _move(session, row, _R.STARTING, current, **values)

    def started(self, row: RunRow, container_id: str) -> bool:
        """Record that it runs; False, and its container is gone again, when it was stopped in the meantime."""
        ours = self._note(row, container_id)
        if not ours:
            self.runtime.remove(container_id)
        return ours

    def _note(self, row: RunRow, container_id: str) -> bool:
        moment = clock.now()
        seen = clock.after(self.settings.run_seen_s, moment) if row.attached else None
        values = {"container_id": container_id, "started_at": moment, "seen_until": seen}
        with self.database.write() as session:
            return _move(session, row, _R.RUNNING, end_by=clock.after(row.limit_s, moment), **values)

    def fail(self, run_id: str, reason: str) -> None:
        with self.database.write() as session:
            row = session.get(RunRow, run_id)
            if row is not None:
                _move(session, row, _R.FAILED, reason=reason, ended_at=clock.now(), secret_digest="")

    def end(self, run_id: str, container: Container | None) -> None:
        """Record how it ended. An attached run's container is removed; a detached one's is kept for its log."""
        found = self.runtime.look(container.id) if container is not None else None
        with self.database.write() as session:
            row = session.get(RunRow, run_id)
            if row is None:
                return
            reason = row.reason or ("" if found is not None else "Its container disappeared.")
            if found is not None and found.out_of_memory:
                memory_mb = sizes.limits_of(row.size, self.settings).memory_mb
                reason = f"It used more than its {memory_mb} MB of memory and was killed."
            code = found.exit_code if found is not None else None
            _move(session, row, _R.ENDED, exit_code=code, reason=reason, ended_at=clock.now())
            attached = row.attached
        if attached and found is not None:
            self.runtime.remove(found.id)

    def order_of(self, row: RunRow) -> ContainerOrder:
        """The container for a run: the live release's image, config, mounts and limits, with an address leased to it.

        UserError when the app has no live release any more; StartFailed.
        """
        listed = addresses.listed_by(self.router)
        with self.database.write() as session:
            spec = records.read_spec(session, AppId(row.app_id), self.sealer)
            if spec is None:
                raise UserError("The app runs nothing any more.")
            address = addresses.lease(session, self.settings.subnet, [row.id], listed)[row.id]
        image, env = self.runtime.image(spec.image_id, spec.image_ref), self.sealer.unseal(row.sealed_env)
        return order_for_run(spec, row, image, env, address, self.settings)

    def turn(self, row: RunRow) -> AbstractContextManager[None]:
        """Wait until one more container may be started, and let the next one in after the block."""
        return self.gate.passing(runs_of(row.app_id))

    def with_address(self, row: RunRow, start: Callable[[ContainerOrder], object]) -> None:
        """Give `start` the order; again with another address when something foreign has the first."""
        for attempt in range(_TRIES):
            try:
                start(self.order_of(row))
            except AddressTaken:
                continue
            except ImageGone:
                if attempt:
                    raise
                continue  # the runtime now looks for it anew, and pulls it if need be
            return
        raise StartFailed(f"Containers that are not Portside's use addresses of {self.settings.network}.")

    def _begin(self, row: RunRow) -> None:
        """Once its turn has come. Until then it is a run that waits, which may be stopped, and begun by anybody."""
        with self.turn(row):
            if not self.claim(row):
                return
            try:
                self.with_address(row, lambda order: self.started(row, self.runtime.start(order)))
            except PortsideError as error:
                self.fail(row.id, error.message)
                raise

    def _resume(self, row: RunRow, container: Container | None) -> None:
        """Go on where a dead worker stopped: what runs already is not run twice, all else waits for its turn again."""
        if container is not None and container.state != "created":
            self._note(row, container.id)
            return
        if container is not None:  # first: it has the name that the next one gets
            self.runtime.remove(container.id)
        with self.database.write() as session:
            ours = _move(session, row, _R.WAITING, RunRow.started_at == row.started_at, started_at=None)
        if ours:
            self.wake(AppId(row.app_id))


def _move(session: Session, row: RunRow, to: RunState, *guards: ColumnElement[bool], **values: object) -> bool:
    try:
        RUN.move(session, RunRow, row.id, to, *guards, **values)
    except LostRace:
        log.debug("run %s has been moved already", row.id)
        return False
    return True
