"""Log sessions: an address under which an app's log can be read, and the log itself.

For `Accept: text/event-stream` (Heroku's client) the log is a stream of server-sent events, each with the time of its
line as id; a client that comes back with `Last-Event-ID` gets what is newer. Others get plain lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response

from accounts import Permission
from core import clock
from core.errors import UserError
from core.ids import new_id
from scheduler import LogLine
from web.api.routing import Access, Answer, AppCall, PublicCall, Routes
from web.connection import watch_client
from web.links import LOGS, unsign

routes = Routes()
MOST_LINES = 1500  # as on Heroku
_DEFAULT_LINES = 100
_SOURCES = {"app": "app", "heroku": "portside", "portside": "portside"}
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Lines = Iterator["LogLine | None"]


@routes("POST", "/apps/<app>/log-sessions", Permission.VIEW)
def open_log(call: AppCall) -> Answer:
    """`lines` (100), `tail` (false), `dyno` (a type or `web.1`), `source` (app, heroku)."""
    moment = clock.iso(clock.now())
    url = call.links.logs(_wish(call))
    return Answer({"id": new_id(), "logplex_url": url, "created_at": moment, "updated_at": moment}, 201)


def _wish(call: AppCall) -> dict[str, Any]:
    lines, source = call.body.number("lines"), call.body.text("source")
    if source and source not in _SOURCES:
        raise UserError(f"There is no log source {source!r}.", f"Choose one of: {', '.join(_SOURCES)}.")
    return {
        "app": call.app.id,
        "lines": _DEFAULT_LINES if lines is None else min(max(lines, 0), MOST_LINES),
        "tail": call.body.flag("tail"),
        "process": call.body.text("dyno") or call.body.text("type"),
        "source": _SOURCES[source] if source else None,
    }


@routes("GET", "/streams/logs/<ticket>", Access.PUBLIC)
def read_log(call: PublicCall, ticket: str) -> Response:
    wish, app = unsign(call.parts, LOGS, ticket, call.parts.settings.stream_open_s)
    gone = watch_client(call.request.environ)
    lines = call.parts.scheduler.logs(app.id, wish["lines"], wish["tail"], wish["process"], gone)
    wanted = _only(lines, wish["source"])
    if "text/event-stream" in call.request.headers.get("Accept", ""):
        since = call.request.headers.get("Last-Event-ID", "")
        events = as_events(wanted, since, wish["tail"])
        return Response(events, mimetype="text/event-stream", headers=STREAM_HEADERS)
    return Response(as_text(wanted), mimetype="text/plain", headers=STREAM_HEADERS)


def _only(lines: Lines, source: str | None) -> Lines:
    return (line for line in lines if line is None or source is None or line.source == source)


def as_events(lines: Lines, since: str, tail: bool) -> Iterator[str]:
    """Server-sent events; a comment once a second keeps a silent stream alive.

    A log that ends says `retry: 10` first, or Heroku's client waits three seconds after its end; a tail must not, or
    the client hammers.
    """
    yield ": follows\n\n" if tail else "retry: 10\n\n"
    for line in lines:
        if line is None:
            yield ": nothing new\n\n"
            continue
        moment = line.at.isoformat(timespec="microseconds")
        if moment > since:
            yield "".join([f"id: {moment}\n", *(f"data: {part}\n" for part in str(line).splitlines()), "\n"])


def as_text(lines: Lines) -> Iterator[str]:
    return (f"{line}\n" for line in lines if line is not None)
