"""Subprocesses: argv lists only, never a shell; nothing outlives the worker that started it.

Each child is started through `setpriv --pdeathsig KILL` (util-linux), so that the kernel ends it when the thread that
started it dies, kill -9 of the worker included.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from core.errors import Cancelled, DeadlineExceeded, PortsideError

POLL_S = 0.05
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Finished:
    """What a process left: its exit code (negative: the signal that ended it) and its output."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")

    @property
    def error_text(self) -> str:
        return self.stderr.decode(errors="replace").strip()


class CommandFailed(PortsideError):
    """A command ended with an error."""

    def __init__(self, argv: Sequence[str], finished: Finished) -> None:
        detail = finished.error_text or finished.text.strip() or "no output"
        super().__init__(f"{os.path.basename(argv[0])} ended with exit code {finished.code}: {detail[-2000:]}")
        self.finished = finished


def run(
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout_s: float = 60,
    check: bool = True,
) -> Finished:
    """Run a short command to its end and give its output.

    Raises CommandFailed on a non-zero exit when `check`, DeadlineExceeded when it takes longer than `timeout_s`.
    """
    try:
        done = subprocess.run(
            tied(argv),
            input=stdin,
            env=_environment(env),
            cwd=cwd,
            capture_output=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL if stdin is None else None,
        )
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceeded(f"{os.path.basename(argv[0])} took longer than {timeout_s:.0f} s") from error
    finished = Finished(done.returncode, done.stdout, done.stderr)
    if check and finished.code != 0:
        raise CommandFailed(argv, finished)
    return finished


def stream(
    argv: Sequence[str],
    *,
    on_line: Callable[[str], None],
    stdin: Iterable[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    deadline_s: float | None = None,
    stopped: Callable[[], BaseException | None] = lambda: None,
) -> int:
    """Run a long command, handing each line of its merged output to `on_line` as it comes; gives the exit code.

    `stdin` is fed chunk by chunk. `stopped` is asked every 50 ms and may give the exception to end with (a
    cancel, a lost lease); `deadline_s` is in seconds from now. Either way the whole process group is killed first.
    """
    process = subprocess.Popen(
        tied(argv),
        env=_environment(env),
        cwd=cwd,
        start_new_session=True,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with endings_of(process) as endings:
        reader = threading.Thread(target=_read_lines, args=(process, on_line), daemon=True)
        reader.start()
        feeder = _Feeder(process, stdin)
        feeder.start()
        try:
            _wait(endings, deadline_s, stopped)
        finally:
            kill_group(process)
            reader.join(timeout=5)
            feeder.join(timeout=5)
    feeder.raise_error()
    return process.returncode


def _wait(endings: select.poll, deadline_s: float | None, stopped: Callable[[], BaseException | None]) -> None:
    end = None if deadline_s is None else time.monotonic() + deadline_s
    while not endings.poll(POLL_S * 1000):
        reason = stopped()
        if reason is not None:
            raise reason
        if end is not None and time.monotonic() > end:
            raise DeadlineExceeded(f"it took longer than {deadline_s:.0f} s")


@contextmanager
def endings_of(process: subprocess.Popen[bytes]) -> Iterator[select.poll]:
    """What wakes at the moment the process ends (pidfd_open(2)): Popen.wait(timeout) looks only every 50 ms."""
    handle = os.pidfd_open(process.pid)
    try:
        endings = select.poll()
        endings.register(handle, select.POLLIN)
        yield endings
    finally:
        os.close(handle)


class _Feeder(threading.Thread):
    """Writes the chunks to the child's stdin; keeps an error of the source, forgets the child's early exit."""

    def __init__(self, process: subprocess.Popen[bytes], chunks: Iterable[bytes] | None) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._chunks = chunks
        self._error: Exception | None = None

    def run(self) -> None:
        pipe = self._process.stdin
        if pipe is None or self._chunks is None:
            return
        try:
            for chunk in self._chunks:
                pipe.write(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the child ended first: its exit code tells the story
        except Exception as error:  # carried to the caller's thread
            self._error = error
            kill_group(self._process)
        finally:
            with suppress(BrokenPipeError):
                pipe.close()

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error


def _read_lines(process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for raw in iter(lambda: output.readline(_TAIL_BYTES), b""):
            on_line(raw.decode(errors="replace").rstrip("\r\n"))


def tied(argv: Sequence[str]) -> list[str]:
    """`argv` wrapped so that the kernel kills it when we die."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *argv] if setpriv else list(argv)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if extra is None else {**os.environ, **extra}


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process started with its own session, and whatever it started, now."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stop_when(cancelled: Callable[[], bool]) -> Callable[[], BaseException | None]:
    """Turn a yes/no question into what `stream` asks: Cancelled when the answer is yes."""
    return lambda: Cancelled() if cancelled() else None
