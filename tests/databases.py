"""Databases of tests: every table is made once and the file copied, for making them takes longer than most tests."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from sqlalchemy import event

from core.database import Base, Database


def new_database(path: Path) -> Database:
    """A database with every known table and nothing in them, in a new file at `path`."""
    path.write_bytes(_with_tables(frozenset(Base.metadata.tables)))
    return unsynced(Database(f"sqlite:///{path}"))


def unsynced(database: Database) -> Database:
    """The same, which waits for no disk when it commits: it need not outlive a power cut, only its test."""
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return database


@functools.cache
def _with_tables(known: frozenset[str]) -> bytes:
    """The file; made anew when a module was imported since that brings further tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database(f"sqlite:///{path}")
        database.create_tables()
        database.close()  # its last connection moves the write-ahead log into the file
        return path.read_bytes()
