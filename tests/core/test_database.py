"""Writers queue, and what is for a person to mend is told as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event, text

from core.database import Database
from core.errors import Unavailable
from core.leases import LeaseRow, Leases
from tests.databases import new_database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return new_database(tmp_path / "portside.db")


def delete_and_raise(database: Database) -> None:
    with database.write() as session:
        session.delete(session.get_one(LeaseRow, "kept"))
        session.flush()
        raise ZeroDivisionError


def test_a_block_that_raises_writes_nothing(database: Database) -> None:
    Leases(database).take("kept")
    with pytest.raises(ZeroDivisionError):
        delete_and_raise(database)
    with database.read() as session:
        assert session.get(LeaseRow, "kept") is not None


def test_the_promised_pragmas_hold_on_every_connection(database: Database) -> None:
    with database.write() as session:
        found = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "busy_timeout")]
        assert session.scalar(text("PRAGMA cache_size")) == -512
    assert found == ["wal", 1, 10_000]


def test_a_full_disk_is_said_with_what_to_do(database: Database) -> None:
    with database.write() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(Unavailable) as caught, database.write() as session:
        session.execute(text("CREATE TABLE filler AS SELECT randomblob(100000) AS bytes"))
    assert caught.value.message == "The server's disk is full, so nothing can be recorded."
    assert caught.value.hint == "Free space on it; `portside-server doctor` says how."


def test_a_writer_that_never_gets_its_turn_is_told_so(database: Database) -> None:
    hasty = Database(database.url)
    event.listen(hasty.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
    with database.write(), pytest.raises(Unavailable) as caught:
        Leases(hasty).take("wanted")
    hasty.close()
    assert caught.value.message == "Nothing could be recorded for 10 s: somebody else wrote all the time."
    assert caught.value.hint == "Try again. If it happens often, the server's disk is too slow for what writes to it."
