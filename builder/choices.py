"""What people have chosen for an app's builds; without a choice, Portside decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, select

from builder.debian import DEFAULT, stack_named
from builder.pick import selection
from builder.tables import BuildChoiceRow
from core.database import Database
from core.ids import AppId


@dataclass(frozen=True)
class Choice:
    """`stack` is a stack's name; `packs` that of a pack, or the addresses of buildpacks; () when it is detected."""

    stack: str = DEFAULT.name
    packs: tuple[str, ...] = ()


class Choices:
    """Choices in the database: apps that never chose have no row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, app_id: AppId) -> Choice:
        """An app's choice."""
        with self._database.read() as session:
            row = session.get(BuildChoiceRow, app_id)
            return _choice(row)

    def all(self) -> Mapping[str, Choice]:
        """The choices of all apps that made one."""
        with self._database.read() as session:
            return {row.app_id: _choice(row) for row in session.scalars(select(BuildChoiceRow))}

    def choose_stack(self, app_id: AppId, name: str) -> None:
        """The stack of the next build; raises UserError for one that there is not."""
        stack_named(name)
        self._keep(app_id, lambda choice: replace(choice, stack=name))

    def choose_packs(self, app_id: AppId, names: Sequence[str]) -> None:
        """The pack or the buildpacks of the next build, () to let it be found out; raises UserError."""
        packs = selection(names) if names else ()
        self._keep(app_id, lambda choice: replace(choice, packs=packs))

    def _keep(self, app_id: AppId, change: Callable[[Choice], Choice]) -> None:
        with self._database.write() as session:
            row = session.get(BuildChoiceRow, app_id)
            chosen = change(_choice(row))
            packs = json.dumps(chosen.packs)
            session.merge(BuildChoiceRow(app_id=app_id, stack=chosen.stack, packs_json=packs))

    def forget(self, app_id: AppId) -> None:
        with self._database.write() as session:
            session.execute(delete(BuildChoiceRow).where(BuildChoiceRow.app_id == app_id))


def _choice(row: BuildChoiceRow | None) -> Choice:
    return Choice() if row is None else Choice(row.stack, tuple(json.loads(row.packs_json)))
