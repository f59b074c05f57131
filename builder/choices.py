"""What people have chosen for an app's builds; without a choice, Portside decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import delete, select

from builder.debian import DEFAULT, stack_named
from builder.pick import known_pack
from builder.tables import BuildChoiceRow
from core.database import Database
from core.ids import AppId


@dataclass(frozen=True)
class Choice:
    """`stack` is a stack's name; `pack` a pack's, "" when it is detected."""

    stack: str = DEFAULT.name
    pack: str = ""


class Choices:
    """Choices in the database: apps that never chose have no row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, app_id: AppId) -> Choice:
        """An app's choice."""
        with self._database.read() as session:
            row = session.get(BuildChoiceRow, app_id)
            return Choice() if row is None else Choice(row.stack, row.pack)

    def all(self) -> Mapping[str, Choice]:
        """The choices of all apps that made one."""
        with self._database.read() as session:
            return {row.app_id: Choice(row.stack, row.pack) for row in session.scalars(select(BuildChoiceRow))}

    def choose_stack(self, app_id: AppId, name: str) -> None:
        """The stack of the next build; raises UserError for one that there is not."""
        stack_named(name)
        self._keep(app_id, stack=name)

    def choose_pack(self, app_id: AppId, name: str) -> None:
        """The pack of the next build, "" to let it be detected; raises UserError for one that there is not."""
        self._keep(app_id, pack=known_pack(name).name if name else "")

    def _keep(self, app_id: AppId, **changes: str) -> None:
        with self._database.write() as session:
            row = session.get(BuildChoiceRow, app_id)
            found = Choice() if row is None else Choice(row.stack, row.pack)
            chosen = replace(found, **changes)
            session.merge(BuildChoiceRow(app_id=app_id, stack=chosen.stack, pack=chosen.pack))

    def forget(self, app_id: AppId) -> None:
        with self._database.write() as session:
            session.execute(delete(BuildChoiceRow).where(BuildChoiceRow.app_id == app_id))
