"""The tables of `releases`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcDateTime


class AppRow(Base):
    __tablename__ = "apps"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    owner_id: Mapped[str] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    current_release_id: Mapped[str | None] = mapped_column(String(36))
    last_version: Mapped[int] = mapped_column(default=0)


class ReleaseRow(Base):
    """A release. What was asked for: `kind`, `delta_sealed`, `target_id`, `code_only`. What it became when its turn
    came: the image, `config_sealed`, the process types."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("app_id", "version"),
        UniqueConstraint("push_id"),
        Index("ix_releases_state", "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(String(500))
    user_id: Mapped[str] = mapped_column(String(36))
    user_email: Mapped[str] = mapped_column(String(254))
    push_id: Mapped[str | None] = mapped_column(String(36))
    log_id: Mapped[str] = mapped_column(String(36))
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text, default="")

    delta_sealed: Mapped[str] = mapped_column(Text, default="")
    target_id: Mapped[str | None] = mapped_column(String(36))
    code_only: Mapped[bool] = mapped_column(default=False)
    with_phase: Mapped[bool] = mapped_column(default=False, server_default=false())

    commit: Mapped[str] = mapped_column(String(40), default="")
    image_id: Mapped[str] = mapped_column(String(80), default="")
    image_ref: Mapped[str] = mapped_column(String(300), default="")
    image_kept: Mapped[bool] = mapped_column(default=True)
    image_lost: Mapped[bool] = mapped_column(default=False, server_default=false())
    port: Mapped[int] = mapped_column(default=0)
    processes_json: Mapped[str] = mapped_column(Text, default="{}")
    health_json: Mapped[str] = mapped_column(Text, default="{}")
    overlap_json: Mapped[str] = mapped_column(Text, default="{}")
    pause_json: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")
    formation_json: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")
    cron_json: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    bake_json: Mapped[str] = mapped_column(Text, default="null", server_default="null")
    config_sealed: Mapped[str] = mapped_column(Text, default="")

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BakePolicyRow(Base):
    """An app whose new releases are on trial for a while; see `releases.bake_policy`."""

    __tablename__ = "bake_policies"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    minutes: Mapped[int]
    errors_percent: Mapped[float | None]
    p95_factor: Mapped[float | None]
    least_requests: Mapped[int]


class BakeRow(Base):
    """The trial of one release, whose `id` it has, from before its switch.

    `before_id` is the release that it is compared with, whose numbers (JSON) are `before`; `now` are its own as last
    seen. `words`: how it ended.
    """

    __tablename__ = "bakes"
    __table_args__ = (Index("ix_bakes_state", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36), index=True)
    state: Mapped[str] = mapped_column(String(20))
    minutes: Mapped[int]
    errors_percent: Mapped[float | None]
    p95_factor: Mapped[float | None]
    least_requests: Mapped[int]
    before_id: Mapped[str] = mapped_column(String(36))
    before: Mapped[str] = mapped_column(Text, default="{}")
    now: Mapped[str] = mapped_column(Text, default="{}")
    words: Mapped[str] = mapped_column(Text, default="")
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
