"""The scheduler's records: what each app should run, and the instances that do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcDateTime


class AppRunRow(Base):
    """What an app runs now: the complete spec of its live release. `sealed_env` is encrypted.

    `held_types` (by commas; a place as `web.3`) are in the hands of the deploy whose fence is `held_fence`: while it
    holds the app's line, the loop starts none of them. When it has lost the line, that is over by itself.
    `warm_rollout` is the one before it, while its instances may be kept frozen for a rollback; `warm_likeness` what a
    release must be like for them to be its instances (see `warm.likeness`).
    `watched`: its running instances have checks.
    """

    __tablename__ = "app_runs"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rollout: Mapped[str | None] = mapped_column(String(36))
    release_id: Mapped[str | None] = mapped_column(String(36))
    version: Mapped[int | None]
    spec: Mapped[str] = mapped_column(Text, default="")
    sealed_env: Mapped[str] = mapped_column(Text, default="")
    held_fence: Mapped[int | None]
    held_types: Mapped[str] = mapped_column(Text, default="")
    warm_rollout: Mapped[str | None] = mapped_column(String(36))
    watched: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    warm_likeness: Mapped[str] = mapped_column(String(64), default="", server_default="")


class FormationRow(Base):
    """How many of a type are wanted. `offered` is false while the live release lacks the type.

    `overlap` false: an instance starts only when the one before it has ended. `checks`: those set for the app, as JSON.
    `shrink`: how far it may shrink while a new set starts, as set for the app (empty: it was not); `said_shrink`: as
    the live release's app.json says.
    """

    __tablename__ = "formations"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    process_type: Mapped[str] = mapped_column(String(60), primary_key=True)
    quantity: Mapped[int]
    size: Mapped[str] = mapped_column(String(20), default="standard")
    command: Mapped[str | None] = mapped_column(Text)
    offered: Mapped[bool] = mapped_column(Boolean, default=True)
    overlap: Mapped[bool] = mapped_column(Boolean, default=True)
    checks: Mapped[str] = mapped_column(Text, default="", server_default="")
    shrink: Mapped[str] = mapped_column(String(20), default="", server_default="")
    said_shrink: Mapped[str] = mapped_column(String(20), default="", server_default="")


class FormationChangeRow(Base):
    """A change of sizes or checks that was asked for: JSON objects of process type → size, process type → checks."""

    __tablename__ = "formation_changes"
    __table_args__ = (Index("ix_formation_changes_state", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(20))
    sizes: Mapped[str] = mapped_column(Text)
    checks: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")
    user_email: Mapped[str] = mapped_column(String(254))
    log_id: Mapped[str] = mapped_column(String(36))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InstanceRow(Base):
    """One container, from the wish for it to its removal.

    `rollout` is the deploy that it belongs to (and the router's generation), `fence` the lease number of the worker
    that made it. `failures` counts the crashes in a row of this process before it. `started_at` is when the engine
    had started it, `running_at` when it was found healthy. The `_by` moments are deadlines: for becoming healthy,
    draining, and ending on SIGTERM. `unready`: out of the route while its readiness check fails. `warm_at` is when it
    was frozen, with `warm_mb` of memory.
    """

    __tablename__ = "instances"
    __table_args__ = (Index("ix_instances_app_state", "app_id", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    rollout: Mapped[str] = mapped_column(String(36), index=True)
    fence: Mapped[int]
    version: Mapped[int]
    process_type: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), index=True)
    address: Mapped[str] = mapped_column(String(45))
    port: Mapped[int]
    container_id: Mapped[str | None] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(default=0)
    replace: Mapped[bool] = mapped_column(Boolean, default=False)
    detail: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    boot_by: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    running_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    drain_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kill_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unready: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    warm_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    warm_mb: Mapped[int] = mapped_column(default=0, server_default="0")


class AddressRow(Base):
    """An address belongs to one instance until no router lists it any more."""

    __tablename__ = "addresses"

    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    instance_id: Mapped[str] = mapped_column(String(36), index=True)


class VolumeRow(Base):
    """A named volume of an app. `path` is null while it is mounted nowhere; `types` (by commas) empty: in all types.

    `owner` is the user of the image that its root was given to when it was made; empty until then.
    """

    __tablename__ = "volumes"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    path: Mapped[str | None] = mapped_column(String(200))
    types: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StorageChangeRow(Base):
    """A mount or unmount that was asked for. `path` null: unmount."""

    __tablename__ = "storage_changes"
    __table_args__ = (Index("ix_storage_changes_state", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(40))
    path: Mapped[str | None] = mapped_column(String(200))
    types: Mapped[str] = mapped_column(Text, default="")
    user_email: Mapped[str] = mapped_column(String(254))
    log_id: Mapped[str] = mapped_column(String(36))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RunRow(Base):
    """A one-off run, from the wish for it until an hour after its end.

    `secret_digest` is of what its client must send, once, before `open_until`. `sealed_env` is what was added to the
    config for it. `columns` 0: without a terminal. `size`: of its container. `seen_until`: whoever carries an attached
    run's bytes is dead if it is past. `end_by`, `kill_by`: its time limit, and when SIGTERM has had time enough.
    """

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_state", "state"), Index("ix_runs_app_number", "app_id", "number", unique=True))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    attached: Mapped[bool] = mapped_column(Boolean)
    command: Mapped[str] = mapped_column(Text)
    sealed_env: Mapped[str] = mapped_column(Text)
    columns: Mapped[int]
    lines: Mapped[int]
    size: Mapped[str] = mapped_column(String(20), default="standard", server_default="standard")
    version: Mapped[int]
    user_email: Mapped[str] = mapped_column(String(254))
    secret_digest: Mapped[str] = mapped_column(String(64), default="")
    limit_s: Mapped[int]
    container_id: Mapped[str | None] = mapped_column(String(64))
    exit_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    open_until: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kill_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CronRow(Base):
    """A cron entry of an app. `offered` is false while the live release lacks it; `suspended`: by people.

    `next_at` is the next moment that nobody has taken; null while it is not to run.
    """

    __tablename__ = "cron_entries"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    entry_id: Mapped[str] = mapped_column(String(8), primary_key=True)
    command: Mapped[str] = mapped_column(Text)
    schedule: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(String(10))
    maintenance: Mapped[bool] = mapped_column(Boolean)
    limit_s: Mapped[int | None]
    position: Mapped[int]
    offered: Mapped[bool] = mapped_column(Boolean)
    suspended: Mapped[bool] = mapped_column(Boolean)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class CronRunRow(Base):
    """A moment of an entry that somebody took: its run, or that it was skipped.

    While the run's own record lasts, that tells how it went; `run` (its name) and the rest are filled in after it.
    """

    __tablename__ = "cron_runs"
    __table_args__ = (Index("ix_cron_runs_moment", "app_id", "entry_id", "due_at", unique=True),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    entry_id: Mapped[str] = mapped_column(String(8))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20))
    run_id: Mapped[str | None] = mapped_column(String(36), index=True)
    run: Mapped[str | None] = mapped_column(String(20))
    exit_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
