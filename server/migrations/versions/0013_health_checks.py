"""Checks of running instances, checks set for an app, and the formation that an app begins with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("watched", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("instances", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unready", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("formations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checks", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("formation_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checks", sa.Text(), nullable=False, server_default="{}"))
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("formation_json", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("formation_json")
    with op.batch_alter_table("formation_changes", schema=None) as batch_op:
        batch_op.drop_column("checks")
    with op.batch_alter_table("formations", schema=None) as batch_op:
        batch_op.drop_column("checks")
    with op.batch_alter_table("instances", schema=None) as batch_op:
        batch_op.drop_column("unready")
    with op.batch_alter_table("app_runs", schema=None) as batch_op:
        batch_op.drop_column("watched")
