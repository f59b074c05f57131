"""What builds take on the disk, claims on it, and how a push was built."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("builds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("disk_bytes", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("layers_bytes", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("pushes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pack_bytes", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("stack", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("built", sa.String(length=10), nullable=True))
    op.create_table(
        "disk_claims",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("push_id", sa.String(length=36), nullable=True),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column("build_bytes", sa.BigInteger(), nullable=False),
        sa.Column("upload_bytes", sa.BigInteger(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("disk_claims")
    with op.batch_alter_table("pushes", schema=None) as batch_op:
        batch_op.drop_column("built")
        batch_op.drop_column("stack")
        batch_op.drop_column("pack_bytes")
    with op.batch_alter_table("builds", schema=None) as batch_op:
        batch_op.drop_column("layers_bytes")
        batch_op.drop_column("disk_bytes")
