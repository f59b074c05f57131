"""The pipe through which HAProxy's log comes: a FIFO that whoever starts HAProxy holds open for it.

A write to it never waits, HAProxy drops what does not fit and counts that (`DroppedLogs`), and a reader that returns
finds up to a megabyte of what was written meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NAME = "router-log.fifo"
FD_VARIABLE = "PORTSIDE_ACCESS_LOG_FD"
LINE_BYTES = 4000  # below PIPE_BUF, so that each line is written whole or not at all (pipe(7))
PIPE_BYTES = 1 << 20  # what an unprivileged user may have (/proc/sys/fs/pipe-max-size)


def open_for_haproxy(path: Path) -> int:
    """A file descriptor that a child inherits, open for both directions: without a reader, a pipe is a broken one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    with suppress(PermissionError):  # a user who has too many big pipes: then it is one of 64 KB
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.set_inheritable(descriptor, True)
    return descriptor


class Pipe:
    """The reading end."""

    def __init__(self, path: Path) -> None:
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._rest = b""

    def wait(self, timeout_s: float) -> None:
        """Return once there is something to read, or after that time."""
        select.select([self._descriptor], [], [], timeout_s)

    def lines(self) -> Iterator[str]:
        """What has come since the last call, line by line; returns when there is no more."""
        while True:
            try:
                chunk = os.read(self._descriptor, PIPE_BYTES)
            except BlockingIOError:
                return
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode("ascii", "replace")

    def close(self) -> None:
        os.close(self._descriptor)
