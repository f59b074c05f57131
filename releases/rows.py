"""Between the rows of the ledger and the values that others see."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.ids import AppId, UserId
from core.secrets import Sealer
from releases.bake_policy import BakePolicy
from releases.content import FIRST_PROTOCOL, Content
from releases.tables import AppRow, ReleaseRow
from releases.types import Release, ReleaseKind, ReleaseState

UNDECIDED = (ReleaseState.PENDING.value, ReleaseState.DELIVERING.value)
DECIDED_ALONE = (ReleaseRow.push_id.is_(None), ReleaseRow.state.not_in(UNDECIDED))
"""Decided, and not a push's, which has a log of its own."""


def of_push(session: Session, push_id: str | None) -> ReleaseRow | None:
    """The release that this push already made, if any."""
    if push_id is None:
        return None
    return session.scalars(select(ReleaseRow).where(ReleaseRow.push_id == push_id)).first()


def current(session: Session, app: AppRow, sealer: Sealer) -> Content:
    """What is live now; empty before the first release."""
    if app.current_release_id is None:
        return Content()
    return content(session.get_one(ReleaseRow, app.current_release_id), sealer)


def content(row: ReleaseRow, sealer: Sealer) -> Content:
    config = sealer.unseal(row.config_sealed) if row.config_sealed else {}
    return Content(**{**vars(image(row)), "config": config})


def delta(row: ReleaseRow, sealer: Sealer) -> dict[str, str | None]:
    """The config change that was asked for; None takes a key away."""
    opened = sealer.unseal(row.delta_sealed)
    removed: dict[str, str | None] = dict.fromkeys(json.loads(opened["removed"]))
    changed: dict[str, str | None] = json.loads(opened["set"])
    return removed | changed


def put_image(row: ReleaseRow, content: Content) -> None:
    row.image_id, row.image_ref, row.commit = content.image_id, content.image_ref, content.commit
    row.port = content.port
    row.processes_json = json.dumps(dict(content.processes))
    row.health_json = json.dumps(dict(content.healthchecks))
    row.overlap_json = json.dumps(dict(content.overlap))
    formation = {"quantities": content.quantities, "sizes": content.sizes, "shrink": content.shrink}
    said = {key: dict(values) for key, values in formation.items()}
    row.formation_json = json.dumps({**said, "protocol": content.protocol})
    row.cron_json = content.cron
    row.pause_json = json.dumps({"stop": content.stop, "hold_s": content.hold_s})
    row.bake_json = json.dumps(None if content.bake is None else asdict(content.bake))


def image(row: ReleaseRow) -> Content:
    """The row's image and process types, without its config."""
    pause, bake = json.loads(row.pause_json), json.loads(row.bake_json)
    formation = json.loads(row.formation_json)
    return Content(
        image_id=row.image_id,
        image_ref=row.image_ref,
        commit=row.commit,
        port=row.port,
        processes=json.loads(row.processes_json),
        healthchecks=json.loads(row.health_json),
        overlap=json.loads(row.overlap_json),
        stop=tuple(pause.get("stop", ())),
        hold_s=pause.get("hold_s", 0.0),
        bake=None if bake is None else BakePolicy(**bake),
        quantities=formation.get("quantities", {}),
        sizes=formation.get("sizes", {}),
        cron=row.cron_json,
        shrink=formation.get("shrink", {}),
        protocol=formation.get("protocol", FIRST_PROTOCOL),
    )


def release(row: ReleaseRow, app: AppRow) -> Release:
    return Release(
        id=row.id,
        app_id=AppId(row.app_id),
        version=row.version,
        state=ReleaseState(row.state),
        kind=ReleaseKind(row.kind),
        current=app.current_release_id == row.id,
        has_image_stored=bool(row.image_ref) and row.image_kept,
        image_lost=row.image_lost,
        description=row.description,
        user_id=UserId(row.user_id),
        user_email=row.user_email,
        commit=row.commit,
        image_id=row.image_id,
        image_ref=row.image_ref,
        processes=json.loads(row.processes_json),
        push_id=row.push_id,
        log_id=row.log_id,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        with_phase=row.with_phase,
    )
