"""Instances that are kept frozen for a rollback, and images that the registry has lost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("warm_rollout", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("warm_likeness", sa.String(length=64), nullable=False, server_default=""))
    with op.batch_alter_table("instances", schema=None) as batch_op:
        batch_op.add_column(sa.Column("warm_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("warm_mb", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("image_lost", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("image_lost")
    with op.batch_alter_table("instances", schema=None) as batch_op:
        batch_op.drop_column("warm_mb")
        batch_op.drop_column("warm_at")
    with op.batch_alter_table("app_runs", schema=None) as batch_op:
        batch_op.drop_column("warm_likeness")
        batch_op.drop_column("warm_rollout")
