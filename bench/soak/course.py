"""What is done to the app, round after round: each round leaves it as it was, but for its release."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Callable

from bench.bed import PATIENCE_S, Bed, BenchApp, must
from tests.background import eventually


class Course:
    """`done` counts what was done, by its name. A command that fails, or has no effect, ends it with an error."""

    def __init__(self, bed: Bed, app: BenchApp) -> None:
        self._bed = bed
        self._app = app
        self.done: Counter[str] = Counter()

    def run(self, seconds: float, after_each: Callable[[], None]) -> None:
        """Whole rounds until the time is over, two at least."""
        end = time.monotonic() + seconds
        while time.monotonic() < end or self.done["deploys"] < 2:
            self.round()
            after_each()

    def round(self) -> None:
        host = f"round-{self.done['deploys']}.soak.test"
        self._deploy()
        self._did("scalings", "ps:scale", "web=2")
        self._did("domain changes", "domains:add", host)
        self._is_routed(host, 200)
        self._did("rollbacks", "rollback")
        self._did("domain changes", "domains:remove", host)
        self._is_routed(host, 404)
        self._did("scalings", "ps:scale", "web=1")

    def _deploy(self) -> None:
        words = self._app.change()
        must(self._app.push())
        self.done["deploys"] += 1
        self._app.answers(words)

    def _did(self, what: str, *command: str) -> None:
        must(self._app.cli(*command))
        self.done[what] += 1

    def _is_routed(self, host: str, status: int) -> None:
        eventually(lambda: self._status(host) == status, f"{status} at {host}", PATIENCE_S)

    def _status(self, host: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._bed.platform.http, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": host})
            return connection.getresponse().status
        finally:
            connection.close()
