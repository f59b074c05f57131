"""A push's steps in words: what took how long, and what made it slower than its like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from core.timing import Step

SHOWN_FROM_MS = 50
MOST_SHOWN = 5
SLOWER_BY = 1.2
SLOWER_BY_MS = 1000
COMPARED = 5
BUILD = "build"


@dataclass(frozen=True)
class Waterfall:
    """A whole push: its total and its steps, in milliseconds. Steps may overlap: an upload runs beside the start."""

    total_ms: int
    steps: tuple[Step, ...]

    @property
    def took_ms(self) -> Mapping[str, int]:
        return {step.name: step.took_ms for step in self.steps}

    def is_like(self, other: Waterfall) -> bool:
        """Both built an image, or both reused one."""
        return (BUILD in self.took_ms) == (BUILD in other.took_ms)


def line(now: Waterfall, earlier: Sequence[Waterfall]) -> str:
    """`done in 1.4 s (build 0.5, start 0.4)`, with the cause when it was slower than its like. `earlier`: newest first.
    The steps are the longest ones, the longest first."""
    longest = sorted((step for step in now.steps if step.took_ms >= SHOWN_FROM_MS), key=lambda step: -step.took_ms)
    parts = ", ".join(f"{step.name} {_seconds(step.took_ms)}" for step in longest[:MOST_SHOWN])
    return f"done in {_seconds(now.total_ms)} s{f' ({parts})' if parts else ''}{_slower(now, earlier)}"


def _slower(now: Waterfall, earlier: Sequence[Waterfall]) -> str:
    like = [one for one in earlier if one.is_like(now)][:COMPARED]
    if not like:
        return ""
    usual_ms = median(one.total_ms for one in like)
    if now.total_ms < usual_ms * SLOWER_BY or now.total_ms - usual_ms < SLOWER_BY_MS:
        return ""
    usual = {name: median(one.took_ms.get(name, 0) for one in like) for name in now.took_ms}
    name = max(usual, key=lambda name: now.took_ms[name] - usual[name], default="")
    if not name or now.took_ms[name] <= usual[name]:
        return f"; usually {_seconds(usual_ms)} s"
    took, instead = _seconds(now.took_ms[name]), _seconds(usual[name])
    return f"; usually {_seconds(usual_ms)} s: {name} took {took} s instead of {instead}"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f}"


def encode(steps: Sequence[Step]) -> str:
    """The steps as they stand in the database."""
    return json.dumps([[step.name, step.began_ms, step.took_ms] for step in steps])


def decode(text: str | None) -> tuple[Step, ...]:
    return tuple(Step(name, began_ms, took_ms) for name, began_ms, took_ms in json.loads(text or "[]"))
