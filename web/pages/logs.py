"""The log of a push or release as a page begins it; the stream goes on where the page's text ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, request

from core.logs import LogStreams
from web.pages.text import Passage, passages

MOST_LINES: Final = 5_000


@dataclass(frozen=True)
class LogView:
    """What the page shows at first. `next_line`: where its stream goes on; None when there is nothing to follow."""

    passages: list[Passage]
    total: int
    left_out: int
    next_line: int | None


def view_of(logs: LogStreams, log_id: str, decided: bool) -> LogView:
    """The log so far, its last 5,000 lines at most."""
    closed = logs.is_closed(log_id)  # asked before the text is read: what was closed then is whole now
    lines = logs.text(log_id).split("\n")[:-1]
    left_out = max(0, len(lines) - MOST_LINES)
    next_line = None if closed and decided else len(lines)
    return LogView(passages(lines[left_out:]), len(lines), left_out, next_line)


def resume_at() -> int:
    """The first line that the browser does not have: after its last event, or else where its page ended."""
    last, start = request.headers.get("Last-Event-ID", ""), request.args.get("from", "")
    if _is_number(last):
        return int(last) + 1
    return int(start) if _is_number(start) else 0


def text_response(text: str) -> Response:
    return Response(text, mimetype="text/plain")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12
