"""Storing a pack without trusting it: into a directory aside, checked, and only then moved into the repository.

As git's own receive-pack does (https://git-scm.com/docs/git-receive-pack, "QUARANTINE ENVIRONMENT"). A refused or
half-received pack leaves nothing: the directory goes away at the end, or, after a kill, at the next push.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from core import process
from core.errors import PortsideError
from core.ids import AppId
from gitreceiver.client import ClientGone
from gitreceiver.git import Git
from gitreceiver.repositories import Repositories

CHUNK_BYTES = 64 * 1024
_TICK_S = 0.5
_ROOM_BYTES = 1024 * 1024  # with less free, whatever git complains of comes from the full disk
_PREFIX = "incoming-"
_EMPTY_PACK = "pack-029d08823bd8a8eab510ad6ac75c823cfd3ed31e"  # what a push of objects already here sends


class PackRefused(PortsideError):
    """The pack can't be stored; `reason` is short, `detail` what git said about it.

    `incomplete`: objects that it builds on are neither in it nor here.
    """

    def __init__(self, reason: str, detail: str = "", *, incomplete: bool = False, too_big: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.incomplete = incomplete
        self.too_big = too_big


@contextmanager
def quarantine(repositories: Repositories, app_id: AppId) -> Iterator[Path]:
    """A directory for new objects, gone after the block; what a killed process left is removed first."""
    with repositories.locked(app_id):
        objects = repositories.path(app_id) / "objects"
        _drop_stale(objects)
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=objects))
        mark = os.open(directory, os.O_RDONLY)
        fcntl.flock(mark, fcntl.LOCK_EX)  # says that somebody alive is using it
    try:
        yield directory
    finally:
        os.close(mark)
        shutil.rmtree(directory, ignore_errors=True)


def _drop_stale(objects: Path) -> None:
    for directory in objects.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            mark = os.open(directory, os.O_RDONLY)
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
            except BlockingIOError:
                pass  # in use
            finally:
                os.close(mark)


def move_in(directory: Path, objects: Path) -> None:
    """Make the quarantined pack part of the repository. Its index goes last: with it, readers see the pack."""
    packs = sorted((directory / "pack").glob("pack-*"), key=lambda file: file.suffix == ".idx")
    for file in packs:
        if file.stem != _EMPTY_PACK:
            file.rename(objects / "pack" / file.name)


class PackIntake(threading.Thread):
    """Reads a client's pack: into `sink` while there is one, then to nowhere, so that the client can hear our answer.

    Gives up after `limit_bytes` for the sink and once more as much for nowhere. `half_duplex` is for a transport
    (HTTP) whose client listens only when all it had to say was read.
    """

    def __init__(self, recv: Callable[[int], bytes], limit_bytes: int, *, half_duplex: bool) -> None:
        super().__init__(name="pack intake", daemon=True)
        self._recv = recv
        self._limit_bytes = limit_bytes
        self._half_duplex = half_duplex
        self._sink: IO[bytes] | None = None
        self.received_bytes = 0
        self.heard_at = time.monotonic()
        self.finished = threading.Event()
        self.too_big = threading.Event()

    def begin(self, sink: IO[bytes] | None) -> None:
        self._sink = sink
        self.start()

    def make_heard(self, timeout_s: float) -> None:
        """Return when the client can hear an answer. A pack that nobody asked for is read to nowhere."""
        if self.ident is None:
            self.begin(None)
        if self._half_duplex:
            self.finished.wait(timeout_s)

    def run(self) -> None:
        try:
            while self.received_bytes <= 2 * self._limit_bytes:
                chunk = self._recv(CHUNK_BYTES)
                if not chunk:
                    break
                self._take(chunk)
        except (ClientGone, OSError):
            pass  # the pack ends here: index-pack sees that it is too short
        finally:
            self._close_sink()
            self.finished.set()

    def _take(self, chunk: bytes) -> None:
        self.received_bytes += len(chunk)
        self.heard_at = time.monotonic()
        if self.received_bytes > self._limit_bytes:
            self.too_big.set()
            self._close_sink()
        if self._sink is not None:
            try:
                self._sink.write(chunk)
            except OSError:  # index-pack has ended: its exit code says why
                self._close_sink()

    def _close_sink(self) -> None:
        if self._sink is not None:
            with suppress(OSError):
                self._sink.close()
            self._sink = None


def store(git: Git, intake: PackIntake, *, idle_s: float, tick: Callable[[], None]) -> None:
    """Index the pack that `intake` reads, into the quarantine of `git`; raises PackRefused.

    `tick` is called about twice a second once the whole pack is here (deltas of a big one take a while to resolve).
    """
    with tempfile.TemporaryFile() as complaints:
        indexer = subprocess.Popen(
            process.tied(git.index_pack()),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env={**os.environ, **git.env},
            start_new_session=True,
        )
        try:
            intake.begin(indexer.stdin)
            _wait(indexer, intake, idle_s, tick)
        finally:
            process.kill_group(indexer)
        if intake.too_big.is_set():
            raise PackRefused("the pack is too big", too_big=True)
        if indexer.returncode != 0 and shutil.disk_usage(git.path).free < _ROOM_BYTES:
            raise PackRefused("the server's disk is full", "Free space on it: `portside-server doctor` says how.")
        if indexer.returncode != 0:
            complaints.seek(0)
            raise _refusal(complaints.read(8192).decode(errors="replace"))


def _wait(indexer: subprocess.Popen[bytes], intake: PackIntake, idle_s: float, tick: Callable[[], None]) -> None:
    with process.endings_of(indexer) as endings:
        while not intake.too_big.is_set():
            if endings.poll(_TICK_S * 1000):
                return
            if intake.finished.is_set():
                tick()
            elif time.monotonic() - intake.heard_at > idle_s:
                raise PackRefused("the pack stopped coming", f"Nothing was received for {idle_s:.0f} s.")


_MISSING = "did not receive expected object"
_REASONS = (
    ("early EOF", "the pack ended early"),
    ("pack signature mismatch", "that is not a pack"),
    (_MISSING, "objects are missing from the push"),
    ("No space left on device", "the server's disk is full"),
    ("fsck error", "the pack holds an object that git refuses"),
)


def _refusal(complaint: str) -> PackRefused:
    """What index-pack said, under a short reason."""
    lines = [line.removeprefix("fatal: ").removeprefix("error: ") for line in complaint.splitlines() if line.strip()]
    for sign, reason in _REASONS:
        if sign in complaint:
            return PackRefused(reason, "\n".join(lines[:5]), incomplete=sign == _MISSING)
    return PackRefused("the pack is damaged", "\n".join(lines[:5]))
