"""How long each step of a story took, told by the steps' own code.

Whoever begins a story opens a `recording`; any code below says `with timing.step("build")` and needs no recorder handed
to it. Without a recording a step costs nothing and is recorded nowhere. A thread of a pool takes the recording along
when its work is submitted through `carried`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar

from core import clock

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One step: when it began, counted from the story's beginning, and how long it took, both in milliseconds."""

    name: str
    began_ms: int
    took_ms: int

    @property
    def ended_ms(self) -> int:
        return self.began_ms + self.took_ms


class Recorder:
    """Collects steps; safe to use from several threads.

    `origin`: when the story began. `earlier`: what an earlier worker has recorded of it. A step that is recorded again
    (by one of several instances, or after a crash) lasts from its first beginning to its last end.
    """

    def __init__(self, origin: datetime, earlier: Sequence[Step] = ()) -> None:
        self._origin = origin
        self._steps = {step.name: step for step in earlier}
        self._lock = threading.Lock()

    def add(self, name: str, began: datetime, ended: datetime) -> None:
        """Record a step that is over."""
        began_ms, ended_ms = self._since_origin_ms(began), self._since_origin_ms(ended)
        with self._lock:
            known = self._steps.get(name)
            if known is not None:
                began_ms, ended_ms = min(began_ms, known.began_ms), max(ended_ms, known.ended_ms)
            self._steps[name] = Step(name, began_ms, ended_ms - began_ms)

    def _since_origin_ms(self, moment: datetime) -> int:
        return max(0, round((moment - self._origin).total_seconds() * 1000))

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps so far, in the order of their beginnings."""
        with self._lock:
            return tuple(sorted(self._steps.values(), key=lambda step: step.began_ms))

    @property
    def so_far_ms(self) -> int:
        """How old the story is."""
        return self._since_origin_ms(clock.now())


_current: ContextVar[Recorder | None] = ContextVar("portside_recorder", default=None)


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Let the steps of the block, in this thread, be recorded."""
    token = _current.set(recorder)
    try:
        yield recorder
    finally:
        _current.reset(token)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Record the block as a step, whether it succeeds or raises."""
    recorder, began = _current.get(), clock.now()
    try:
        yield
    finally:
        if recorder is not None:
            recorder.add(name, began, clock.now())


def add(name: str, began: datetime, ended: datetime) -> None:
    """Record a step that is over and was timed elsewhere."""
    recorder = _current.get()
    if recorder is not None:
        recorder.add(name, began, ended)


def recorded() -> tuple[Step, ...]:
    """The steps of the present recording; none without one."""
    recorder = _current.get()
    return recorder.steps if recorder else ()


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """`work` with the present recording, for another thread."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.run(work, *args, **kwargs)

    return run
