"""Paths on a host that lead to another app."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0021"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "router_paths",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("strip", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("host", "path", name="uq_router_paths_host_path"),
    )
    op.create_index("ix_router_paths_app_id", "router_paths", ["app_id"])


def downgrade() -> None:
    op.drop_index("ix_router_paths_app_id", table_name="router_paths")
    op.drop_table("router_paths")
