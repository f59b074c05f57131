"""Time: always UTC, always with its zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def after(seconds: float, start: datetime | None = None) -> datetime:
    """The moment `seconds` after `start` (default: now)."""
    return (start or now()) + timedelta(seconds=seconds)


def iso(moment: datetime) -> str:
    """`2026-01-02T03:04:05Z`, the form used by the API and in log lines."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
