"""Domains that send people on to another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("router_domains", schema=None) as batch_op:
        batch_op.add_column(sa.Column("redirect_to", sa.String(length=253), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("router_domains", schema=None) as batch_op:
        batch_op.drop_column("redirect_to")
