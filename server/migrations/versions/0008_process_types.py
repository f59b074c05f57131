"""Sizes of process types that change by a rollout, and types of which no two instances run at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ALONE = ("clock", "scheduler", "beat")
_FORMATIONS = sa.table("formations", sa.column("process_type"), sa.column("overlap", sa.Boolean()))


def upgrade() -> None:
    op.create_table(
        "formation_changes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("sizes", sa.Text(), nullable=False),
        sa.Column("user_email", sa.String(length=254), nullable=False),
        sa.Column("log_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_formation_changes_state", "formation_changes", ["state"])
    with op.batch_alter_table("app_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_fence", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("held_types", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("formations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overlap", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overlap_json", sa.Text(), nullable=False, server_default="{}"))
    op.execute(_FORMATIONS.update().where(_FORMATIONS.c.process_type.in_(_ALONE)).values(overlap=False))
    for table, column, kind in (
        ("app_runs", "held_types", sa.Text()),
        ("formations", "overlap", sa.Boolean()),
        ("releases", "overlap_json", sa.Text()),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(column, existing_type=kind, existing_nullable=False, server_default=None)


def downgrade() -> None:
    for table, columns in (
        ("releases", ("overlap_json",)),
        ("formations", ("overlap",)),
        ("app_runs", ("held_types", "held_fence")),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
    op.drop_table("formation_changes")
