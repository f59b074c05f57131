"""Writers queue, and a full disk is told to people as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

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
    assert found == ["wal", 1, 10_000]


def test_a_full_disk_is_said_with_what_to_do(database: Database) -> None:
    with database.write() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(Unavailable) as caught, database.write() as session:
        session.execute(text("CREATE TABLE filler AS SELECT randomblob(100000) AS bytes"))
    assert caught.value.message == "The server's disk is full, so nothing can be recorded."
    assert caught.value.hint == "Free space on it; `portside-server doctor` says how."
