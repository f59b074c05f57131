"""What goes over the connection of an attached run, in either of two forms. Pure: bytes to events and back.

`Plain` is Heroku's rendezvous: bytes both ways and nothing else; without a terminal, 0x04 ends the input. `Framed` is
for `portside run`: in front of each piece are its kind (one byte) and its length (four, the highest first), so that
the input may hold any byte, and output and errors, the terminal's size, signals and the exit code are told apart.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from scheduler.runtime import Terminal

INPUT, OUTPUT, ERRORS, SIZE, SIGNAL, EXIT = range(6)
_FRAME = struct.Struct(">BI")
_SIZE = struct.Struct(">HH")
_EXIT = struct.Struct(">i")
_MOST_BYTES = 1024 * 1024
_END_OF_INPUT = b"\x04"  # EOT, as Heroku's client sends it after what was piped into it
SIGNALS = ("INT", "TERM", "QUIT", "HUP")


class Malformed(ValueError):
    """The client sent what is not in the protocol."""


@dataclass(frozen=True)
class Input:
    """For the command's input; empty: there is no more."""

    data: bytes


@dataclass(frozen=True)
class Resize:
    terminal: Terminal


@dataclass(frozen=True)
class Signal:
    """A signal for the command, such as SIGINT."""

    name: str


Event = Input | Resize | Signal


class Codec(Protocol):
    """One form of the conversation, for one connection."""

    def events(self, data: bytes) -> Iterator[Event]:
        """What the client says with these bytes, after those before. Raises Malformed."""

    def output(self, stream: int, data: bytes) -> bytes:
        """Output (`stream` 1) or errors (2), as sent."""

    def ended(self, exit_code: int) -> bytes:
        """The end, as sent."""


class Plain:
    """Heroku's form."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def events(self, data: bytes) -> Iterator[Event]:
        if self._terminal:
            yield Input(data)
            return
        before, end, _ = data.partition(_END_OF_INPUT)
        if before:
            yield Input(before)
        if end:
            yield Input(b"")

    def output(self, stream: int, data: bytes) -> bytes:
        return data

    def ended(self, exit_code: int) -> bytes:
        return b""


class Framed:
    """The form of `portside run`."""

    def __init__(self) -> None:
        self._waiting = b""

    def events(self, data: bytes) -> Iterator[Event]:
        self._waiting += data
        while len(self._waiting) >= _FRAME.size:
            kind, size_bytes = _FRAME.unpack_from(self._waiting)
            if size_bytes > _MOST_BYTES:
                raise Malformed(f"a piece of {size_bytes} bytes")
            end = _FRAME.size + size_bytes
            if len(self._waiting) < end:
                return
            piece, self._waiting = self._waiting[_FRAME.size : end], self._waiting[end:]
            yield _event(kind, piece)

    def output(self, stream: int, data: bytes) -> bytes:
        return frame(ERRORS if stream == ERRORS else OUTPUT, data)

    def ended(self, exit_code: int) -> bytes:
        return frame(EXIT, _EXIT.pack(exit_code))


def frame(kind: int, data: bytes) -> bytes:
    """One piece in the framed form."""
    return _FRAME.pack(kind, len(data)) + data


def _event(kind: int, piece: bytes) -> Event:
    if kind == INPUT:
        return Input(piece)
    if kind == SIZE and len(piece) == _SIZE.size:
        return Resize(Terminal(*_SIZE.unpack(piece)))
    if kind == SIGNAL and (name := piece.decode("ascii", "replace")) in SIGNALS:
        return Signal(f"SIG{name}")
    raise Malformed(f"a piece of kind {kind}")
