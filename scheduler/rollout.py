"""A deploy: all instances of a new release start and are healthy before one switch; only then does anything old end.

Until `_switch` commits, nothing that a user sees has changed, whatever fails and wherever this process dies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from core import clock, timing
from core.database import Database
from core.edge import contained
from core.ids import AppId, new_id
from core.leases import Lease
from core.logs import LogWriter
from core.secrets import Sealer
from router import Backend, Router
from scheduler import addresses, beginning, cron_records, health, records, sizes, warm
from scheduler.boot import SHOWN_LINES, Boot
from scheduler.explainer import why_ended
from scheduler.gate import Stopped
from scheduler.handover import Handover, end_crashed
from scheduler.keepsakes import Keepsakes
from scheduler.launcher import Launcher
from scheduler.problems import failed
from scheduler.records import Slot
from scheduler.routing import take_route
from scheduler.runtime import Runtime
from scheduler.settings import SchedulerSettings
from scheduler.shrinking import Shrinking
from scheduler.sizes import limits_for
from scheduler.states import LIFE, InstanceState
from scheduler.tables import AppRunRow, InstanceRow
from scheduler.types import WEB, BootFailed, RunSpec
from scheduler.volumes import Volumes
from scheduler.waking import Waking

_PARALLEL_REMOVALS = 8


@dataclass(frozen=True)
class Rollouts:
    """Carries out deploys. One at a time per app: the caller holds the app's line."""

    database: Database
    router: Router
    runtime: Runtime
    sealer: Sealer
    settings: SchedulerSettings
    launcher: Launcher
    volumes: Volumes
    handover: Handover
    waking: Waking
    keepsakes: Keepsakes
    shrinking: Shrinking

    def deploy(
        self, spec: RunSpec, lease: Lease, log: LogWriter, before_switch: Callable[[], str], stopped: Stopped
    ) -> None:
        """Take `spec` live, or raise and leave what was live as it was."""
        if self._is_current(spec):  # whoever switched may have died right after it
            self._finish(spec.app_id, log)
            return
        self.runtime.prepare()
        own = self._with_the_apps_own(spec, log)
        self._roll(self.volumes.mounted(own), lease, log, before_switch, stopped)

    def renew(
        self, spec: RunSpec, lease: Lease, log: LogWriter, stopped: Stopped, in_switch: Callable[[Session], None]
    ) -> None:
        """Replace the instances of the live release by those of `spec`, which differs in mounts or sizes, as a deploy
        would. `in_switch` writes the records of these in the switch's own transaction.
        """
        self._roll(spec, lease, log, lambda: spec.image_ref, stopped, in_switch)

    def _with_the_apps_own(self, spec: RunSpec, log: LogWriter) -> RunSpec:
        """With the sizes and checks that belong to the app; at its first release, with app.json's sizes."""
        with self.database.read() as session:
            rows = records.formation_rows(session, spec.app_id)
            own = replace(
                spec,
                sizes=records.sizes_of(session, spec.app_id),
                checks=records.checks_of(session, spec.app_id),
            )
        for line in beginning.told(spec, rows):
            log.detail(line)
        if rows or not spec.first_sizes:
            return own
        first, said = beginning.first_sizes(spec)
        for line in said:
            log.detail(line)
        for name, size in first.items():
            sizes.require_room(name, size, self.settings, self.runtime.capacity())
        return replace(own, sizes=first)

    def _roll(
        self,
        spec: RunSpec,
        lease: Lease,
        log: LogWriter,
        before_switch: Callable[[], str],
        stopped: Stopped,
        in_switch: Callable[[Session], None] = lambda session: None,
    ) -> None:
        self.remove_unfinished(spec.app_id, lease)
        self.volumes.provide(spec, log)
        frozen = self.waking.frozen(spec)
        try:
            self._attempt(spec, frozen, lease, log, before_switch, stopped, in_switch)
        except BootFailed as error:
            if not frozen:
                raise
            log.detail(f"{error.message} So all of them start anew.")
            self._attempt(spec, frozenset(), lease, log, before_switch, stopped, in_switch)

    def _attempt(
        self,
        spec: RunSpec,
        frozen: frozenset[str],
        lease: Lease,
        log: LogWriter,
        before_switch: Callable[[], str],
        stopped: Stopped,
        in_switch: Callable[[Session], None],
    ) -> None:
        rollout = new_id()
        try:
            self.shrinking.make_room(spec, frozen, lease, log, stopped)
            rows = self._record(spec, rollout, lease, frozen)
            self._announce(spec, rows, log)
            alone = self.handover.types(spec)
            singles = [row for row in rows if row.process_type in alone]
            self._boot(spec, log).run([row for row in rows if row not in singles], stopped)
            published = replace(spec, image_ref=before_switch())
            if singles:
                self._raise_if_any_ended(spec, [row for row in rows if row not in singles])
                self.handover.take(spec, rollout, {row.process_type for row in singles}, lease, log, stopped)
                self._boot(spec, log).run(singles, stopped)
            self._raise_if_any_ended(spec, rows)
            _raise_if_asked(lease, stopped)
            with timing.step("switch"):
                self._switch(published, rollout, rows, lease, in_switch)
        except BaseException:
            with contained(f"removing the unfinished rollout of v{spec.version}"):
                self.discard(spec.app_id, rollout)
                self.handover.give_back(spec.app_id, lease)
            raise
        self._finish(spec.app_id, log)

    def _finish(self, app_id: AppId, log: LogWriter) -> None:
        """What follows a switch. It may be done twice, and what goes wrong in it makes the switch no less valid."""
        with timing.step("switch"):
            self.keepsakes.write_down(self.database, app_id)
            with contained(f"route of app {app_id}"):
                take_route(self.router, app_id, log, self.settings.router_wait_s)

    def remove_unfinished(self, app_id: AppId, lease: Lease) -> None:
        """Remove what a worker that lost its lease (an older fence) had started and not finished."""
        with self.database.read() as session:
            run = session.get(AppRunRow, app_id)
            stale = select(InstanceRow.rollout).where(
                InstanceRow.app_id == app_id,
                InstanceRow.state == InstanceState.STARTING,
                InstanceRow.fence < lease.fence,
                InstanceRow.rollout != (run.rollout if run else None),
            )
            rollouts = set(session.scalars(stale))
        for rollout in rollouts:
            self.discard(app_id, rollout)

    def discard(self, app_id: AppId, rollout: str) -> None:
        """Remove the containers of a rollout that was never live. The loop removes any that this misses."""
        with self.database.write() as session:
            mine = (InstanceRow.rollout == rollout, InstanceRow.state == InstanceState.STARTING)
            ids = list(session.scalars(select(InstanceRow.id).where(*mine)))
            for instance_id in ids:
                LIFE.move(session, InstanceRow, instance_id, InstanceState.STOPPED, ended_at=clock.now())
        if not ids:
            return
        containers = [one.id for one in self.runtime.containers(app_id) if one.instance_id in ids]
        with ThreadPoolExecutor(_PARALLEL_REMOVALS) as pool:
            list(pool.map(self.runtime.remove, containers))

    def _is_current(self, spec: RunSpec) -> bool:
        with self.database.read() as session:
            run = session.get(AppRunRow, spec.app_id)
            return run is not None and run.rollout is not None and run.release_id == spec.release_id

    def _record(self, spec: RunSpec, rollout: str, lease: Lease, frozen: frozenset[str]) -> list[InstanceRow]:
        """A row for every place: those of `frozen` are taken over, the rest is new."""
        listed = addresses.listed_by(self.router)
        with self.database.write() as session:
            lease.hold_in(session)
            wanted = records.quantities_for(session, spec)
            woken = self.waking.claim(session, spec, rollout, lease, frozen, wanted.get(WEB, 0)) if frozen else []
            filled = {(row.process_type, row.number) for row in woken}
            places = [(name, number + 1) for name, quantity in wanted.items() for number in range(quantity)]
            slots = [Slot(*place) for place in places if place not in filled]
            added = records.add_instances(session, spec, rollout, lease.fence, slots, self.settings, listed)
            return [*woken, *added]

    def _announce(self, spec: RunSpec, rows: Sequence[InstanceRow], log: LogWriter) -> None:
        woken = [row for row in rows if row.container_id is not None]
        fresh = [row for row in rows if row.container_id is None]
        if woken:
            log.step(f"Waking what was kept for v{spec.version}: {_counts(woken)}")
        if not fresh:
            return
        log.step(f"Starting v{spec.version}: {_counts(fresh)}")
        if woken:
            log.detail("The switch waits until these are healthy too.")
        if self.runtime.image(spec.image_id, spec.image_ref).is_root:
            log.detail("The image would run as root, so it runs as user 1000.")

    def _boot(self, spec: RunSpec, log: LogWriter) -> Boot:
        host = urlsplit(self.router.url(spec.app_id)).netloc if health.needs_host(spec) else ""
        return Boot(self.launcher, self.runtime, self.settings, spec, host, log)

    def _raise_if_any_ended(self, spec: RunSpec, rows: Sequence[InstanceRow]) -> None:
        """An instance may have ended while the image was being published."""
        if not rows:
            return
        running = {one.instance_id for one in self.runtime.containers(AppId(rows[0].app_id)) if one.running}
        for row in rows:
            if row.id not in running:
                found = self.runtime.look(row.container_id) if row.container_id else None
                lines = [line.text for line in self.runtime.output(found.id, SHOWN_LINES)] if found else []
                memory_mb = limits_for(spec.sizes, row.process_type, self.settings).memory_mb
                raise failed(why_ended(records.process_of(row), found, lines, memory_mb))

    def _switch(
        self,
        spec: RunSpec,
        rollout: str,
        rows: Sequence[InstanceRow],
        lease: Lease,
        in_switch: Callable[[Session], None],
    ) -> None:
        """The one transaction that makes a release the app's, guarded by the fence."""
        moment = clock.now()
        with self.database.write() as session:
            lease.hold_in(session)
            run = records.locked_run(session, spec.app_id)
            if run is None:
                run = AppRunRow(app_id=spec.app_id)
                session.add(run)
            self._keep_or_not(session, run, spec)
            records.store_spec(run, spec, rollout, self.sealer)
            records.store_formation(session, spec)
            cron_records.offer(session, spec)
            in_switch(session)
            for row in rows:
                LIFE.move(session, InstanceRow, row.id, InstanceState.RUNNING, running_at=moment)
            session.execute(self._retirement(spec.app_id, rollout, moment))
            session.execute(end_crashed(spec.app_id, rollout, moment))
            web = [Backend(row.id, row.address, row.port) for row in rows if row.process_type == WEB]
            self.router.point(session, spec.app_id, rollout, web, spec.protocol)

    def _keep_or_not(self, session: Session, run: AppRunRow, new: RunSpec) -> None:
        """Record whether the instances that this switch retires may be kept frozen; those kept before never are."""
        old = records.read_spec(session, new.app_id, self.sealer)
        if old is not None and warm.outlives(old, new, self.settings):
            run.warm_rollout, run.warm_likeness = run.rollout, warm.likeness(old, self.settings)
        else:
            run.warm_rollout, run.warm_likeness = None, ""

    def _retirement(self, app_id: AppId, rollout: str, moment: datetime) -> Update:
        old = (
            InstanceRow.app_id == app_id,
            InstanceRow.rollout != rollout,
            InstanceRow.state.in_(sorted(LIFE.before(InstanceState.RETIRED))),
        )
        values = {"retired_at": moment, "drain_by": clock.after(self.settings.drain_s, moment)}
        return update(InstanceRow).where(*old).values(state=InstanceState.RETIRED, **values)


def _counts(rows: Sequence[InstanceRow]) -> str:
    types = [row.process_type for row in rows]
    return " ".join(f"{name}={types.count(name)}" for name in dict.fromkeys(types))


def _raise_if_asked(lease: Lease, stopped: Stopped) -> None:
    lease.check()
    reason = stopped()
    if reason is not None:
        raise reason
