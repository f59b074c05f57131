"""Migrations lead from nothing to exactly the tables of the code, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from core.database import Database
from server.migrate import migrate
from server.tables import METADATA


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'portside.db'}")


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        return list(compare_metadata(context, METADATA))


def test_all_migrations_give_exactly_the_tables_of_the_code(database: Database) -> None:
    migrate(database)
    assert differences(database) == []
    assert set(inspect(database.engine).get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_migrating_twice_changes_nothing(database: Database) -> None:
    migrate(database)
    migrate(database)
    assert differences(database) == []
