"""The address that an authority was told to write to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("router_acme_accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("router_acme_accounts", schema=None) as batch_op:
        batch_op.drop_column("email")
