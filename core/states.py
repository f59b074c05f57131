"""Life cycles: one enum and one transition table each, and moves that the database itself refuses when illegal.

A state moves by one guarded statement, `UPDATE … WHERE id AND state [AND the lease's fence]`, whose row count is
checked. A worker that comes late gets an error, never a silent win.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from core.errors import PortsideError

S = TypeVar("S", bound=StrEnum)


class IllegalMove(PortsideError):
    """That state cannot follow the present one."""


class LostRace(PortsideError):
    """The record was moved by somebody else in the meantime."""


class LifeCycle(Generic[S]):
    """The transition table of one kind of record: `{state: the states that may follow it}`.

    A state with nothing after it is final.
    """

    def __init__(self, table: Mapping[S, frozenset[S]]) -> None:
        self._after = dict(table)
        named = {state for followers in self._after.values() for state in followers}
        missing = named - self._after.keys()
        if missing:
            raise ValueError(f"no row for {sorted(missing)}")

    def allows(self, before: S, then: S) -> bool:
        return then in self._after[before]

    def is_final(self, state: S) -> bool:
        return not self._after[state]

    @property
    def final(self) -> frozenset[S]:
        return frozenset(state for state, followers in self._after.items() if not followers)

    def before(self, state: S) -> frozenset[S]:
        """The states from which `state` may be reached in one move."""
        return frozenset(before for before, followers in self._after.items() if state in followers)

    def move(
        self,
        session: Session,
        model: Any,
        record_id: str,
        to: S,
        *guards: ColumnElement[bool],
        **values: Any,
    ) -> None:
        """Move the row `record_id` of `model` to `to`, setting `values` in the same statement.

        `guards` are further conditions (a fence). Raises LostRace when no row was in a state that may precede `to`
        with the guards true; IllegalMove when no state at all may precede it.
        """
        allowed = self.before(to)
        if not allowed:
            raise IllegalMove(f"nothing moves to {to}")
        statement = update(model).where(model.id == record_id, model.state.in_(sorted(allowed)), *guards)
        moved = session.execute(statement.values(state=to, **values).execution_options(synchronize_session=False))
        if moved.rowcount != 1:  # type: ignore[attr-defined]
            raise LostRace(f"{model.__tablename__} {record_id} did not move to {to}")
