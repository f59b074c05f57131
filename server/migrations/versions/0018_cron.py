"""Cron."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cron_entries",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("entry_id", sa.String(length=8), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=10), nullable=False),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("limit_s", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("app_id", "entry_id"),
    )
    op.create_index("ix_cron_entries_next_at", "cron_entries", ["next_at"])
    op.create_table(
        "cron_runs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("entry_id", sa.String(length=8), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("run", sa.String(length=20), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_cron_runs_moment", "cron_runs", ["app_id", "entry_id", "due_at"], unique=True)
    op.create_index("ix_cron_runs_run_id", "cron_runs", ["run_id"])
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cron_json", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("cron_json")
    op.drop_table("cron_runs")
    op.drop_table("cron_entries")
