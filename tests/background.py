"""A command that goes on while the test does something else."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from tests.live import COMMAND_S, Done

_LOOK_EVERY_S = 0.05
_HEARS_CTRL_C = ("env", "--default-signal=INT")  # a shell's background job, the tests for one, may ignore it


def eventually(true: Callable[[], object], what: str, within_s: float = 60) -> None:
    """Wait until `true()`; AssertionError with `what` when it never is."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(_LOOK_EVERY_S)


class Background:
    """`with Background(argv, env, cwd) as command: …`; what still runs at the end is killed."""

    def __init__(self, argv: list[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
        self._process = subprocess.Popen(
            [*_HEARS_CTRL_C, *argv],
            env=dict(env),
            cwd=cwd,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C goes to it and its children, as in a terminal, and not to the tests
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Background:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    @property
    def output(self) -> str:
        """What it has said so far."""
        return "".join(self._lines)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def says(self, text: str, within_s: float = 60) -> None:
        """Wait until it has said `text`."""
        eventually(lambda: text in self.output or not self._reader.is_alive(), f"{text!r} in {self.output}", within_s)
        assert text in self.output

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL, to it and its children."""
        self._signal(signal.SIGKILL)

    def ended(self) -> Done:
        """Wait for its end."""
        code = self._process.wait(timeout=COMMAND_S)
        self._reader.join()
        return Done(code, self.output)

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self._lines.append(line)
