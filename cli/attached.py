"""The client's side of an attached run: this terminal (or pipe) at one end, the command on the server at the other.

Protocol: TLS to the address that the API gave; the ticket; a line `rendezvous`; then pieces both ways, each with its
kind (one byte) and its length (four, the highest first) in front. One loop moves all bytes and blocks on neither side,
so that a command which answers while it still reads can't bring both ends to wait for each other.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import selectors
import shutil
import signal
import socket
import ssl
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cli.errors import CliError, ConnectionCut, Unreachable

INPUT, OUTPUT, ERRORS, SIZE, SIGNAL, EXIT = range(6)
_FRAME = struct.Struct(">BI")
_CONNECT_S = 15.0
_START_S = 150.0
_PIECE_BYTES = 16 * 1024
_MOST_WAITING_BYTES = 256 * 1024
_GREETING = b"rendezvous\r\n"
_PATIENCE = 2  # the third Ctrl-C without a terminal gives up


def attend(url: str, fingerprint: str, terminal: bool) -> int:
    """Carry a run's bytes until its end; its exit code. Raises Unreachable, ConnectionCut."""
    with _connected(url, fingerprint) as connection, _terminal(terminal), _signals(terminal) as signals:
        connection.setblocking(False)
        return _Conversation(connection, signals).hold()


def _connected(url: str, fingerprint: str) -> ssl.SSLSocket:
    """The connection, past the greeting, with a server that has the certificate that the API named."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # it is pinned below, which is stricter
    try:
        connection = tls.wrap_socket(socket.create_connection((host, port), _CONNECT_S))
        shown = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(shown, fingerprint):
            raise Unreachable(
                f"What answers at {host}:{port} is not the server that the API named.",
                "Is there a proxy in between? A run needs a direct connection.",
            )
        connection.sendall(f"{parts.path.lstrip('/')}?framed\r\n".encode())
        _await_greeting(connection)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise Unreachable(
            f"Can't reach {host}:{port} for the run: {reason}.",
            "Open the port of PORTSIDE_SCHEDULER_RUN_PORT in the server's firewall, or use `portside run:detached`.",
        ) from None
    return connection


def _await_greeting(connection: ssl.SSLSocket) -> None:
    connection.settimeout(_START_S)
    found = b""
    while len(found) < len(_GREETING):
        more = connection.recv(len(_GREETING) - len(found))
        if not more:
            raise ConnectionCut("The server does not know this run any more.", "Try again.")
        found += more


@contextmanager
def _terminal(wanted: bool) -> Iterator[None]:
    """Every key goes to the command, Ctrl-C too; afterwards the terminal is as it was."""
    if not wanted:
        yield
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setraw(number, termios.TCSADRAIN)  # what was typed ahead is kept
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextmanager
def _signals(terminal: bool) -> Iterator[socket.socket]:
    """A socket on which the number of each signal that is ours to pass on arrives."""
    numbers = [signal.SIGWINCH] if terminal else [signal.SIGINT, signal.SIGTERM]
    arriving, waking = socket.socketpair()
    arriving.setblocking(False)
    waking.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    old = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    try:
        yield arriving
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        arriving.close()
        waking.close()


@dataclass
class _Conversation:
    """The loop."""

    connection: ssl.SSLSocket
    signals: socket.socket
    leaving: bytearray = field(default_factory=bytearray)
    arrived: bytearray = field(default_factory=bytearray)
    input_open: bool = True
    interrupts: int = 0
    exit_code: int | None = None

    def hold(self) -> int:
        """Until the exit code comes."""
        self._receive()
        while self.exit_code is None:
            ready = self._ready()
            if "signals" in ready:
                self._pass_signals_on()
            if "input" in ready:
                self._read_input()
            if self.leaving:
                self._send()
            self._receive()
        return self.exit_code

    def _ready(self) -> set[str]:
        """What can be read; returns too when something that waits can be sent."""
        with selectors.DefaultSelector() as selector:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.leaving else 0)
            selector.register(self.connection, events, "connection")
            selector.register(self.signals, selectors.EVENT_READ, "signals")
            if self.input_open and len(self.leaving) < _MOST_WAITING_BYTES:
                try:
                    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "input")
                except PermissionError:  # a plain file is always ready, which epoll does not say
                    return {"input", *(key.data for key, _ in selector.select(0))}
            return {key.data for key, _ in selector.select()}

    def _read_input(self) -> None:
        data = os.read(sys.stdin.fileno(), _PIECE_BYTES)
        self.input_open = bool(data)
        self._queue(INPUT, data)

    def _pass_signals_on(self) -> None:
        for number in self.signals.recv(64):
            if number == signal.SIGWINCH:
                columns, lines = shutil.get_terminal_size()
                self._queue(SIZE, struct.pack(">HH", columns, lines))
            elif number in (signal.SIGINT, signal.SIGTERM):
                self.interrupts += 1
                if self.interrupts > _PATIENCE:
                    raise KeyboardInterrupt
                self._queue(SIGNAL, signal.Signals(number).name.removeprefix("SIG").encode())

    def _queue(self, kind: int, data: bytes) -> None:
        self.leaving += _FRAME.pack(kind, len(data)) + data

    def _send(self) -> None:
        with _unless_it_would_block():
            while self.leaving:
                sent = self.connection.send(self.leaving[:_PIECE_BYTES])
                del self.leaving[:sent]

    def _receive(self) -> None:
        """All that there is now, shown as it comes: how much is decided by the sender."""
        data = b"more"
        while data and self.exit_code is None:
            data = self._received()
            self.arrived += data
            self._take()

    def _received(self) -> bytes:
        with _unless_it_would_block():
            data = self.connection.recv(_PIECE_BYTES)
            if not data:
                raise ConnectionResetError
            return data
        return b""

    def _take(self) -> None:
        """Show every whole piece that has arrived."""
        while len(self.arrived) >= _FRAME.size:
            kind, size_bytes = _FRAME.unpack_from(self.arrived)
            end = _FRAME.size + size_bytes
            if len(self.arrived) < end:
                return
            piece = bytes(self.arrived[_FRAME.size : end])
            del self.arrived[:end]
            if kind == EXIT:
                [self.exit_code] = struct.unpack(">i", piece)
            elif kind in (OUTPUT, ERRORS):
                _write(sys.stdout.fileno() if kind == OUTPUT else sys.stderr.fileno(), piece)


@contextmanager
def _unless_it_would_block() -> Iterator[None]:
    try:
        yield
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    except OSError:
        raise ConnectionCut("The connection to the run was cut.", "See what goes on: portside run:list") from None


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]


def terminal_size() -> tuple[int, int] | None:
    """(columns, lines) when both ends of this command are a terminal; None: pipes."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    if os.name != "posix":
        raise CliError("This system's terminal can't be attached to a run.", "Use `portside run:detached`.")
    columns, lines = shutil.get_terminal_size()
    return columns, lines
