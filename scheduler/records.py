"""Reading and writing the scheduler's records."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import in_parts
from core.ids import AppId, new_id
from core.leases import LeaseRow
from core.secrets import Sealer
from router import Backend
from scheduler import addresses, beginning, checks, health, shrink
from scheduler.backoff import next_attempt
from scheduler.checks import HealthCheck
from scheduler.mounts import mounts_of
from scheduler.settings import SchedulerSettings
from scheduler.sizes import limits_of
from scheduler.states import InstanceState
from scheduler.tables import AppRunRow, FormationRow, InstanceRow
from scheduler.types import STANDARD, WEB, Formation, Instance, ProcessType, RunSpec, line_of


@dataclass(frozen=True)
class AppRecord:
    """What the records say of one app: what it should run, and every instance that is not yet over.

    `line_fence` is the fence of whoever is making a release of this app just now; None when nobody is. Of the types in
    `alone` two instances never run in one place; the types, and places (`web.3`), in `held` a deploy has in its hands.
    `warm_rollout` is the one before, if its drained instances may be kept frozen. `watched`: see `AppRunRow`.
    """

    app_id: AppId
    rollout: str | None = None
    wanted: dict[str, int] = field(default_factory=dict)
    instances: tuple[InstanceRow, ...] = ()
    line_fence: int | None = None
    alone: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    warm_rollout: str | None = None
    watched: bool = False


@dataclass(frozen=True)
class Slot:
    """A place in a formation to be filled: `web` number 1, after so many crashes in a row."""

    process_type: str
    number: int
    failures: int = 0


def load_apps(session: Session, app_ids: Collection[AppId] | None = None) -> dict[AppId, AppRecord]:
    """The records of these apps (None: of all that have any), in a few queries whatever their number."""
    held = (AppRunRow.held_fence, AppRunRow.held_types)
    runs = select(AppRunRow.app_id, AppRunRow.rollout, *held, AppRunRow.warm_rollout, AppRunRow.watched)
    wanted = select(FormationRow).where(FormationRow.offered)
    live = select(InstanceRow).where(InstanceRow.state != InstanceState.STOPPED)
    if app_ids is not None:
        runs = runs.where(AppRunRow.app_id.in_(app_ids))
        wanted = wanted.where(FormationRow.app_id.in_(app_ids))
        live = live.where(InstanceRow.app_id.in_(app_ids))
    rollouts: dict[AppId, str | None] = {}
    holds: dict[AppId, tuple[int, str]] = {}
    warm: dict[AppId, str | None] = {}
    watched: set[AppId] = set()
    for app_id, rollout, held_fence, held_types, warm_rollout, is_watched in session.execute(runs):
        rollouts[AppId(app_id)], warm[AppId(app_id)] = rollout, warm_rollout
        if is_watched:
            watched.add(AppId(app_id))
        if held_fence is not None:
            holds[AppId(app_id)] = (held_fence, held_types)
    quantities: dict[str, dict[str, int]] = defaultdict(dict)
    alone: dict[str, set[str]] = defaultdict(set)
    for formation in session.scalars(wanted):
        quantities[formation.app_id][formation.process_type] = formation.quantity
        if not formation.overlap:
            alone[formation.app_id].add(formation.process_type)
    instances: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in session.scalars(live.order_by(InstanceRow.created_at)):
        instances[row.app_id].append(row)
    known = rollouts.keys() | {AppId(app_id) for app_id in instances}
    unsure = [app for app in known if app in holds or _unfinished(rollouts.get(app), instances[app])]
    fences = _line_fences(session, unsure)
    return {
        app: AppRecord(
            app,
            rollouts.get(app),
            quantities[app],
            tuple(instances[app]),
            fences.get(app),
            frozenset(alone[app]),
            _held(holds.get(app), fences.get(app)),
            warm.get(app),
            app in watched,
        )
        for app in known
    }


def is_place(name: str) -> bool:
    """Whether what is held is one place (`web.3`), not a whole type."""
    return "." in name


def is_held(slot: Slot, held: Collection[str]) -> bool:
    return slot.process_type in held or f"{slot.process_type}.{slot.number}" in held


def held_types(session: Session, run: AppRunRow) -> frozenset[str]:
    """The types and places that a deploy which still holds the line has in its hands."""
    if run.held_fence is None:
        return frozenset()
    app_id = AppId(run.app_id)
    return _held((run.held_fence, run.held_types), _line_fences(session, [app_id]).get(app_id))


def _held(hold: tuple[int, str] | None, line_fence: int | None) -> frozenset[str]:
    return frozenset(hold[1].split(",")) if hold is not None and hold[0] == line_fence else frozenset()


def _unfinished(rollout: str | None, instances: Iterable[InstanceRow]) -> bool:
    return any(row.rollout != rollout and row.state == InstanceState.STARTING for row in instances)


def _line_fences(session: Session, apps: Sequence[AppId]) -> dict[AppId, int]:
    lines = {line_of(app): app for app in apps}
    held = select(LeaseRow.name, LeaseRow.fence).where(LeaseRow.expires_at > clock.now())
    parts = [session.execute(held.where(LeaseRow.name.in_(names))) for names in in_parts(lines)]
    return {lines[name]: fence for part in parts for name, fence in part}


def locked_run(session: Session, app_id: AppId) -> AppRunRow | None:
    """The app's row, locked until the transaction ends (SQLite: the whole transaction already is)."""
    return session.get(AppRunRow, app_id, with_for_update=True, populate_existing=True)


