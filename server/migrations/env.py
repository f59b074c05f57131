"""How Alembic runs here: over our own engine, in one transaction that only one process at a time can hold."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from core.database import Database
from server.tables import METADATA


def run() -> None:
    database: Database = context.config.attributes["database"]
    with database.engine.connect().execution_options(portside_write=True) as connection:
        _run(connection)


def _run(connection: Connection) -> None:
    batch = connection.dialect.name == "sqlite"  # SQLite can't alter a column: Alembic then copies the table
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=batch)
    with context.begin_transaction():
        context.run_migrations()


run()
