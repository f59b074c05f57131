"""Waiting for a part of the platform that is away: bounded, told once, and ended by whoever wants the work to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core.errors import Away, Unavailable

T = TypeVar("T")
LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Patience:
    """Waits `most_s` at most. `tell` is told what is waited for; `stopped` may give an exception to stop with."""

    most_s: float
    tell: Callable[[str], None]
    stopped: Callable[[], BaseException | None] = lambda: None

    def through(self, act: Callable[[], T], answers: Callable[[], object] = lambda: None) -> T:
        """What `act` gives. As often as it raises Away it is done again, once `answers` no longer raises that.

        Raises Unavailable, which nobody waits for again, when the part is still away in the end.
        """
        end: float | None = None
        while True:
            try:
                return act()
            except Away as error:
                if end is None:
                    end = time.monotonic() + self.most_s
                    self.tell(f"{error.message} Waiting for it, at most {self.most_s:.0f} s.")
                self._wait(error, end, answers)

    def _wait(self, error: Away, end: float, answers: Callable[[], object]) -> None:
        while time.monotonic() < end:
            time.sleep(LOOK_EVERY_S)
            reason = self.stopped()
            if reason is not None:
                raise reason
            try:
                answers()
            except Away:
                continue
            return
        raise Unavailable(error.message, error.hint) from error
