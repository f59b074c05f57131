"""Moves are decided by the table and, among rivals, by the database."""

from __future__ import annotations

import multiprocessing
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.database import Database
from core.states import IllegalMove, LifeCycle, LostRace
from tests.databases import unsynced


class Lamp(StrEnum):
    OFF = "off"
    ON = "on"
    BROKEN = "broken"


LAMP = LifeCycle(
    {
        Lamp.OFF: frozenset({Lamp.ON}),
        Lamp.ON: frozenset({Lamp.OFF, Lamp.BROKEN}),
        Lamp.BROKEN: frozenset(),
    }
)


class Own(DeclarativeBase):
    """A base of the test's own: the platform's tables are what its migrations make."""


class LampRow(Own):
    __tablename__ = "test_lamps"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    switched: Mapped[int] = mapped_column(default=0)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    found = unsynced(Database(f"sqlite:///{tmp_path / 'lamps.db'}"))
    Own.metadata.create_all(found.engine)
    with found.write() as session:
        session.add(LampRow(id="hall", state=Lamp.OFF))
    return found


def state_of(database: Database) -> str:
    with database.read() as session:
        return session.get_one(LampRow, "hall").state


def test_a_legal_move_is_written_with_its_values(database: Database) -> None:
    with database.write() as session:
        LAMP.move(session, LampRow, "hall", Lamp.ON, switched=1)
    with database.read() as session:
        row = session.get_one(LampRow, "hall")
        assert (row.state, row.switched) == (Lamp.ON, 1)


def test_an_illegal_move_changes_nothing(database: Database) -> None:
    with pytest.raises(LostRace), database.write() as session:
        LAMP.move(session, LampRow, "hall", Lamp.BROKEN)
    assert state_of(database) == Lamp.OFF


def test_a_state_that_nothing_leads_to_can_not_be_entered(database: Database) -> None:
    one_way = LifeCycle({Lamp.OFF: frozenset({Lamp.ON}), Lamp.ON: frozenset()})
    with pytest.raises(IllegalMove), database.write() as session:
        one_way.move(session, LampRow, "hall", Lamp.OFF)


def test_a_guard_that_is_false_refuses_the_move(database: Database) -> None:
    with pytest.raises(LostRace), database.write() as session:
        LAMP.move(session, LampRow, "hall", Lamp.ON, LampRow.switched == 99)
    assert state_of(database) == Lamp.OFF


def test_a_table_must_have_a_row_for_every_state_it_names() -> None:
    with pytest.raises(ValueError, match="no row for"):
        LifeCycle({Lamp.OFF: frozenset({Lamp.ON})})


@given(st.lists(st.sampled_from(list(Lamp)), max_size=12))
def test_only_walks_along_the_table_are_allowed(walk: list[Lamp]) -> None:
    here = Lamp.OFF
    for step in walk:
        assert LAMP.allows(here, step) == (here in LAMP.before(step))
        if LAMP.allows(here, step):
            assert not LAMP.is_final(here)
            here = step


def _toggle(url: str, times: int) -> None:
    """Move the lamp on or off `times` times, counting each move that won in the same statement."""
    database = unsynced(Database(url))
    won = 0
    while won < times:
        with database.read() as session:
            to = Lamp.ON if session.get_one(LampRow, "hall").state == Lamp.OFF else Lamp.OFF
        try:
            with database.write() as session:
                LAMP.move(session, LampRow, "hall", to, switched=LampRow.switched + 1)
            won += 1
        except LostRace:
            continue


@pytest.mark.programs
def test_of_many_processes_each_move_is_won_by_exactly_one(database: Database) -> None:
    context = multiprocessing.get_context("fork")
    rivals = [context.Process(target=_toggle, args=(database.url, 500)) for _ in range(4)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(timeout=120)
    assert [rival.exitcode for rival in rivals] == [0, 0, 0, 0]
    with database.read() as session:
        assert session.get_one(LampRow, "hall").switched == 2000
