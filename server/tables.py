"""Every table of the platform, for Alembic: importing this module is what makes them known."""

# ruff: noqa: F401
from __future__ import annotations

import accounts.tables
import builder.tables
import gitreceiver.tables
import releases.tables
import router.acme_tables
import router.tables
import scheduler.tables
from core.database import Base

METADATA = Base.metadata
