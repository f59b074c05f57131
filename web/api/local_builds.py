"""Building what was not pushed: how a source would be built, its Dockerfile, and a build that makes no release.

Portside's own endpoints. A folder comes as the request's body: a tar file, plain or gzipped. A build answers with one
JSON object a line: `{"line": …}` as the log goes on, `{}` while it is silent, last `{"status": "succeeded", …}` or
`{"status": "failed", "message": …, "hint": …}`.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Protocol

from flask import Response

from accounts import Permission
from builder import BuiltImage, Source
from core.edge import unit_of_work
from core.errors import Cancelled, NotFound, PortsideError, UserError
from core.ids import new_id
from core.logs import LogWriter
from web.api import shapes
from web.api.logs import STREAM_HEADERS
from web.api.routing import Access, Answer, AppCall, Call, Routes
from web.connection import watch_client

routes = Routes()
_TICK_S = 1.0


class ClosableSource(Source, Protocol):
    """A source that holds a file open."""

    def close(self) -> None: ...


Build = Callable[[LogWriter, Callable[[], BaseException | None]], BuiltImage]


@routes("POST", "/recipes", Access.LOGGED_IN)
def explain_folder(call: Call) -> Answer:
    """How the folder sent would be built as a new app."""
    with closing(_folder(call)) as source:
        return _recipe(call, source)


@routes("POST", "/apps/<app>/recipe", Permission.DEPLOY)
def explain_folder_of_app(call: AppCall) -> Answer:
    """How the folder sent would be built as this app."""
    with closing(_folder(call)) as source:
        return _recipe(call, source)


@routes("GET", "/apps/<app>/recipe", Permission.VIEW)
def explain_current(call: AppCall) -> Answer:
    """How the app's current commit is built."""
    release_id = call.app.current_release_id
    release = call.parts.releases.by_ids([release_id]).get(release_id) if release_id else None
    if release is None or not release.commit:
        raise NotFound("Nothing is deployed yet.", "For the folder you are in: portside eject --local .")
    source = call.parts.repositories.source(call.app.id, release.commit)
    return _recipe(call, source)


@routes("POST", "/apps/<app>/trial-builds", Permission.DEPLOY)
def build_folder(call: AppCall) -> Response:
    """Build the folder sent; its log comes as it is written. When the client goes, so does the build."""
    source = _folder(call)
    config = call.parts.releases.config(call.app.id)
    try:
        recipe = call.parts.builder.recipe(source, call.app.id, call.app.name, config)
    except UserError:
        source.close()
        raise

    def build(log: LogWriter, stopped: Callable[[], BaseException | None]) -> BuiltImage:
        with closing(source):
            for line in recipe.decisions:
                log.detail(line)
            return call.parts.pushes.try_build(call.app.id, source, log, stopped)

    text = narrate(build, watch_client(call.request.environ))
    return Response(text, mimetype="application/x-ndjson", headers=STREAM_HEADERS)


def _folder(call: Call) -> ClosableSource:
    builder = call.parts.builder
    call.request.max_content_length = builder.LARGEST_UPLOAD_BYTES
    return builder.receive(call.request.stream)


def _recipe(call: Call, source: Source) -> Answer:
    if isinstance(call, AppCall):
        recipe = call.parts.builder.recipe(source, call.app.id, call.app.name, call.parts.releases.config(call.app.id))
    else:
        recipe = call.parts.builder.recipe(source)
    return Answer({"pack": recipe.pack, "decisions": list(recipe.decisions), "dockerfile": recipe.dockerfile})


class _Channel:
    """A log that is only shown, line by line, to who waits for it."""

    def __init__(self) -> None:
        self.items: queue.SimpleQueue[shapes.Json] = queue.SimpleQueue()

    def publish(self, log_id: str, number: int, text: str) -> bool:
        self.items.put({"line": text})
        return True

    def store(self, log_id: str, lines: list[str]) -> None:
        """Nothing is kept."""


def narrate(build: Build, gone: Callable[[], bool]) -> Iterator[str]:
    """Run `build` beside and give its lines and its end; a client that is gone, or stops reading, cancels it."""
    channel, left = _Channel(), threading.Event()

    def work() -> None:
        log = LogWriter(channel, new_id(), [])
        channel.items.put(_outcome(lambda: build(log, lambda: Cancelled() if left.is_set() else None)))

    threading.Thread(target=work, name="trial-build", daemon=True).start()
    try:
        while not gone():
            try:
                item = channel.items.get(timeout=_TICK_S)
            except queue.Empty:
                item = {}
            yield f"{json.dumps(item)}\n"
            if "status" in item:
                return
    finally:
        left.set()


def _outcome(build: Callable[[], BuiltImage]) -> shapes.Json:
    try:
        with unit_of_work("a trial build"):
            built = build()
    except PortsideError as error:
        return {"status": "failed", "message": error.message, "hint": getattr(error, "hint", "")}
    processes = [{"type": kind, "command": command} for kind, command in built.processes]
    return {"status": "succeeded", "build": built.build_id, "image": built.image_id, "processes": processes}
