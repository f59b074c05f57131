"""Whether the registry still answers while an upload to it lasts.

The engine waits for a registry that has come to hang as long as it may: for a quarter of an hour, with nothing to say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import Away, Unavailable

ASK_EVERY_S = 5.0


class Pulse:
    """`ask` raises Away when the registry does not answer; any other answer, a refusal too, is a sign of life."""

    def __init__(self, ask: Callable[[], None], every_s: float = ASK_EVERY_S) -> None:
        self._ask = ask
        self._every_s = every_s

    @contextmanager
    def watched(self, stopped: Callable[[], BaseException | None]) -> Iterator[Callable[[], BaseException | None]]:
        """For the block: `stopped`, which also gives Away once the registry answers no more."""
        over, found = threading.Event(), list[Away]()

        def watch() -> None:
            while not over.wait(self._every_s):
                try:
                    self._ask()
                except Away as error:
                    found.append(error)
                    return
                except Unavailable:
                    continue

        threading.Thread(target=watch, name="pulse of the registry", daemon=True).start()
        try:
            yield lambda: found[0] if found else stopped()
        finally:
            over.set()
