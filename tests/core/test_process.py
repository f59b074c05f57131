"""Subprocesses end when they are told to, and with whoever started them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Cancelled, DeadlineExceeded
from core.process import CommandFailed, run, stop_when, stream


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_ended(pid: int) -> None:
    end = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < end, f"{pid} still runs"
        time.sleep(0.02)


def test_a_commands_output_is_given() -> None:
    assert run(["printf", "a b"]).text == "a b"


def test_what_goes_in_comes_out() -> None:
    assert run(["cat"], stdin=b"hello").stdout == b"hello"


def test_a_failed_command_says_what_it_printed() -> None:
    with pytest.raises(CommandFailed, match=r"exit code 2: .*no-such-file"):
        run(["ls", "/no-such-file"])


def test_an_argument_is_never_read_by_a_shell() -> None:
    assert run(["printf", "%s", "$(id); echo x"]).text == "$(id); echo x"


def test_lines_arrive_in_their_order() -> None:
    lines: list[str] = []
    code = stream([sys.executable, "-c", "for i in range(500): print(i)"], on_line=lines.append)
    assert code == 0
    assert lines == [str(number) for number in range(500)]


def test_the_source_is_fed_chunk_by_chunk() -> None:
    lines: list[str] = []
    assert stream(["wc", "-c"], on_line=lines.append, stdin=(b"x" * 65536 for _ in range(100))) == 0
    assert lines == ["6553600"]


def test_an_error_of_the_source_reaches_the_caller() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise ValueError("no such object")

    with pytest.raises(ValueError, match="no such object"):
        stream(["cat"], on_line=lambda _: None, stdin=broken())


def test_a_command_that_does_not_read_its_input_still_ends_well() -> None:
    assert stream(["true"], on_line=lambda _: None, stdin=(b"x" * 65536 for _ in range(100))) == 0


def test_a_deadline_ends_the_whole_group() -> None:
    pids: list[str] = []
    script = "import subprocess, sys; c = subprocess.Popen(['sleep', '600']); print(c.pid, flush=True); c.wait()"
    with pytest.raises(DeadlineExceeded):
        stream([sys.executable, "-c", script], on_line=pids.append, deadline_s=2)
    wait_until_ended(int(pids[0]))


def test_a_cancel_ends_it() -> None:
    asked = threading.Event()
    script = "import time; print('begun', flush=True); time.sleep(600)"
    with pytest.raises(Cancelled):
        stream([sys.executable, "-c", script], on_line=lambda _: asked.set(), stopped=stop_when(asked.is_set))


def test_a_child_dies_with_a_killed_parent() -> None:
    script = (
        "from core.process import stream\n"
        "stream(['sh', '-c', 'echo $$; exec sleep 600'], on_line=lambda line: print(line, flush=True))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_ended(child)
