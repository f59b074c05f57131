"""Takes HAProxy's log from its pipe and tells each app of its requests. One process of a platform runs it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from core import clock
from core.edge import contained
from router import access_log
from router.access_log import Request
from router.pipe import NAME, Pipe
from router.request_log import RequestLine, RequestLog

_APART = timedelta(microseconds=1)  # so that lines keep their order among those of an app
EVERY_S = 0.25
"""The pipe holds what comes in between, some thousand lines; one look a request would cost more than the rest."""


_QUIET_S = 5.0  # after which a listener that hears nothing looks whether it is to stop


class Counter(Protocol):
    """Whoever else wants to know of requests."""

    def count(self, requests: Sequence[Request]) -> None: ...


class Listener:
    """`name_of` gives an instance's process, as `web.1`. `run` goes on until `stop` is set, in a thread of its own."""

    def __init__(
        self,
        home: Path,
        requests: RequestLog,
        name_of: Callable[[str], str],
        with_values: bool = False,
        counters: Sequence[Counter] = (),
    ) -> None:
        self._pipe_path = home / "run" / NAME
        self._requests = requests
        self._name_of = name_of
        self._with_values = with_values
        self._counters = counters

    def run(self, stop: threading.Event) -> None:
        pipe = Pipe(self._pipe_path)
        try:
            while not stop.wait(EVERY_S):
                pipe.wait(_QUIET_S)
                with contained("requests in the router's log"):
                    self.take(pipe)
        finally:
            pipe.close()

    def take(self, pipe: Pipe) -> int:
        """Tell of all that is in the pipe now; how many requests."""
        requests = [found for line in pipe.lines() if (found := access_log.parse(line)) is not None]
        by_app: dict[str, list[RequestLine]] = defaultdict(list)
        moment = clock.now()
        for number, request in enumerate(requests):
            process = self._name_of(request.instance_id) if request.instance_id else ""
            text = access_log.told(request, process, self._with_values)
            by_app[request.app_id].append(RequestLine(moment + number * _APART, text))
        for app_id, lines in by_app.items():
            self._requests.append(app_id, lines)
        for counter in self._counters:
            counter.count(requests)
        return len(requests)
