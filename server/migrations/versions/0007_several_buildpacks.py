"""Several buildpacks."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROWS = sa.table("build_choices", sa.column("app_id"), sa.column("pack"), sa.column("packs_json"))


def upgrade() -> None:
    with op.batch_alter_table("build_choices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("packs_json", sa.Text(), nullable=False, server_default="[]"))
    database = op.get_bind()
    for app_id, pack in database.execute(sa.select(_ROWS.c.app_id, _ROWS.c.pack).where(_ROWS.c.pack != "")).all():
        chosen = _ROWS.update().where(_ROWS.c.app_id == app_id).values(packs_json=json.dumps([pack]))
        database.execute(chosen)
    with op.batch_alter_table("build_choices", schema=None) as batch_op:
        batch_op.alter_column("packs_json", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.drop_column("pack")


def downgrade() -> None:
    with op.batch_alter_table("build_choices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pack", sa.String(length=200), nullable=False, server_default=""))
        batch_op.drop_column("packs_json")
