"""Sizes of one-off runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    size = sa.Column("size", sa.String(length=20), server_default="standard", nullable=False)
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(size)


def downgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("size")