def live_rows(session: Session, app_id: AppId) -> list[InstanceRow]:
    """The instances of an app that are not over, oldest first."""
    live = select(InstanceRow).where(InstanceRow.app_id == app_id, InstanceRow.state != InstanceState.STOPPED)
    return list(session.scalars(live.order_by(InstanceRow.created_at)))


def add_instances(
    session: Session,
    spec: RunSpec,
    rollout: str,
    fence: int,
    slots: Sequence[Slot],
    settings: SchedulerSettings,
    listed: Collection[str],
) -> list[InstanceRow]:
    """New rows for `slots`, each with an address and a deadline for becoming healthy."""
    ids = [new_id() for _ in slots]
    leased = addresses.lease(session, settings.subnet, ids, listed)
    moment = clock.now()
    rows = [
        InstanceRow(
            id=instance_id,
            app_id=spec.app_id,
            rollout=rollout,
            fence=fence,
            version=spec.version,
            process_type=slot.process_type,
            number=slot.number,
            state=InstanceState.STARTING,
            address=leased[instance_id],
            port=spec.port,
            failures=slot.failures,
            replace=False,
            detail="",
            created_at=moment,
            boot_by=clock.after(health.patience_s(spec, slot.process_type, settings), moment),
        )
        for instance_id, slot in zip(ids, slots, strict=True)
    ]
    session.add_all(rows)
    return rows


def web_backends(session: Session, app_id: AppId, rollout: str) -> list[Backend]:
    """What the route of the live release should lead to: what is ready, or all that run while nothing is."""
    rows = [row for row in live_rows(session, app_id) if row.process_type == WEB and row.rollout == rollout]
    running = [row for row in rows if row.state == InstanceState.RUNNING]
    ready = [row for row in running if not row.unready]
    return [Backend(row.id, row.address, row.port) for row in ready or running]


def mark_started(session: Session, row: InstanceRow, container_id: str) -> None:
    """The time for becoming healthy begins now, however long it waited for its turn."""
    moment = clock.now()
    values = {"container_id": container_id, "started_at": moment, "boot_by": row.boot_by + (moment - row.created_at)}
    session.execute(update(InstanceRow).where(InstanceRow.id == row.id).values(**values))


