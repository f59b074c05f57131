"""Requests that are held at the router, what rests during a release phase, rollbacks that run it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("router_routes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hold_until", UtcDateTime(), nullable=True))
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("with_phase", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("pause_json", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("pause_json")
        batch_op.drop_column("with_phase")
    with op.batch_alter_table("router_routes", schema=None) as batch_op:
        batch_op.drop_column("hold_until")
