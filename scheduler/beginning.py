"""app.json's formation: what an app begins with. From its first release on, `ps:scale` and `ps:type` decide. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import UserError
from scheduler import sizes
from scheduler.tables import FormationRow
from scheduler.types import STANDARD, WEB, RunSpec


def quantities(spec: RunSpec, rows: Sequence[FormationRow]) -> dict[str, int]:
    """How many of each type `spec` starts: as recorded. A type seen for the first time gets 0, `web` 1 (as Heroku); in
    an app's first release, what app.json says."""
    known = {row.process_type: row.quantity for row in rows}
    said: Mapping[str, int] = {} if rows else spec.first_quantities
    return {one.name: known.get(one.name, said.get(one.name, int(one.name == WEB))) for one in spec.processes}


def first_sizes(spec: RunSpec) -> tuple[dict[str, str], list[str]]:
    """(sizes, and a line for each that is none of Portside's): `standard-1x` is a size of Heroku's."""
    found: dict[str, str] = {}
    said = []
    for process in spec.processes:
        size = spec.first_sizes.get(process.name, STANDARD)
        try:
            canonical = sizes.canonical(size)
        except UserError:
            said.append(f"{size} is no size here, so {process.name} is {STANDARD} (see: portside ps:type)")
            continue
        if canonical != STANDARD:
            found[process.name] = canonical
    return found, said


def told(spec: RunSpec, rows: Sequence[FormationRow]) -> list[str]:
    """What a push says of app.json's formation: how the app begins, or that it no longer counts."""
    names = {process.name for process in spec.processes}
    unknown = [f"app.json's formation names {name}, which is no process type" for name in sorted(_said(spec) - names)]
    if not rows:
        begins = " ".join(f"{name}={count}" for name, count in quantities(spec, rows).items() if name in _said(spec))
        return [f"As app.json's formation says, the app begins with {begins}", *unknown] if begins else unknown
    now = quantities(spec, rows)
    other = {name: count for name, count in now.items() if spec.first_quantities.get(name, count) != count}
    if not other:
        return unknown
    kept = " ".join(f"{name}={count}" for name, count in other.items())
    return [f"app.json's formation is for an app's first deploy; {kept} stays (see: portside ps:scale)", *unknown]


def _said(spec: RunSpec) -> set[str]:
    return {*spec.first_quantities, *spec.first_sizes}
