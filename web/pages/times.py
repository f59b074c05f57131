"""Moments as people read them. page.js keeps the same words fresh in an open page."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core import clock

_UNITS: Final = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def ago(moment: datetime, present: datetime | None = None) -> str:
    """`5 minutes ago`; anything under a minute, or ahead of our clock, is `just now`."""
    seconds = ((present or clock.now()) - moment).total_seconds()
    for unit, length_s in _UNITS:
        count = int(seconds // length_s)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def exact(moment: datetime) -> str:
    """`2 Jan 2026, 03:04:05 UTC`."""
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def length(seconds: float) -> str:
    """`12 s`, `3 min 5 s`, `2 h 3 min`; nothing under a second."""
    whole = max(0, int(seconds))
    for unit, length_s, part, part_s in (("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length_s:
            rest = whole % length_s // part_s
            return f"{whole // length_s} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"
