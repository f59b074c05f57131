"""The builder's records."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcDateTime
from core.states import LifeCycle


class BuildState(StrEnum):
    """`building` stays behind when a worker is killed: such a row is never reused and does no harm."""

    BUILDING = "building"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


BUILD_LIFE = LifeCycle(
    {
        BuildState.BUILDING: frozenset({BuildState.SUCCEEDED, BuildState.FAILED}),
        BuildState.SUCCEEDED: frozenset(),
        BuildState.FAILED: frozenset(),
    }
)


class BuildChoiceRow(Base):
    """What was chosen for an app's builds; an app that never chose has no row. `packs_json`: a list of texts."""

    __tablename__ = "build_choices"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    stack: Mapped[str] = mapped_column(String(40))
    packs_json: Mapped[str] = mapped_column(Text)


class BuildRow(Base):
    """One build. `key` says what went in; `image_id` and, once published, `ref` say where its result is; `disk_bytes`
    and `layers_bytes` what it took (`disk.Took`)."""

    __tablename__ = "builds"
    __table_args__ = (Index("builds_of_key", "app_id", "key", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36), index=True)
    key: Mapped[str] = mapped_column(String(64))
    config_key: Mapped[str] = mapped_column(String(64))
    pack: Mapped[str] = mapped_column(String(20))
    commit: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
    image_id: Mapped[str | None] = mapped_column(String(80))
    ref: Mapped[str | None] = mapped_column(String(300))
    disk_bytes: Mapped[int | None] = mapped_column(BigInteger)
    layers_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CacheRow(Base):
    """Which generation of an app's caches its builds use, since when; an app without a row uses the first, 0."""

    __tablename__ = "build_caches"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    generation: Mapped[int]
    purged_at: Mapped[datetime] = mapped_column(UtcDateTime)
