"""On PostgreSQL as on SQLite: a read sees one moment, and writers queue."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from core import clock
from core.database import Database
from core.errors import Unavailable
from core.leases import Lease, LeaseRow, Leases
from tests.postgres import at_once

pytestmark = pytest.mark.engine


def add(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(LeaseRow(name=name, owner="", fence=1, expires_at=clock.now()))


def be_hasty(connection: Any, _record: Any) -> None:
    connection.execute("SET lock_timeout = 20")
    connection.commit()


def test_a_read_of_two_statements_sees_one_moment(on_postgres: Database) -> None:
    add(on_postgres, "before")
    with on_postgres.read() as session:
        first = list(session.scalars(select(LeaseRow.name)))
        add(on_postgres, "meanwhile")
        assert list(session.scalars(select(LeaseRow.name))) == first == ["before"]
    with on_postgres.read() as session:
        assert set(session.scalars(select(LeaseRow.name))) == {"before", "meanwhile"}


def test_what_is_read_in_a_write_still_holds_when_it_is_written(on_postgres: Database) -> None:
    add(on_postgres, "counted")

    def count() -> None:
        for _ in range(5):
            with on_postgres.write() as session:
                row = session.get_one(LeaseRow, "counted")
                row.fence += 1

    assert at_once(8, count) == [None] * 8
    with on_postgres.read() as session:
        assert session.get_one(LeaseRow, "counted").fence == 41


def test_a_lease_that_nobody_had_yet_has_one_holder(on_postgres: Database) -> None:
    leases = Leases(on_postgres)
    took = at_once(8, lambda: leases.take("wanted"))
    assert [type(each) for each in took if each is not None] == [Lease]


def test_a_read_writes_nothing(on_postgres: Database) -> None:
    with on_postgres.read() as session, pytest.raises(DBAPIError, match="read-only transaction"):
        session.execute(text("DELETE FROM leases"))


def test_a_connection_that_has_read_can_write(on_postgres: Database) -> None:
    for name in ("a", "b"):
        with on_postgres.read() as session:
            assert session.get(LeaseRow, name) is None
        add(on_postgres, name)


def test_a_writer_that_never_gets_its_turn_is_told_so(on_postgres: Database) -> None:
    hasty = Database(on_postgres.engine.url.render_as_string(hide_password=False))
    event.listen(hasty.engine, "connect", be_hasty)
    with on_postgres.write(), pytest.raises(Unavailable) as caught:
        Leases(hasty).take("wanted")
    hasty.close()
    assert caught.value.message == "Nothing could be recorded for 10 s: somebody else wrote all the time."


def test_a_writer_that_is_frozen_holds_up_the_others_for_half_a_minute(on_postgres: Database) -> None:
    asked = text("SHOW idle_in_transaction_session_timeout")
    with on_postgres.write() as session:
        assert session.scalar(asked) == "30s"
    with on_postgres.read() as session:
        assert session.scalar(asked) == "0"
