"""How far types may shrink while a new set of instances starts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("formations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shrink", sa.String(length=20), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("said_shrink", sa.String(length=20), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("formations", schema=None) as batch_op:
        batch_op.drop_column("said_shrink")
        batch_op.drop_column("shrink")
