"""The newest lines of each app, in two files of bounded size: the one that is written, and the one before.

There is one of requests, and one of notices, which many requests do not push out. One process appends; any number read.
A line is its moment (ISO 8601), a space, and its text.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core import clock
from core.ids import AppId

NOTICES_BYTES = 16_000


@dataclass(frozen=True)
class RequestLine:
    """One request of an app, or one notice, as its log shows it."""

    at: datetime
    text: str


class RequestLog:
    """`most_bytes` of each file; 0: nothing is kept."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def append(self, app_id: str, lines: Iterable[RequestLine]) -> None:
        """Keep the lines; what is too old for the room goes."""
        if self._most_bytes <= 0:
            return
        text = "".join(f"{line.at.isoformat(timespec='microseconds')} {line.text}\n" for line in lines).encode()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._path(app_id)
        with self._lock:
            with open(path, "ab") as file:
                file.write(text)
                is_full = file.tell() >= self._most_bytes
            if is_full:
                os.replace(path, self._former(app_id))

    def note(self, app_id: AppId, text: str) -> None:
        """Keep one line of now."""
        self.append(app_id, [RequestLine(clock.now(), text)])

    def tail(self, app_id: AppId, lines: int) -> list[RequestLine]:
        """The last `lines` lines, oldest first."""
        found: deque[RequestLine] = deque(maxlen=lines)
        for path in (self._former(app_id), self._path(app_id)):
            with suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as file:
                found.extend(_read(file))
        return list(found)

    def follow(self, app_id: AppId) -> RequestFollower:
        """What comes from now on."""
        return RequestFollower(self._path(app_id))

    def forget(self, app_id: AppId) -> None:
        """Remove the app's lines. Doing it twice is fine."""
        for path in (self._former(app_id), self._path(app_id)):
            path.unlink(missing_ok=True)

    def _path(self, app_id: str) -> Path:
        return self._folder / f"{app_id}.log"

    def _former(self, app_id: str) -> Path:
        return self._folder / f"{app_id}.former.log"


class RequestFollower:
    """Reads on from where the file ended when it was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._position = 0, 0
        with suppress(FileNotFoundError):
            found = path.stat()
            self._inode, self._position = found.st_ino, found.st_size

    def fresh(self) -> list[RequestLine]:
        """What was written since the last call. Lines of a file that was put aside meanwhile may be missed."""
        try:
            with open(self._path, "rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode:
                    self._inode, self._position = found.st_ino, 0
                file.seek(self._position)
                whole = file.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return []
        if not whole:
            return []
        self._position += len(whole) + 1
        return list(_read(whole.decode(errors="replace").split("\n")))


def _read(lines: Iterable[str]) -> Iterator[RequestLine]:
    for line in lines:
        moment, _, text = line.rstrip("\n").partition(" ")
        with suppress(ValueError):
            yield RequestLine(datetime.fromisoformat(moment), text)
