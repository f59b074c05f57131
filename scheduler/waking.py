"""Instances that were kept frozen become instances of the release that brings theirs back.

They are claimed first, in the transaction that records the rollout's new instances: from then on they are like any that
was started and is not healthy yet. So whatever happens to the rollout happens to them, and a rollout that fails, or
whose worker dies, leaves none of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.leases import Lease
from core.secrets import Sealer
from core.states import LostRace
from scheduler import health, records, warm
from scheduler.runtime import Runtime
from scheduler.settings import SchedulerSettings
from scheduler.states import LIFE, InstanceState
from scheduler.tables import AppRunRow, InstanceRow
from scheduler.types import WEB, RunSpec


@dataclass(frozen=True)
class Waking:
    """Finds and claims what is kept frozen. The caller holds the app's line."""

    database: Database
    runtime: Runtime
    sealer: Sealer
    settings: SchedulerSettings

    def frozen(self, spec: RunSpec) -> frozenset[str]:
        """The instances, seen frozen, that are what fresh web instances of `spec` would be."""
        with self.database.read() as session:
            run = session.get(AppRunRow, spec.app_id)
            if run is None or run.warm_rollout is None or run.warm_likeness != warm.likeness(spec, self.settings):
                return frozenset()
            live = records.read_spec(session, spec.app_id, self.sealer)
            if live is None or live.env != spec.env:
                return frozenset()
            kept = InstanceRow.state == InstanceState.WARM, InstanceRow.rollout == run.warm_rollout
            ids = set(session.scalars(select(InstanceRow.id).where(InstanceRow.app_id == spec.app_id, *kept)))
        if not ids:
            return frozenset()
        paused = (one for one in self.runtime.containers(spec.app_id) if one.paused)
        return frozenset(one.instance_id for one in paused if one.instance_id in ids)

    def claim(
        self, session: Session, spec: RunSpec, rollout: str, lease: Lease, ids: Collection[str], web: int
    ) -> list[InstanceRow]:
        """Make those of `ids` that the loop has not ended meanwhile, at most `web`, instances of this rollout."""
        wanted = InstanceRow.id.in_(ids), InstanceRow.process_type == WEB, InstanceRow.number <= web
        claimed = []
        for row in session.scalars(select(InstanceRow).where(*wanted)):
            values = {
                "rollout": rollout,
                "fence": lease.fence,
                "version": spec.version,
                "boot_by": clock.after(health.patience_s(spec, WEB, self.settings)),
                "failures": 0,
                "unready": False,
                "detail": "",
                "warm_at": None,
            }
            try:
                guard = InstanceRow.state == InstanceState.WARM
                LIFE.move(session, InstanceRow, row.id, InstanceState.STARTING, guard, **values)
            except LostRace:
                continue
            session.refresh(row)
            claimed.append(row)
        return claimed
