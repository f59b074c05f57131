"""The scheduler's front: what other packages ask of it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.ids import AppId
from core.leases import Lease
from core.logs import LogWriter
from core.secrets import Sealer
from router import Router
from scheduler import records, references, wishes
from scheduler.adoption import Adoption
from scheduler.agenda import Agenda
from scheduler.crons import Crons
from scheduler.drains import Drains
from scheduler.ending import Endgame
from scheduler.handover import Handover
from scheduler.keepsakes import Keepsakes
from scheduler.launcher import Launcher
from scheduler.logs import AppLogs
from scheduler.loop import Loop
from scheduler.mounts import mounts_of
from scheduler.oneoff import OneOffs
from scheduler.pausing import Pausing
from scheduler.reconciler import Reconciler, finished
from scheduler.rollout import Rollouts
from scheduler.runs import Runs
from scheduler.runtime import Runtime
from scheduler.settings import SchedulerSettings
from scheduler.shrinking import Shrinking
from scheduler.states import LIFE, InstanceState
from scheduler.tables import AppRunRow, CronRow, CronRunRow, FormationRow, InstanceRow, RunRow
from scheduler.turns import Turns
from scheduler.types import WEB, Formation, Instance, LogLine, Mount, Pause, RunSpec
from scheduler.vigil import Vigil
from scheduler.volumes import Volumes
from scheduler.waking import Waking


class Scheduler:
    """Runs apps: deploys, formations, instances, logs, one-off `runs`, `crons`, and the loop that keeps them so.

    `wake` tells the worker's loop to look at an app now (a queue's nudge); without it only this process's own loop,
    if it runs one, looks at once. `keepsakes`: a folder for what has to outlive the database.
    """

    def __init__(
        self,
        database: Database,
        router: Router,
        runtime: Runtime,
        sealer: Sealer,
        settings: SchedulerSettings,
        keepsakes: Path,
        wake: Callable[[AppId], None] | None = None,
    ) -> None:
        self._database = database
        self._router = router
        self._runtime = runtime
        self._settings = settings
        self._sealer = sealer
        agenda = self._agenda = Agenda()
        self._wake = wake or agenda.add
        launcher = Launcher(database, router, runtime, settings, keepsakes.parent / "run" / "starts")
        volumes = Volumes(database, runtime)
        handover, waking = Handover(database, runtime, settings), Waking(database, runtime, sealer, settings)
        self._keepsakes = Keepsakes(keepsakes, sealer)
        shrinking = Shrinking(database, router, runtime, settings, self.reconcile_app)
        aside = (launcher, volumes, handover, waking, self._keepsakes, shrinking)
        self._rollouts = Rollouts(database, router, runtime, sealer, settings, *aside)
        self._pausing = Pausing(router, handover)
        self._oneoffs = OneOffs(database, router, runtime, settings, launcher, self._rollouts, volumes)
        drains, vigil = Drains(router, settings), Vigil(runtime, settings, agenda.add)
        turns = Turns(database, router, runtime, sealer, settings, launcher, drains, vigil)
        self.runs = Runs(database, router, runtime, sealer, settings, launcher.gate, self._wake)
        adoption = Adoption(database, router, runtime, sealer, self._keepsakes)
        self.crons = crons = Crons(database, self.runs, settings, agenda.add, self._wake)
        self._reconciler = Reconciler(database, router, runtime, settings, turns, agenda, self.runs, adoption, crons)
        self._loop = Loop(self._reconciler, runtime, settings, agenda)
        self._endgame = Endgame(database, router, runtime, settings, self._reconciler)
        self._logs = AppLogs(database, runtime, router.requests, router.notices)

    def deploy(
        self,
        spec: RunSpec,
        lease: Lease,
        log: LogWriter,
        before_switch: Callable[[], str],
        stopped: Callable[[], BaseException | None],
    ) -> None:
        """Take `spec` live: all instances of all types healthy, then one switch. The caller holds `line_of(app)`.

        `before_switch` blocks until the image is published and gives its pullable reference. A release that is live
        already is left as it is, and what follows its switch is done again: whoever made it may have died.
        Raises BootFailed, LeaseLost, what `stopped` gives; then nothing has changed.
        """
        try:
            self._rollouts.deploy(spec, lease, log, before_switch, stopped)
        finally:  # after a failure, too: singletons that made room are started again
            self._look_at(spec.app_id)

    def run_once(
        self,
        spec: RunSpec,
        name: str,
        command: str,
        lease: Lease,
        log: LogWriter,
        stopped: Callable[[], BaseException | None],
        timeout_s: float,
    ) -> int:
        """Run `command` to its end in a one-off container of `spec`, output to `log`; its exit code."""
        self._runtime.prepare()
        return self._oneoffs.run(spec, name, command, lease, log, stopped, timeout_s)

    @contextmanager
    def paused(
        self, app_id: AppId, pause: Pause, lease: Lease, log: LogWriter, stopped: Callable[[], BaseException | None]
    ) -> Iterator[None]:
        """For the block, or up to a switch in it, what `pause` names rests. The caller holds `line_of(app)`."""
        try:
            with self._pausing.paused(app_id, pause, lease, log, stopped):
                yield
        finally:
            self._look_at(app_id)

    def renew(
        self,
        app_id: AppId,
        changed: Callable[[RunSpec], RunSpec],
        lease: Lease,
        log: LogWriter,
        stopped: Callable[[], BaseException | None],
        in_switch: Callable[[Session], None],
    ) -> bool:
        """Replace the live release's instances by new ones with other mounts or sizes, all or nothing like a deploy.

        `changed` gives the spec with them, `in_switch` records them in the switch's transaction. False, and nothing
        done, while nothing is live.
        """
        spec = self.current(app_id)
        if spec is None:
            return False
        self._runtime.prepare()
        try:
            self._rollouts.renew(changed(spec), lease, log, stopped, in_switch)
        finally:
            self._look_at(app_id)
        return True

    def mounts(self, app_id: AppId) -> tuple[Mount, ...]:
        """What is mounted in the app's instances."""
        with self._database.read() as session:
            return mounts_of(session, app_id)

    def formation(self, app_id: AppId) -> list[Formation]:
        """What is wanted of each type of the live release, by name."""
        with self._database.read() as session:
            rows = [row for row in records.formation_rows(session, app_id) if row.offered]
        return [records.to_formation(row, self._settings) for row in rows]

    def scale(
        self, app_id: AppId, quantities: Mapping[str, int], shrink: Mapping[str, str] | None = None
    ) -> list[Formation]:
        """Record how many of each type are wanted, and see to it; and how far it may `shrink` while a new set starts
        (empty: as app.json says). UserError for an unknown type, a bad number or rule.
        """
        rules = wishes.shrink_rules(shrink or {})
        with self._database.write() as session:
            rows = {row.process_type: row for row in records.formation_rows(session, app_id) if row.offered}
            for name, quantity in quantities.items():
                wishes.require_scalable(name, quantity, rows)
                rows[name].quantity = quantity
            for name, rule in rules.items():
                rows[name].shrink = rule
        self._wake(app_id)
        return self.formation(app_id)

    def restart(self, app_id: AppId, process: str | None = None) -> None:
        """Replace instances, new ones first: all, those of a type (`web`), or one (`web.1`)."""
        with self._database.write() as session:
            rows = wishes.named(session, app_id, records.locked_run(session, app_id), process, "restart")
            ids = [row.id for row in rows]
            session.execute(update(InstanceRow).where(InstanceRow.id.in_(ids)).values(replace=True, failures=0))
        self._wake(app_id)

    def stop(self, app_id: AppId, process: str) -> None:
        """End the instances of a type (`web`) or one (`web.1`) now, not waiting for others; the loop replaces them."""
        moment = clock.now()
        with self._database.write() as session:
            run = records.locked_run(session, app_id)
            rows = wishes.named(session, app_id, run, process, "stop")
            for row in rows:
                if row.state == InstanceState.CRASHED:
                    LIFE.move(session, InstanceRow, row.id, InstanceState.STOPPED, ended_at=moment)
                else:
                    values = {"retired_at": moment, "drain_by": clock.after(self._settings.drain_s, moment)}
                    LIFE.move(session, InstanceRow, row.id, InstanceState.RETIRED, **values)
            session.expire_all()
            if run is not None and run.rollout is not None and any(row.process_type == WEB for row in rows):
                self._router.point(session, app_id, run.rollout, records.web_backends(session, app_id, run.rollout))
        self._look_at(app_id)

    def check_engine(self, app_id: AppId) -> None:
        """Raises Away while the engine does not answer."""
        self._runtime.containers(app_id)

    def current(self, app_id: AppId) -> RunSpec | None:
        """What the app runs; None before its first release."""
        with self._database.read() as session:
            return records.read_spec(session, app_id, self._sealer)

    def versions(self) -> dict[AppId, int]:
        """The number of the release that each app runs, in one query."""
        with self._database.read() as session:
            found = session.execute(select(AppRunRow.app_id, AppRunRow.version).where(AppRunRow.version.is_not(None)))
            return {AppId(app_id): version or 0 for app_id, version in found}

    def moved(self, app_id: AppId, release_id: str, image_ref: str) -> None:
        """The image of a release has another reference in the registry now."""
        with self._database.write() as session:
            references.move(session, app_id, release_id, image_ref)

    def current_version(self, app_id: AppId) -> int | None:
        with self._database.read() as session:
            return session.scalar(select(AppRunRow.version).where(AppRunRow.app_id == app_id))

    def instances(self, app_id: AppId) -> list[Instance]:
        """The app's instances that are not over, by process."""
        with self._database.read() as session:
            rows = records.live_rows(session, app_id)
        rows.sort(key=lambda row: (row.process_type, row.number, row.created_at))
        return [records.to_instance(row, self._settings) for row in rows]

    def all_instances(self) -> dict[AppId, list[Instance]]:
        """Every app's instances, in one query."""
        found: dict[AppId, list[Instance]] = defaultdict(list)
        live = select(InstanceRow).where(InstanceRow.state != InstanceState.STOPPED)
        with self._database.read() as session:
            for row in session.scalars(live.order_by(InstanceRow.process_type, InstanceRow.number)):
                found[AppId(row.app_id)].append(records.to_instance(row, self._settings))
        return dict(found)

    def logs(
        self,
        app_id: AppId,
        lines: int = 100,
        follow: bool = False,
        process: str | None = None,
        gone: Callable[[], bool] = lambda: False,
    ) -> Iterator[LogLine | None]:
        """The last `lines` lines of all instances, by time; with `follow` also what comes, and None as a tick (1 s)."""
        return self._logs.read(app_id, lines, follow, process, gone)

    def highest_version(self, app_id: AppId) -> int:
        """The highest release number that any of the app's containers carries; 0 without any."""
        return max((container.version for container in self._runtime.containers(app_id)), default=0)

    def reconcile(self) -> None:
        """One look at everything."""
        finished(self._reconciler.everything())

    def reconcile_app(self, app_id: AppId) -> None:
        """One look at one app; the loop goes on with what takes longer."""
        finished(self._reconciler.apps([app_id]))

    def before_routes(self) -> None:
        """To be called before a router starts with the routes in the records: none leads to what is not there."""
        self._reconciler.note_ended()

    def run_loop(self, stop: threading.Event) -> None:
        """Reconcile on engine events and every `loop_s`, until `stop` is set."""
        self._loop.run(stop)

    def stop_app(self, app_id: AppId) -> None:
        """End all instances of an app, with their grace, and forget what it should run; returns when they are gone."""
        self._endgame.stop(app_id)

    def forget_app(self, app_id: AppId) -> None:
        """Stop the app and delete its records; addresses are freed once no router lists them."""
        self._endgame.stop(app_id)
        self._keepsakes.forget(app_id)
        with self._database.write() as session:
            for table in (AppRunRow, FormationRow, InstanceRow, RunRow, CronRow, CronRunRow):
                session.execute(delete(table).where(table.app_id == app_id))

    def _look_at(self, app_id: AppId) -> None:
        """Have this process's loop, if it runs one, and the worker's look at the app."""
        self._agenda.add(app_id)
        self._wake(app_id)
