"""Our supervisord (http://supervisord.org/api.html): started, spoken to over its Unix socket, and ended."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from core.errors import Unavailable
from server import procfs
from server.part_names import is_router
from server.procfs import ProcessRecord
from server.site import Site

START_S = 20.0
_RUNNING = ("RUNNING", "STARTING")


@dataclass(frozen=True)
class Program:
    """What supervisor says of a part: its state in supervisor's words, its pid (0: none) and its last words."""

    name: str
    state: str
    pid: int
    uptime_s: float
    detail: str


class Supervisor:
    """One platform's supervisord."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def _pid_record(self) -> ProcessRecord | None:
        return procfs.read_record(self._site.record("supervisord"))

    def is_running(self) -> bool:
        """Whether our supervisord is there and answers."""
        record = self._pid_record
        if record is None or not procfs.is_alive(record):
            return False
        with suppress(OSError, xmlrpc.client.Error, http.client.HTTPException):
            return bool(self._api().getPID())
        return False

    @property
    def _code_file(self) -> Path:
        return self._site.run / "supervisord.code"

    def is_outdated(self) -> bool:
        """Whether it has other code loaded than is installed now: its children would have that too."""
        return not self._code_file.exists() or self._code_file.read_text() != self._site.code

    def leave_router(self) -> None:
        """End supervisord and every part but the router, which serves on without it until its successor takes over."""
        for name in self.programs():
            if not is_router(name):
                self.stop_part(name)
        self.kill()  # anything milder ends the router too

    def kill(self) -> None:
        """SIGKILL to our supervisord, if it is there, and wait for its end; its parts run on."""
        record = self._pid_record
        if record is None or not procfs.is_alive(record):
            return
        os.kill(record.pid, signal.SIGKILL)
        while procfs.is_alive(record):
            time.sleep(procfs.POLL_S)

    def start(self) -> None:
        """Start supervisord away from this terminal; raises Unavailable when it does not answer."""
        argv = [sys.executable, "-m", "server.supervisord", "--nodaemon"]
        with (self._site.log / "supervisord.out").open("ab") as output:
            process = subprocess.Popen(
                [*argv, "--configuration", str(self._site.run / "supervisord.conf")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(),
                start_new_session=True,
            )
        procfs.write_record(self._site.record("supervisord"), process.pid)
        self._code_file.write_text(self._site.code)
        deadline = time.monotonic() + START_S
        while not self.is_running():
            if process.poll() is not None or time.monotonic() > deadline:
                words = (self._site.log / "supervisord.out").read_text(errors="replace").splitlines()[-3:]
                raise Unavailable(
                    "\n    ".join(["supervisord does not start:", *words]), f"Look at {self._site.log}/supervisord.out"
                )
            time.sleep(procfs.POLL_S)

    def _environment(self) -> dict[str, str]:
        """What supervisord hands on; the parts take the rest from the environment file."""
        saves_memory = {"MALLOC_ARENA_MAX": "2", "PYTHONNODEBUGRANGES": "1"}  # the second: tracebacks without carets
        return {"PATH": self._site.environ["PATH"], "PYTHONSAFEPATH": "1", **saves_memory}

    def reload(self) -> list[str]:
        """Read the configuration again and take over what changed; gives the parts that must be started anew."""
        added, changed, removed = self._api().reloadConfig()[0]
        for name in [*changed, *removed]:
            self._api().stopProcessGroup(name)
            self._api().removeProcessGroup(name)
        for name in [*changed, *added]:
            self._api().addProcessGroup(name)
        return [str(name) for name in changed]

    def programs(self) -> dict[str, Program]:
        """Every part by its name."""
        return {str(info["name"]): _program(info) for info in self._api().getAllProcessInfo()}

    def start_part(self, name: str) -> bool:
        """Have a part started unless it runs; whether there was anything to do. Does not wait until it is ready."""
        if self.programs()[name].state in _RUNNING:
            return False
        with _ignoring(Faults.ALREADY_STARTED, Faults.SPAWN_ERROR):
            self._api().startProcess(name, False)
        return True

    def stop_part(self, name: str) -> None:
        """Stop a part and wait until it has ended."""
        with _ignoring(Faults.NOT_RUNNING):
            self._api().stopProcess(name, True)

    def shut_down(self) -> None:
        """Stop every part and supervisord itself, and wait until they have ended."""
        record = self._pid_record
        self._api().shutdown()
        while record is not None and procfs.is_alive(record):
            time.sleep(procfs.POLL_S)

    def _api(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._site.supervisor_socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor


class _ignoring:  # noqa: N801  (reads as a verb, as contextlib.suppress does)
    """Let these faults of supervisor pass: the world is already as it was asked to be."""

    def __init__(self, *codes: int) -> None:
        self._codes = codes

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        return isinstance(error, xmlrpc.client.Fault) and error.faultCode in self._codes


def _program(info: dict[str, Any]) -> Program:
    running = info["statename"] == "RUNNING"
    uptime_s = float(info["now"] - info["start"]) if running else 0.0
    return Program(info["name"], info["statename"], int(info["pid"]), uptime_s, info["spawnerr"] or info["description"])
