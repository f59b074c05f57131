"""Records from an old backup meet containers of a newer release: the release is taken over as it runs.

Without this the loop would end the newer containers, which no record wants, and silently serve the older release.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.edge import contained
from core.ids import AppId
from core.secrets import Sealer
from router import Backend, Router
from scheduler import cron_records, records
from scheduler.keepsakes import Keepsake, Keepsakes
from scheduler.runtime import Container, Runtime
from scheduler.states import InstanceState
from scheduler.tables import AddressRow, AppRunRow, InstanceRow
from scheduler.types import WEB, RunSpec

log = logging.getLogger("portside.scheduler")


@dataclass(frozen=True)
class Adoption:
    """Looks once, before a loop's first pass: a database is only replaced while nothing has it open."""

    database: Database
    router: Router
    runtime: Runtime
    sealer: Sealer
    keepsakes: Keepsakes

    def look(self) -> bool:
        """Take over every release that was live after the records were backed up; whether there was any.

        Raises Unavailable.
        """
        found = list(self.keepsakes.all())
        self._catch_up({one.app_id: one for one in found})
        kept = [one for one in found if self._is_newer(one)]
        if not kept:
            return False
        containers = self.runtime.containers()
        known_apps = self.router.urls()
        for one in kept:
            if one.app_id not in known_apps:  # made after the backup: nobody could reach or manage it
                log.warning("app %s ran v%d, and the records do not know it", one.app_id, one.version)
                continue
            with contained(f"adoption of v{one.version} of app {one.app_id}"):
                self._adopt(one, newest_of(one, containers))
        return True

    def _catch_up(self, kept: Mapping[AppId, Keepsake]) -> None:
        """Write down what went live while whoever switched to it died before it could do so."""
        live = select(AppRunRow.app_id, AppRunRow.rollout, AppRunRow.version).where(AppRunRow.rollout.is_not(None))
        with self.database.read() as session:
            found = session.execute(live).all()
        for app_id, rollout, version in found:
            one = kept.get(AppId(app_id))
            if one is None or (one.rollout != rollout and one.version <= (version or 0)):
                self.keepsakes.write_down(self.database, AppId(app_id))

    def _is_newer(self, one: Keepsake) -> bool:
        with self.database.read() as session:
            version = session.scalar(select(AppRunRow.version).where(AppRunRow.app_id == one.app_id))
        return one.version > (version or 0)

    def _adopt(self, one: Keepsake, containers: Sequence[Container]) -> None:
        with self.database.write() as session:
            run = records.locked_run(session, one.app_id)
            if run is None:
                run = AppRunRow(app_id=one.app_id)
                session.add(run)
            run.rollout, run.release_id, run.version = one.rollout, one.release_id, one.version
            run.spec, run.sealed_env, run.watched = one.spec, one.sealed_env, one.watched
            run.held_fence, run.held_types, run.warm_rollout, run.warm_likeness = None, "", None, ""
            session.flush()
            spec = records.read_spec(session, one.app_id, self.sealer)
            assert spec is not None
            records.store_formation(session, spec)
            cron_records.offer(session, spec)
            rows = [_row(one, spec, container) for container in containers]
            for row in rows:
                _take(session, row)
            web = [Backend(row.id, row.address, row.port) for row in rows if row.process_type == WEB]
            self.router.point(session, one.app_id, one.rollout, web)
        log.warning("app %s: v%d runs and is newer than the records, so it is taken over", one.app_id, one.version)
        self.router.apply(one.app_id)


def newest_of(one: Keepsake, containers: Iterable[Container]) -> list[Container]:
    """The running containers of the release, one a place."""
    ours = (it for it in containers if it.app_id == one.app_id and it.version == one.version)
    running = (it for it in ours if it.running and not it.paused and it.process.rpartition(".")[2].isdigit())
    return list({container.process: container for container in running}.values())


def _row(one: Keepsake, spec: RunSpec, container: Container) -> InstanceRow:
    process_type, _, number = container.process.rpartition(".")
    moment = clock.now()
    return InstanceRow(
        id=container.instance_id,
        app_id=one.app_id,
        rollout=one.rollout,
        fence=0,
        version=one.version,
        process_type=process_type,
        number=int(number),
        state=InstanceState.RUNNING,
        address=container.address,
        port=spec.port,
        container_id=container.id,
        created_at=moment,
        boot_by=moment,
        started_at=moment,
        running_at=moment,
    )


def _take(session: Session, row: InstanceRow) -> None:
    """Record an instance as it runs, and that its address is its own."""
    session.merge(row)
    session.merge(AddressRow(address=row.address, instance_id=row.id))
