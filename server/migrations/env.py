"""How Alembic runs here: over our own engine, in one transaction that only one process at a time can hold."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from core.database import Database, UtcDateTime
from server.tables import METADATA


def run() -> None:
    database: Database = context.config.attributes["database"]
    with database.engine.connect().execution_options(portside_write=True) as connection:
        _run(connection)


def _render(kind: str, item: Any, autogenerate: Any) -> str | Literal[False]:
    """Our own column type by its name; everything else as Alembic would."""
    if kind != "type" or not isinstance(item, UtcDateTime):
        return False
    autogenerate.imports.add("from core.database import UtcDateTime")
    return "UtcDateTime()"


def _run(connection: Connection) -> None:
    batch = connection.dialect.name == "sqlite"  # SQLite can't alter a column: Alembic then copies the table
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=batch, render_item=_render, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


run()
