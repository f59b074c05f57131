"""How many containers are started at once, and whose is next.

A start costs the engine and the host far more than it costs us: after a reboot, hundreds at once would only be in each
other's way, and be late all together. So there are few at a time, and each app that waits gets its turn before any
gets a second one, however many instances it has. One-off runs take turns beside their app's instances, not behind them.
Each process that starts containers has a gate of its own, and all share its places (see `slots`): so in the gateway,
where people's attached runs begin, one waits for a place, and not behind the hundreds that a restart has queued.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from scheduler.slots import Slots

Stopped = Callable[[], BaseException | None]
ASK_EVERY_S = 0.1


class Gate:
    """`most` gives how many may be inside at once; it is asked once, when the first one comes. `slots`: the places that
    it shares with the gates of other processes."""

    def __init__(self, most: Callable[[], int], slots: Slots | None = None) -> None:
        self._ask = most
        self._slots = slots
        self._most: int | None = None
        self._inside = 0
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def passing(self, queue: str, stopped: Stopped | None = None) -> Iterator[None]:
        """Wait for a turn among those of the same queue (an app's, `runs_of`), and be inside for the block.

        Raises what `stopped` gives, without having had its turn; it is in nobody's way any more.
        """
        if self._most is None:
            self._most = max(1, self._ask())
        turn = threading.Event()
        with self._lock:
            self._waiting.setdefault(queue, deque()).append(turn)
            self._admit()
        try:
            while not turn.wait(None if stopped is None else ASK_EVERY_S):
                _raise_if(stopped)
        except BaseException:
            self._leave(queue, turn)
            raise
        try:
            _raise_if(stopped)
            with self._slots.one_of(self._most, lambda: _raise_if(stopped)) if self._slots else nullcontext():
                yield
        finally:
            with self._lock:
                self._inside -= 1
                self._admit()

    def _admit(self) -> None:
        """Let in whoever has waited longest in the queue whose turn it is; that queue is the last one then."""
        while self._waiting and self._inside < (self._most or 1):
            queue, turns = self._waiting.popitem(last=False)
            turns.popleft().set()
            self._inside += 1
            if turns:
                self._waiting[queue] = turns

    def _leave(self, queue: str, turn: threading.Event) -> None:
        """It wants its turn no more, which may just have come."""
        with self._lock:
            if turn.is_set():
                self._inside -= 1
                self._admit()
                return
            turns = self._waiting[queue]
            turns.remove(turn)
            if not turns:
                del self._waiting[queue]


def runs_of(app_id: str) -> str:
    """The queue of an app's one-off runs."""
    return f"{app_id}/runs"


def _raise_if(stopped: Stopped | None) -> None:
    reason = stopped() if stopped is not None else None
    if reason is not None:
        raise reason
