"""How long each step of a Dockerfile took, from BuildKit's plain progress (its form: `progress.py`).

BuildKit prints in batches, some 150 ms apart, but tells each step's own time in tenths of a second. A step's end is
when it is told, its length what passed here as far as that agrees with the tenths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from textwrap import shorten

from builder.progress import label, untold

EXPORT = "export"
CONTEXT = "build context"
LONGEST_NAME = 100
_HALF_A_TENTH = timedelta(milliseconds=50)
_BEGUN = re.compile(r"^#(\d+) (\[[^\]]+\] .+|exporting to image)$")
_DONE = re.compile(r"#(\d+) DONE (\d+(?:\.\d+)?)s$")
_STEP = re.compile(r"^\[((?:[\w.-]+ )?\d+/\d+)\] (.*)$")


@dataclass(frozen=True)
class StageTime:
    """One step that ran; what came from a cache did not."""

    name: str
    began: datetime
    ended: datetime


@dataclass
class StageTimes:
    """Fed line by line with the moment at which each was read."""

    _begun: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _ended: dict[str, StageTime] = field(default_factory=dict)

    def feed(self, line: str, now: datetime) -> None:
        if begun := _BEGUN.match(line):
            if (name := _name(begun[2])) and begun[1] not in self._begun:
                self._begun[begun[1]] = (name, now)
        elif (done := _DONE.search(line)) and done[1] in self._begun:
            name, began = self._begun[done[1]]
            told = timedelta(seconds=float(done[2]))
            took = min(max(now - began, told - _HALF_A_TENTH), told + _HALF_A_TENTH)
            self._ended[done[1]] = StageTime(name, now - max(took, timedelta()), now)

    def __iter__(self) -> Iterator[StageTime]:
        return iter(self._ended.values())


def _name(text: str) -> str | None:
    """`build [deps 2/4] RUN make`; None for what the frontend does for itself, and for the base image."""
    if text == "exporting to image":
        return EXPORT
    if text == "[internal] load build context" or text == "[internal] load remote build context":
        return CONTEXT
    step = _STEP.match(text)
    if step is None or step[2].startswith("FROM "):
        return None
    return f"build [{label(step[1])}] {shorten(untold(step[2]), LONGEST_NAME, placeholder=' …')}"
