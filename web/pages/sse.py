"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): the format, and our streams."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from flask import Response

from core.logs import LogStreams
from web.pages.states import Badge
from web.pages.text import plain

KEEPALIVE: Final = ":\n\n"
RETRY: Final = "retry: 2000\n\n"
END: Final = "event: end\ndata:\n\n"
_CHECK_EVERY_S: Final = 1.0
_ALLOWED_EVERY_S: Final = 10.0
_DECISION_WITHIN_S: Final = 30.0
_PATIENCE_TICKS: Final = 3
"""How long a log is waited for whose record is final and that nobody closed."""


@dataclass(frozen=True)
class Progress:
    """How far the work behind a log is."""

    badge: Badge
    final: bool


class Every:
    """Says yes at most once per interval."""

    def __init__(self, interval_s: float, due_now: bool = False) -> None:
        self._interval_s = interval_s
        self._next = time.monotonic() + (0.0 if due_now else interval_s)

    def due(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._interval_s
        return True


def line(text: str, event_id: str) -> str:
    """One log line as an event; whatever the line holds, it stays one event."""
    return f"id: {event_id}\ndata: {plain(text)}\n\n"


def state(badge: Badge) -> str:
    return f"event: state\ndata: {json.dumps({'word': badge.word, 'tone': badge.tone})}\n\n"


def stream(events: Iterator[str]) -> Response:
    """The answer that carries events; proxies are told not to hold them back."""
    response = Response(events, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


def work_log(
    logs: LogStreams, log_id: str, start: int, progress: Callable[[], Progress], allowed: Callable[[], bool]
) -> Iterator[str]:
    """The log of a push or a release from line `start` on, and its state whenever that changes, until it is decided.

    It also ends when the record is final and nobody closes the log: the worker died between the two.
    """
    yield RETRY
    shown: Badge | None = None
    silent, final = 0, False
    check, ask = Every(_CHECK_EVERY_S, due_now=True), Every(_ALLOWED_EVERY_S)
    for item in logs.follow(log_id, start):
        yield KEEPALIVE if item is None else line(item[1], str(item[0]))
        if ask.due() and not allowed():
            return
        if check.due():
            now = progress()
            final = now.final
            if now.badge != shown:
                shown = now.badge
                yield state(now.badge)
        silent = silent + 1 if final and item is None else 0
        if silent > _PATIENCE_TICKS:
            break
    yield from _decision(progress)


def _decision(progress: Callable[[], Progress]) -> Iterator[str]:
    """The log is closed; the record follows within moments. Should it not, the browser comes back and asks again."""
    end = time.monotonic() + _DECISION_WITHIN_S
    now = progress()
    while not now.final and time.monotonic() < end:
        time.sleep(_CHECK_EVERY_S / 4)
        yield KEEPALIVE
        now = progress()
    yield state(now.badge)
    if now.final:
        yield END
