"""Build choices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "build_choices",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("stack", sa.String(length=40), nullable=False),
        sa.Column("pack", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("app_id"),
    )


def downgrade() -> None:
    op.drop_table("build_choices")
