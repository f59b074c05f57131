"""Who gets to an app, and how much."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "router_access_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("network", sa.String(length=43), nullable=False),
        sa.Column("verdict", sa.String(length=5), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("app_id", "network", name="uq_router_access_rules_app_id_network"),
    )
    op.create_table(
        "router_logins",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=24), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "name"),
    )
    op.create_table(
        "router_limits",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("requests_per_s", sa.Integer(), nullable=True),
        sa.Column("connections", sa.Integer(), nullable=True),
        sa.Column("idle_s", sa.Integer(), nullable=True),
        sa.Column("tunnel_s", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("app_id"),
    )


def downgrade() -> None:
    op.drop_table("router_limits")
    op.drop_table("router_logins")
    op.drop_table("router_access_rules")
