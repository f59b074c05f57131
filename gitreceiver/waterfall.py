"""A push's steps in words: what took how long, and what made it slower than the last push of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.timing import Step

SHOWN_FROM_MS = 50
MOST_SHOWN = 5
SLOWER_BY = 1.2
SLOWER_BY_MS = 250  # less is the noise of a machine that does other things too
BUILD = "build"
_STAGE = re.compile(r"^build \[(?:(?P<stage>[\w.-]+) )?(?P<number>\d+)/\d+\] (?P<text>.*)$")
_SOURCE = "source/"  # where a pack's build context has the app's files


class Built(StrEnum):
    """How a push came to its image. Only pushes of the same kind can be compared."""

    REUSED = "reused"  # the same tree was built before
    WARM = "warm"  # with the app's caches
    COLD = "cold"  # with none: its first build, after a purge, or on demand


@dataclass(frozen=True)
class Waterfall:
    """A whole push: its total and its steps, in milliseconds. Steps may overlap: an upload runs beside the start, and
    the steps of a Dockerfile and the export of the image lie in `build`. `built` is None for a push of older times."""

    total_ms: int
    steps: tuple[Step, ...]
    built: Built | None = None

    @property
    def took_ms(self) -> Mapping[str, int]:
        """The push's own steps, without what lies in `build`."""
        return {step.name: step.took_ms for step in self.steps if not is_inner(step.name)}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The steps of the Dockerfile that ran, in its order."""
        found = ((_STAGE.match(step.name), step.took_ms) for step in self.steps)
        stages = (Stage(m["stage"] or "", int(m["number"]), m["text"], took_ms) for m, took_ms in found if m)
        return tuple(sorted(stages, key=lambda stage: (stage.stage, stage.number)))

    def is_like(self, other: Waterfall) -> bool:
        """Whether both came to their image in the same way."""
        if self.built and other.built:
            return self.built is other.built
        return (BUILD in self.took_ms) == (BUILD in other.took_ms)


@dataclass(frozen=True)
class Stage:
    """One step of a Dockerfile that ran."""

    stage: str
    number: int
    text: str
    took_ms: int


def is_inner(name: str) -> bool:
    """Whether a step is a part of `build`."""
    return name.startswith("build ") or name == "export"


def line(now: Waterfall, earlier: Sequence[Waterfall]) -> str:
    """`done in 1.4 s (build 0.5, start 0.4)`, with the cause when it was slower than its like. `earlier`: newest first.
    The steps are the longest ones, the longest first."""
    took = sorted(now.took_ms.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name} {_seconds(ms)}" for name, ms in took[:MOST_SHOWN] if ms >= SHOWN_FROM_MS)
    return f"done in {_seconds(now.total_ms)} s{f' ({parts})' if parts else ''}{_slower(now, earlier)}"


def _slower(now: Waterfall, earlier: Sequence[Waterfall]) -> str:
    last = next((one for one in earlier if one.is_like(now)), None)
    if last is None or now.total_ms < last.total_ms * SLOWER_BY or now.total_ms - last.total_ms < SLOWER_BY_MS:
        return ""
    told = f"; the last one took {_seconds(last.total_ms)} s"
    grown = {name: ms - last.took_ms.get(name, 0) for name, ms in now.took_ms.items()}
    name = max(grown, key=lambda name: grown[name], default="")
    if not name or grown[name] <= 0:
        return told
    why = _why_the_build(now, last) if name == BUILD else ""
    return f"{told}: {name} +{_seconds(grown[name])} s{f': {why}' if why else ''}"


def _why_the_build(now: Waterfall, last: Waterfall) -> str:
    """The step of the Dockerfile that grew most, and why it ran at all."""
    before = {(stage.stage, stage.text): stage.took_ms for stage in last.stages}
    grown = {stage: stage.took_ms - before.get((stage.stage, stage.text), 0) for stage in now.stages}
    worst = max(grown, key=lambda stage: grown[stage], default=None)
    if worst is None or grown[worst] < SLOWER_BY_MS:
        return ""
    text = worst.text.removeprefix("RUN ")
    if (worst.stage, worst.text) in before:
        instead = _seconds(before[worst.stage, worst.text])
        return f"{text} took {_seconds(worst.took_ms)} s instead of {instead}"
    first = next(stage for stage in now.stages if stage.stage == worst.stage)
    return f"{text} ran anew{_because(first) if first is not worst else ''}"


def _because(first: Stage) -> str:
    """What the first step that ran tells: all before it came from the cache."""
    instruction, *words = re.sub(r"[\[\],\"]", " ", first.text).split()
    if instruction not in ("COPY", "ADD"):
        return f" after {first.text}"
    stage = next((word.removeprefix("--from=") for word in words if word.startswith("--from=")), "")
    if stage:
        return f" because the stage {stage} changed"
    files = [word.removeprefix(_SOURCE) for word in words if not word.startswith("--")][:-1]
    named = ", ".join(files) if all(file.strip("./") for file in files) else "the app's files"
    return f" because {named} changed"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f}"


def encode(steps: Sequence[Step]) -> str:
    """The steps as they stand in the database."""
    return json.dumps([[step.name, step.began_ms, step.took_ms] for step in steps])


def decode(text: str | None) -> tuple[Step, ...]:
    return tuple(Step(name, began_ms, took_ms) for name, began_ms, took_ms in json.loads(text or "[]"))
