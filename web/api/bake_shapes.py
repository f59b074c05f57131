"""Bake windows as JSON."""

from __future__ import annotations

from dataclasses import asdict

from core import clock
from releases import Bake, BakePolicy
from web.api.shapes import Json


def policy(record: BakePolicy) -> Json:
    return asdict(record)


def bake(record: Bake) -> Json:
    """`before` and `now` are numbers of the former release and of this one; `reason`, how it ended or what is worse."""
    return {
        "state": record.state,
        "reason": record.words or None,
        "until": None if record.until is None else clock.iso(record.until),
        "policy": policy(record.policy),
        "before": {**asdict(record.before), "release_id": record.before_id},
        "now": asdict(record.now),
    }
