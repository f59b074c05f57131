"""kill -9 for the parts of a test's platform, by their pids; and the wait for their return."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import redis

from server import procfs
from server.readiness import is_ready
from server.site import read_site
from server.supervision import Supervisor
from tests.background import eventually
from tests.live import LivePlatform

RETURN_S = 60
PARTS = ("redis", "registry", "router", "api", "gateway", "worker")
SUPERVISOR = "supervisord"


class Victim:
    """One platform whose parts are killed."""

    def __init__(self, platform: LivePlatform) -> None:
        self.platform = platform
        self._site = read_site(platform.environ)

    def record(self, part: str) -> procfs.ProcessRecord:
        """Which process a part (or supervisord) is now, or was."""
        record = procfs.read_record(self._site.record(part))
        assert record is not None, f"{part} has never run"
        return record

    def kill(self, *parts: str) -> None:
        """SIGKILL to every process of these parts (gunicorn and HAProxy are two each), as near to at once as can be."""
        found = {part: procfs.group_of(self.record(part)) for part in parts}
        assert all(found.values()), f"not all of {found} run"
        for pid in itertools.chain.from_iterable(found.values()):
            self._kill(pid)

    def kill_first(self, part: str) -> None:
        """SIGKILL to the part's first process alone; what it has started is left to itself."""
        self._kill(self.record(part).pid)

    @contextmanager
    def held_still(self, part: str) -> Iterator[Callable[[], None]]:
        """The part stands still (SIGSTOP) until the function that is given is called, or at the end of the block."""
        stopped = procfs.group_of(self.record(part))

        def let_go() -> None:
            while stopped:
                with suppress(ProcessLookupError):
                    os.kill(stopped.pop(), signal.SIGCONT)

        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield let_go
        finally:
            let_go()

    def flush_redis(self) -> None:
        """FLUSHALL: every message and every live log line is lost."""
        client = redis.Redis(unix_socket_path=str(self._site.run / "redis.sock"))
        client.flushall()
        client.close()

    def _kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def is_ready(self, part: str) -> bool:
        return procfs.is_alive(self.record(part)) and is_ready(self._site, part)

    def remove_supervisor_socket(self) -> None:
        self._site.supervisor_socket.unlink()

    def is_supervised(self) -> bool:
        """Whether supervisord can be spoken to."""
        return Supervisor(self._site).is_running()

    def returns(self, *parts: str) -> None:
        """Wait until these parts (default: all) run and answer again."""
        for part in parts or PARTS:
            eventually(lambda part=part: self.is_ready(part), f"{part} is back", RETURN_S)
