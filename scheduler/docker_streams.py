"""What the Docker engine streams (output, events), and which sockets listen inside a container."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

from core.errors import Unavailable
from core.ids import AppId
from scheduler.runtime import OutputLine

LABEL = "portside"  # what the names of our labels begin with
_LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h, as /proc/net/tcp prints it
_LONGEST = 64 * 1024


class DockerOutput:
    """Frames of the engine's log stream as lines.

    Each frame is one log entry with its time in front; a line over 16 KB comes as several entries, of which only the
    last ends in a line break.
    """

    def __init__(self, frames: Any, after: OutputLine | None) -> None:
        self._frames = frames
        self._after = after

    def __iter__(self) -> Iterator[OutputLine]:
        if self._frames is None:
            return
        for line in self._lines(self._frames):
            if self._after is None or line.stamp > self._after.stamp:
                yield line

    def _lines(self, frames: Any) -> Iterator[OutputLine]:
        pending, stamp = "", ""
        try:
            for frame in frames:
                stamp, _, text = frame.decode(errors="replace").partition(" ")
                pending += text
                if text.endswith("\n") or len(pending) >= _LONGEST:
                    yield OutputLine(parse_stamp(stamp), stamp, pending.rstrip("\r\n"))
                    pending = ""
        except (DockerException, RequestException, OSError, ValueError):
            pass  # closed from another thread, or the engine went away: what came so far is what there is
        if pending:
            yield OutputLine(parse_stamp(stamp), stamp, pending)

    def close(self) -> None:
        if self._frames is not None:
            self._frames.close()


class DockerEndings:
    """Containers' ends, from the engine's event stream."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self.close: Callable[[], None] = events.close

    def __iter__(self) -> Iterator[AppId]:
        try:
            for event in self._events:
                yield AppId(event["Actor"]["Attributes"].get(f"{LABEL}.app", ""))
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise Unavailable("The Docker engine's event stream ended.") from error


def parse_stamp(stamp: str) -> datetime:
    """The engine's RFC 3339 time with nanoseconds, to the microsecond that datetime holds."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")


def listening_sockets(pid: int) -> frozenset[tuple[str, int]]:
    """(address, port) of every listening TCP socket in the network namespace of `pid`; empty if it can't be read.

    The format is described in proc_pid_net(5).
    """
    found: set[tuple[str, int]] = set()
    for name in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            local, state = row.split()[1], row.split()[3]
            if state == _LISTEN:
                address, _, port = local.partition(":")
                found.add((_address(address), int(port, 16)))
    return frozenset(found)


def _address(words: str) -> str:
    """The kernel prints an address as 32-bit words in the machine's own (little-endian) byte order."""
    raw = bytes.fromhex(words)
    packed = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return str(ipaddress.ip_address(packed))
