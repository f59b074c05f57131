"""How many connections a process has, and what it does when the server has broken them off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from core import postgres
from core.database import Database
from core.errors import Unavailable
from core.leases import Leases
from tests.postgres import at_once

pytestmark = pytest.mark.engine
BREAK_OFF = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def test_three_processes_leave_room_in_a_server_of_the_usual_size(on_postgres: Database) -> None:
    pool = on_postgres.engine.pool
    assert isinstance(pool, QueuePool)
    assert (pool.size(), pool.timeout()) == (postgres.KEPT, postgres.TURN_S)
    assert 3 * postgres.MOST + 5 <= 97


def test_writers_in_a_queue_have_a_connection_each(on_postgres: Database) -> None:
    leases = Leases(on_postgres)
    took = at_once(postgres.MOST, lambda: leases.take("wanted"))
    assert [each for each in took if isinstance(each, Exception)] == []


def ask_twice(database: Database, meanwhile: Callable[[], object]) -> None:
    with database.read() as session:
        session.scalar(text("SELECT 1"))
        meanwhile()
        session.scalar(text("SELECT 1"))


def test_a_connection_that_breaks_in_use_is_told_and_the_next_one_works(on_postgres: Database) -> None:
    other = Database(on_postgres.engine.url.render_as_string(hide_password=False))
    with on_postgres.read() as breaker, pytest.raises(Unavailable, match="The records can't be reached"):
        ask_twice(other, lambda: breaker.execute(BREAK_OFF))
    assert Leases(other).take("wanted") is not None
    other.close()


def test_one_that_broke_while_it_rested_is_noticed_by_nobody(on_postgres: Database) -> None:
    other = Database(on_postgres.engine.url.render_as_string(hide_password=False))
    assert Leases(other).take("one") is not None
    with on_postgres.read() as breaker:
        breaker.execute(BREAK_OFF)
    assert Leases(other).take("two") is not None
    other.close()
