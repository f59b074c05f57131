"""How PostgreSQL is made to keep SQLite's promises (docs/decisions/0031), and how its absence is told.

Nothing here says the address of the database: it may hold a password.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import Unavailable, UserError

FROZEN_MS = 30_000
"""After so long without a statement, the server ends a writer's transaction: else a frozen one held up all others."""
WRITERS = 0x706F727473696465
"""The number of the lock that writers queue for ("portside"): one for each of the server's databases."""
KEPT, MOST = 8, 30
"""Connections that a process keeps, and has at most. Three processes (api, gateway, worker) stay below the 97 that a
server with the usual `max_connections = 100` gives to ordinary roles, with some left for commands and for `psql`."""
TURN_S = 10.0
"""The longest wait for one of the process's own connections."""
REACH = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3} | {
    "tcp_user_timeout": 20_000
}
"""So that a server which is cut off is missed within half a minute: seconds, the last in milliseconds
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""
_DRIVER = "postgresql+psycopg"
_NAMES = ("postgres", "postgresql", _DRIVER)
_ISOLATION = {True: 2, False: 3}
"""By whether it writes: psycopg's READ_COMMITTED and REPEATABLE_READ (there may be no psycopg)."""


def parse(text: str) -> URL:
    """The address that a person has written. Raises UserError, which says nothing of what is in it."""
    hint = f"Write {_DRIVER}://ROLE:PASSWORD@HOST/DATABASE; what is no letter or digit of the password as %XX."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UserError("PORTSIDE_DATABASE_URL can't be read as an address.", hint) from None
    if "@" in f"{url.host}{url.database}":  # a piece of the password has come there
        raise UserError("PORTSIDE_DATABASE_URL can't be read as an address.", hint)
    if url.drivername not in _NAMES:
        raise UserError("PORTSIDE_DATABASE_URL is not the address of a PostgreSQL database.", hint)
    if find_spec("psycopg") is None:
        raise UserError("The records are in PostgreSQL, but psycopg is not installed.", "setup/venv.sh server,postgres")
    return url.set(drivername=_DRIVER)


def open_engine(text: str, patience_ms: int) -> Engine:
    """An engine whose writers wait for their turn for `patience_ms`. Connects to nothing yet."""

    def configure(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = {patience_ms}")
        connection.commit()

    url = parse(text)
    engine = create_engine(
        url,
        connect_args={name: value for name, value in REACH.items() if name not in url.query},
        pool_pre_ping=True,
        pool_size=KEPT,
        max_overflow=MOST - KEPT,
        pool_timeout=TURN_S,
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _tell_absence)
    return engine


def is_writing(connection: Any) -> bool:
    """Whether a transaction was begun by `Database.write`."""
    return bool(connection.get_execution_options().get("portside_write", False))


def _begin(connection: Any) -> None:
    """A read's isolation is in the words of its BEGIN, which psycopg sends: it costs no trip to the server."""
    writing = is_writing(connection)
    driver = connection.connection.driver_connection
    driver.isolation_level = _ISOLATION[writing]
    driver.read_only = not writing
    if writing:
        # Under READ COMMITTED each later statement sees all that was committed before the lock was ours.
        patience = f"set_config('idle_in_transaction_session_timeout', '{FROZEN_MS}', true)"
        connection.exec_driver_sql(f"SELECT {patience}, pg_advisory_xact_lock({WRITERS})")


def _tell_absence(context: ExceptionContext) -> Unavailable | None:
    """No connection, or one that broke, is for a person to mend. A ping that fails only has the pool connect anew."""
    if context.is_pre_ping or context.sqlalchemy_exception is None:
        return None
    if context.connection is None or context.is_disconnect:
        return Unavailable(
            "The records can't be reached: PostgreSQL does not answer, or turns the server away.",
            "Try again in a moment. What runs is served on; `portside-server doctor` on the server says the reason.",
        )
    return None
