"""Bringing the database's tables up to this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from core.database import Database

FOLDER = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply every migration that is missing. Running it twice is harmless; two at once queue."""
    command.upgrade(_config(database), "head")


def knows(revision: str) -> bool:
    """Whether tables of this revision can be brought up to date; those of a newer Portside can't."""
    return revision in {script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()}


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["database"] = database
    return config


def write_migration(database: Database, words: str) -> None:
    """For developers: write the step from the newest migration to the tables as they are now."""
    command.revision(_config(database), message=words, autogenerate=True)
