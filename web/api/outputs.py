"""Output streams: the log of a release, a build, or a change of storage or sizes, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Response

from core.errors import NotFound
from core.ids import AppId
from core.logs import LogStreams
from web.api.logs import STREAM_HEADERS
from web.api.routing import Access, PublicCall, Routes
from web.connection import watch_client
from web.links import OUTPUT, unsign

routes = Routes()
_PATIENCE_TICKS = 3  # how long a log is waited for whose record is final and that nobody closed


@routes("GET", "/streams/output/<ticket>", Access.PUBLIC)
def read_output(call: PublicCall, ticket: str) -> Response:
    wish, app = unsign(call.parts, OUTPUT, ticket, call.parts.settings.output_open_s)
    log_id, is_final = _record(call, app.id, wish["kind"], wish["id"])
    text = follow(call.parts.logs, log_id, is_final, watch_client(call.request.environ))
    return Response(text, mimetype="text/plain", headers=STREAM_HEADERS)


def _record(call: PublicCall, app_id: AppId, kind: str, record_id: str) -> tuple[str, Callable[[], bool]]:
    """The record's log, and whether it is final, asked anew each time."""
    if kind == "build":
        pushes = call.parts.pushes
        return pushes.push(record_id).log_id, lambda: pushes.push(record_id).is_final
    if kind == "storage":
        storage = call.parts.storage
        return storage.change(app_id, record_id).log_id, lambda: storage.change(app_id, record_id).is_decided
    if kind == "sizes":
        resizing = call.parts.resizing
        return resizing.change(app_id, record_id).log_id, lambda: resizing.change(app_id, record_id).is_decided
    releases = call.parts.releases
    found = releases.by_ids([record_id]).get(record_id)
    if found is None or found.app_id != app_id:
        raise NotFound("Couldn't find that release.", "See them: portside releases")
    return found.log_id, lambda: _is_decided(call, record_id)


def _is_decided(call: PublicCall, release_id: str) -> bool:
    found = call.parts.releases.by_ids([release_id]).get(release_id)
    return found is None or found.is_decided


def follow(logs: LogStreams, log_id: str, is_final: Callable[[], bool], gone: Callable[[], bool]) -> Iterator[str]:
    """The lines as they come; ends with the log, or soon after its record is final should nobody close it."""
    silent = 0
    for item in logs.follow(log_id, gone=gone):
        if item is not None:
            yield f"{item[1]}\n"
            continue
        silent = silent + 1 if is_final() else 0
        if silent > _PATIENCE_TICKS:
            return
