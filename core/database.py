"""The records: SQLAlchemy over SQLite (the embedded default) or PostgreSQL (by `PORTSIDE_DATABASE_URL`).

SQLite runs in WAL mode with foreign keys on and a 10 s busy timeout. Writers begin with `BEGIN IMMEDIATE`, so two of
them queue instead of failing at commit. On PostgreSQL it is the same by a lock that each writer takes first, and a read
sees one moment (docs/decisions/0031). No transaction ever spans a call to anything outside the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from core import postgres
from core.errors import Unavailable

BUSY_TIMEOUT_MS = 10_000
CACHE_KIB = 512
"""Of each connection; the kernel holds the file's pages once for all of them."""
AT_ONCE = 500
"""The values of a list that one statement names; SQLite bears 32,766 (https://www.sqlite.org/limits.html)."""
_NO_TURN = (
    f"Nothing could be recorded for {BUSY_TIMEOUT_MS // 1000} s: somebody else wrote all the time.",
    "Try again. If it happens often, the server's disk is too slow for what writes to it.",
)
_NO_CONNECTION = (
    "All of this part's connections to the database were in use for 10 s.",
    "Try again. If it happens often, the database is too slow for what is asked of it.",
)
_PROBLEMS = {
    "disk is full": (
        "The server's disk is full, so nothing can be recorded.",
        "Free space on it; `portside-server doctor` says how.",
    ),
    "database is locked": _NO_TURN,
    "55P03": _NO_TURN,
    "53100": (
        "The disk of the database server is full, so nothing can be recorded.",
        "Free space where PostgreSQL keeps its data.",
    ),
}
"""By SQLite's own words or PostgreSQL's code: what to say, and what to do."""


T = TypeVar("T")


class Base(DeclarativeBase):
    """The base of every table; each package keeps its own in its `tables.py`."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite drops the zone on the way in; this puts it back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """One engine and its sessions.

    `read()` gives a session for looking; `write()` one whose block is a transaction, committed at its end.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._sessions() as session, _told_plainly():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self._sessions() as session, _told_plainly():
            session.connection(execution_options={"portside_write": True})
            yield session
            session.commit()

    def exists(self) -> bool:
        """Whether a file is there to be opened, so that a mere look makes none; of PostgreSQL, always."""
        url = self.engine.url
        return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()

    def create_tables(self) -> None:
        """Create every known table that is missing (tests; a real platform migrates with Alembic)."""
        with self.write() as session:
            Base.metadata.create_all(session.connection())

    def close(self) -> None:
        self.engine.dispose()


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists that are short enough for `IN (…)`."""
    rest = iter(values)
    while part := list(islice(rest, AT_ONCE)):
        yield part


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What is for a person to mend is not a bug (SQLITE_FULL and SQLITE_BUSY, https://www.sqlite.org/rescode.html;
    disk_full and lock_not_available, https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
    try:
        yield
    except NoConnectionFree as error:
        raise Unavailable(*_NO_CONNECTION) from error
    except OperationalError as error:
        told = getattr(error.orig, "sqlstate", None) or str(error.orig)
        for words, (message, hint) in _PROBLEMS.items():
            if words in told:
                raise Unavailable(message, hint) from error
        raise


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return postgres.open_engine(url, BUSY_TIMEOUT_MS)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        pool_size=8,
        max_overflow=200,
        pool_use_lifo=True,  # each connection has a cache of pages of its own: use few of them, not all in turn
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we emit BEGIN ourselves; see the SQLAlchemy docs on pysqlite transactions
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if postgres.is_writing(connection) else "BEGIN")
