"""How requests are passed on to an app."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "router_proxies",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("protocol", sa.String(length=10), nullable=False),
        sa.Column("sticky", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("app_id"),
    )
    with op.batch_alter_table("router_slots", schema=None) as batch_op:
        batch_op.add_column(sa.Column("protocol", sa.String(length=10), server_default="http1", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("router_slots", schema=None) as batch_op:
        batch_op.drop_column("protocol")
    op.drop_table("router_proxies")
