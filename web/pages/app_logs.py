"""What an app's own processes print: the recent lines, and the live tail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, render_template, request

from releases import App
from scheduler import LogLine, Scheduler
from web.pages import sse
from web.pages.access import Access
from web.pages.text import Passage, passages

RECENT_LINES: Final = 500
_ALLOWED_EVERY_S: Final = 10.0


class AppLogPages:
    def __init__(self, scheduler: Scheduler, access: Access) -> None:
        self._scheduler = scheduler
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/apps/<name>/logs", "app_logs", self.show)
        blueprint.add_url_rule("/dashboard/apps/<name>/logs/stream", "app_logs_stream", self.stream)

    def show(self, name: str) -> str:
        app, process = self._access.app(name), self._process()
        lines = [line for line in self._scheduler.logs(app.id, RECENT_LINES, process=process) if line is not None]
        return render_template(
            "app_logs.html",
            app=app,
            process=process,
            types=self._types(app),
            passages=_passages(lines),
            after=lines[-1].at.isoformat() if lines else "",
        )

    def stream(self, name: str) -> Response:
        app = self._access.app(name)
        seen = _moment(request.headers.get("Last-Event-ID", "")) or _moment(request.args.get("after", ""))
        lines = self._scheduler.logs(app.id, RECENT_LINES, follow=True, process=self._process())
        return sse.stream(tail(lines, seen, self._access.still_sees(app)))

    def _types(self, app: App) -> list[str]:
        if app.current_version is None:
            return []
        return [*(found.process_type for found in self._scheduler.formation(app.id)), "router", "certs"]

    def _process(self) -> str | None:
        return request.args.get("process", "")[:60] or None


def tail(lines: Iterator[LogLine | None], seen: datetime | None, allowed: Callable[[], bool]) -> Iterator[str]:
    """The lines after `seen` as events, each with its moment as id, so that a reconnect goes on where it was."""
    yield sse.RETRY
    ask = sse.Every(_ALLOWED_EVERY_S)
    for line in lines:
        if line is None:
            yield sse.KEEPALIVE
        elif seen is None or line.at > seen:
            yield sse.line(shown(line), line.at.isoformat())
        if ask.due() and not allowed():
            return


def shown(line: LogLine) -> str:
    """`03:04:05 web.1  text`: short enough for a phone; the day and Heroku's full form are in `portside logs`."""
    return f"{line.at.astimezone(UTC):%H:%M:%S} {line.process:<8} {line.text}"


def _passages(lines: list[LogLine]) -> list[Passage]:
    return passages(shown(line) for line in lines)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
