"""One-off runs as people type them: in a terminal, in a pipe, and left to themselves."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.site import Site
from tests.background import eventually
from tests.live import BIN

pytestmark = pytest.mark.platform
WAIT_S = 90


class Terminal:
    """`portside …` in a terminal of its own."""

    def __init__(self, site: Site, *arguments: str, columns: int, lines: int) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(site.folder)
            program = str(BIN / "portside")
            os.execve(program, [program, *arguments], {**site.platform.people, "TERM": "xterm"})
        self.resize(columns, lines)
        self.shown = ""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, wanted: str) -> None:
        end = time.monotonic() + WAIT_S
        while wanted not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self.fd], [], [], 1.0)[0]:
                self.shown += os.read(self.fd, 65536).decode(errors="replace")

    def exit_code(self) -> int:
        """Once it has ended by itself."""
        with contextlib.suppress(OSError):  # how the last read of a terminal ends
            while data := os.read(self.fd, 65536):
                self.shown += data.decode(errors="replace")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@contextmanager
def terminal(site: Site, *arguments: str, columns: int = 100, lines: int = 30) -> Iterator[Terminal]:
    made = Terminal(site, *arguments, columns=columns, lines=lines)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(made.pid, signal.SIGKILL)
        os.close(made.fd)


def piped(site: Site, given: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    argv = [str(BIN / "portside"), *arguments]
    return subprocess.run(
        argv, env=site.platform.people, cwd=site.folder, input=given, capture_output=True, timeout=WAIT_S
    )


def runs_of(site: Site) -> list[str]:
    return [one.process for one in site.containers() if one.process.startswith("run.")]


def test_pipes_and_exit_codes(live_site: Site) -> None:
    every_byte = bytes(range(256)) * 8000
    done = piped(live_site, every_byte, "run", "cat")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == every_byte
    done = piped(live_site, b"", "run", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    done = piped(live_site, b"", "run", "-e", "WORD=two words", "printenv", "WORD", "DYNO", "PORT")
    assert (done.returncode, done.stdout) == (1, b"two words\nrun.3\n"), "there is no PORT"
    assert runs_of(live_site) == []


def test_a_terminal_with_its_size_ctrl_c_and_a_resize(live_site: Site) -> None:
    with terminal(live_site, "run", "sh", columns=101, lines=31) as shell:
        shell.until("as run.1")
        shell.type("tty && stty size\n")
        shell.until("31 101")
        shell.resize(90, 25)
        os.kill(shell.pid, signal.SIGWINCH)
        shell.type("until stty size | grep '25 90'; do sleep 0.1; done\n")
        shell.until("25 90\r\n")
        shell.type("echo begin-$((40+2)); sleep 1000\n")
        shell.until("begin-42")
        shell.type("\x03")
        shell.type("echo lives-$((40+2))\n")
        shell.until("lives-42")
        assert runs_of(live_site) == ["run.1"]
        assert "run.1" in live_site.cli("ps").output
        shell.type("exit 9\n")
        assert shell.exit_code() == 9
    eventually(lambda: runs_of(live_site) == [], "its container is gone")


def test_ctrl_c_ends_a_command_and_a_dead_client_takes_its_run_along(live_site: Site) -> None:
    with terminal(live_site, "run", "echo begun-$((40+2)); sleep 1000") as first:
        first.until("begun-42")
        first.type("\x03")
        assert first.exit_code() == 130
    with terminal(live_site, "run", "echo begun-$((40+2)); sleep 1000") as second:
        second.until("begun-42")
        os.kill(second.pid, signal.SIGKILL)
        eventually(lambda: runs_of(live_site) == [], "the container is gone")
        os.waitpid(second.pid, 0)
    eventually(lambda: "Its client went away." in live_site.cli("logs", "-p", "run").output, "it is told why")


def test_detached_runs_are_listed_logged_and_killed(live_site: Site) -> None:
    begun = live_site.cli("run:detached", "echo from-the-run; exec sleep 1000")
    assert begun.code == 0, begun.output
    assert "as run.1." in begun.output
    eventually(lambda: "from-the-run" in live_site.cli("logs", "-p", "run.1").output, "its output is in the log")
    assert live_site.cli("run:kill", "run.1").code == 0
    eventually(lambda: runs_of(live_site) == [], "its container has ended")

    def listed() -> list[tuple[str, str, int | None]]:
        found = json.loads(live_site.cli("run:list", "--json").output)
        return [(one["name"], one["state"], one["exit_code"]) for one in found]

    eventually(lambda: listed() == [("run.1", "ended", 143)], "its end is recorded")
    assert "from-the-run" in live_site.cli("logs", "-p", "run.1").output, "after its end too"


def test_before_the_first_release_there_is_nothing_to_run_in(site: Site) -> None:
    refused = site.cli("run", "ls")
    assert refused.code == 1
    assert "This app has no release to run anything in yet." in refused.output
