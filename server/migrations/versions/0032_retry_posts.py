"""Apps whose POSTs are sent again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("router_proxies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retry_posts", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("router_proxies", schema=None) as batch_op:
        batch_op.drop_column("retry_posts")
