"""What took how long in a push, as bars: pure."""

from __future__ import annotations

from dataclasses import dataclass

from gitreceiver import Push

_THINNEST = 0.5


@dataclass(frozen=True)
class Bar:
    """One step. `left` and `width` are in percent of the whole push; `inner`: it lies in the build."""

    name: str
    took: str
    left: float
    width: float
    inner: bool


def bars(push: Push) -> list[Bar]:
    """The steps of a push that is over, in the order of their beginnings."""
    if not push.is_final or not push.steps:
        return []
    whole_ms = max(push.total_ms or 0, *(step.ended_ms for step in push.steps), 1)
    return [
        Bar(
            name=step.name.removeprefix("build "),
            took=f"{step.took_ms / 1000:.2f} s",
            left=round(min(100 - _THINNEST, 100 * step.began_ms / whole_ms), 2),
            width=round(max(_THINNEST, 100 * step.took_ms / whole_ms), 2),
            inner=step.name in push.within_build,
        )
        for step in push.steps
    ]
