"""What people may wish of an app's instances, and what they are told when it can't be."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from core.errors import UserError
from core.ids import AppId
from scheduler import records, shrink
from scheduler.states import InstanceState
from scheduler.tables import AppRunRow, FormationRow, InstanceRow
from scheduler.types import WEB

MOST_INSTANCES = 100
_LIVE = sorted({InstanceState.STARTING, InstanceState.RUNNING, InstanceState.CRASHED})


def named(session: Session, app_id: AppId, run: AppRunRow | None, process: str | None, verb: str) -> list[InstanceRow]:
    """The live release's instances of that name or type (None: all). UserError when there is none."""
    found = [
        row
        for row in records.live_rows(session, app_id)
        if run is not None
        and row.rollout == run.rollout
        and row.state in _LIVE
        and process in (None, row.process_type, records.process_of(row))
    ]
    if not found:
        raise UserError(f"There is no running {process or 'instance'} to {verb}.", "See `portside ps` for what runs.")
    return found


def require_scalable(name: str, quantity: int, rows: Mapping[str, FormationRow]) -> None:
    """Raise UserError unless a type can have that many instances."""
    if not rows:
        raise UserError("This app has no release that runs anything yet.", "Push it first: `git push portside main`.")
    if name not in rows:
        known = ", ".join(sorted(rows))
        raise UserError(f"There is no process type {name!r}; this release has: {known}.", "Add it to the Procfile.")
    if not 0 <= quantity <= MOST_INSTANCES:
        message = f"{name}={quantity} is not possible: a type has 0 to {MOST_INSTANCES} instances."
        raise UserError(message, f"For example: `portside ps:scale {name}=2`.")


def shrink_rules(rules: Mapping[str, str]) -> dict[str, str]:
    """Rules of how far types may shrink, as they are stored; "" takes one back. Raise UserError for a bad one."""
    for name in rules:
        if name != WEB:
            message = f"{name} can't shrink: only {WEB} takes requests, which what is left goes on serving."
            raise UserError(message, 'Say `"overlap": false` of it in app.json: its old instances end first.')
    return {name: rule and shrink.canonical(rule) for name, rule in rules.items()}