def store_spec(row: AppRunRow, spec: RunSpec, rollout: str, sealer: Sealer) -> None:
    """Make `spec` what the app runs. Its mounts and sizes are records of their own."""
    plain = dataclasses.asdict(dataclasses.replace(spec, env={}, mounts=(), sizes={}, checks={}, health={}))
    plain["health"] = {name: checks.write(said) for name, said in spec.health.items()}
    row.rollout, row.release_id, row.version = rollout, spec.release_id, spec.version
    row.spec, row.sealed_env = json.dumps(plain), sealer.seal(spec.env)
    row.held_fence, row.held_types = None, ""
    row.watched = spec.is_watched


def read_spec(session: Session, app_id: AppId, sealer: Sealer) -> RunSpec | None:
    """What the app runs; None before its first release."""
    row = session.get(AppRunRow, app_id)
    if row is None or row.rollout is None:
        return None
    plain: dict[str, Any] = json.loads(row.spec)
    plain["processes"] = tuple(ProcessType(**process) for process in plain["processes"])
    plain["health"] = {name: _checks(said) for name, said in plain["health"].items()}
    own: dict[str, Any] = {"mounts": mounts_of(session, app_id), "sizes": sizes_of(session, app_id)}
    own["checks"] = checks_of(session, app_id)
    return RunSpec(**{**plain, **own, "env": sealer.unseal(row.sealed_env)})


def _checks(said: Any) -> tuple[HealthCheck, ...]:
    """The checks of a type, as `store_spec` wrote them; before it knew more of them than a path, it wrote that."""
    return checks.read(said if isinstance(said, str) else said["path"] or "[]")


def sizes_of(session: Session, app_id: AppId) -> dict[str, str]:
    """The sizes of the types that are not `standard`, whether the live release has them or not."""
    return {row.process_type: row.size for row in formation_rows(session, app_id) if row.size != STANDARD}


def checks_of(session: Session, app_id: AppId) -> dict[str, tuple[HealthCheck, ...]]:
    """The checks that were set for the app's types."""
    return {row.process_type: checks.read(row.checks) for row in formation_rows(session, app_id) if row.checks}


def quantities_for(session: Session, spec: RunSpec) -> dict[str, int]:
    """How many of each type `spec` starts."""
    return beginning.quantities(spec, formation_rows(session, spec.app_id))


def store_formation(session: Session, spec: RunSpec) -> None:
    """Keep what `quantities_for` says, and which types the release offers."""
    quantities = quantities_for(session, spec)
    rows = {row.process_type: row for row in formation_rows(session, spec.app_id)}
    for row in rows.values():
        row.offered = row.process_type in quantities
    for process in spec.processes:
        size = spec.sizes.get(process.name, STANDARD)
        new = FormationRow(app_id=spec.app_id, process_type=process.name, offered=True, size=size)
        row = rows.get(process.name, new)
        row.quantity, row.command = quantities[process.name], process.command
        row.overlap, row.said_shrink = spec.may_overlap(process.name), spec.shrink.get(process.name, "")
        session.add(row)


def formation_rows(session: Session, app_id: AppId) -> list[FormationRow]:
    query = select(FormationRow).where(FormationRow.app_id == app_id)
    return list(session.scalars(query.order_by(FormationRow.process_type)))


def to_formation(row: FormationRow, settings: SchedulerSettings) -> Formation:
    limits = limits_of(row.size, settings)
    said = shrink.in_force(row.shrink, row.said_shrink)
    return Formation(row.process_type, row.quantity, row.size, row.command, limits, said)


def process_of(row: InstanceRow) -> str:
    return f"{row.process_type}.{row.number}"


def to_instance(row: InstanceRow, settings: SchedulerSettings) -> Instance:
    return Instance(
        id=row.id,
        process=process_of(row),
        state=InstanceState(row.state),
        version=row.version,
        address=row.address,
        port=row.port,
        container_id=row.container_id,
        created_at=row.created_at,
        detail=row.detail,
        next_attempt_at=next_attempt(row, settings) if row.state == InstanceState.CRASHED else None,
    )
