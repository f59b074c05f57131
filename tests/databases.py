"""Databases of tests: tables are made once and the file copied, and a statement is compiled once for all databases.

Either takes longer than most tests.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, event

from core.database import Base, Database

_compiled: dict[Any, Any] = {}
"""What SQLAlchemy has compiled, by statement and dialect: see its `compiled_cache` option."""


def new_database(path: Path) -> Database:
    """A database with every known table and nothing in them, in a new file at `path`."""
    content, dialect = _with_tables(frozenset(Base.metadata.tables))
    path.write_bytes(content)
    database = unsynced(Database(f"sqlite:///{path}"))
    database.engine.dialect = dialect
    database.engine.update_execution_options(compiled_cache=_compiled)
    return database


def unsynced(database: Database) -> Database:
    """The same, which waits for no disk when it commits: it need not outlive a power cut, only its test."""
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return database


@functools.cache
def _with_tables(known: frozenset[str]) -> tuple[bytes, Dialect]:
    """The file and the dialect that wrote it; made anew when a module was imported that brings further tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database(f"sqlite:///{path}")
        database.create_tables()
        database.close()  # its last connection moves the write-ahead log into the file
        return path.read_bytes(), database.engine.dialect
