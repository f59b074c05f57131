"""Releases that are on trial for a while after their switch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _bounds() -> list[sa.Column[object]]:
    return [
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("errors_percent", sa.Double(), nullable=True),
        sa.Column("p95_factor", sa.Double(), nullable=True),
        sa.Column("least_requests", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "bake_policies",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        *_bounds(),
        sa.PrimaryKeyConstraint("app_id"),
    )
    op.create_table(
        "bakes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        *_bounds(),
        sa.Column("before_id", sa.String(length=36), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("now", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_bakes_app_id", "bakes", ["app_id"])
    op.create_index("ix_bakes_state", "bakes", ["state"])
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bake_json", sa.Text(), nullable=False, server_default="null"))
    with op.batch_alter_table("router_routes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("router_routes", schema=None) as batch_op:
        batch_op.drop_column("counted")
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("bake_json")
    op.drop_table("bakes")
    op.drop_table("bake_policies")
