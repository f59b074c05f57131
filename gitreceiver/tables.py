"""The tables of `gitreceiver`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcDateTime


class PushRow(Base):
    __tablename__ = "pushes"
    __table_args__ = (Index("ix_pushes_app_created", "app_id", "created_at"), Index("ix_pushes_state", "state"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(250))
    commit: Mapped[str] = mapped_column(String(40))
    old_commit: Mapped[str | None] = mapped_column(String(40))
    forced: Mapped[bool]
    options: Mapped[str] = mapped_column(String(1000))
    user_id: Mapped[str] = mapped_column(String(36))
    email: Mapped[str] = mapped_column(String(254))
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(500), default="")
    log_id: Mapped[str] = mapped_column(String(36))
    log_closed: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    total_ms: Mapped[int | None]
    steps: Mapped[str | None] = mapped_column(Text)
    pack_bytes: Mapped[int | None] = mapped_column(BigInteger)
    stack: Mapped[str | None] = mapped_column(String(40))
    built: Mapped[str | None] = mapped_column(String(10))


class DiskClaimRow(Base):
    """The room on the disk that a push was promised, in bytes; `push_id` once it is recorded."""

    __tablename__ = "disk_claims"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    push_id: Mapped[str | None] = mapped_column(String(36))
    source_bytes: Mapped[int] = mapped_column(BigInteger)
    build_bytes: Mapped[int] = mapped_column(BigInteger)
    upload_bytes: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
