"""A client of attached runs, and the server that it connects to, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.runs import Runs

WAIT_S = 30


@contextmanager
def rendezvous(runs: Runs, certificate: Path) -> Iterator[int]:
    """Serve attached runs while the block runs; gives the port."""
    ports: list[int] = []
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    stop = asyncio.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with runs.serving(certificate) as port:
            ports.append(port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(WAIT_S)
    try:
        yield ports[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(WAIT_S)


@dataclass
class Client:
    """One connection; `framed` speaks as `portside run` does, otherwise as Heroku's client."""

    port: int
    framed: bool = True
    shown: bytes = b""
    errors: bytes = b""
    exit_code: int | None = None
    _waiting: bytes = b""
    _connection: ssl.SSLSocket = field(init=False)

    def meet(self, ticket: str) -> bytes:
        """Connect and send the ticket; what is answered first: the greeting, or nothing."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        self._connection = tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), WAIT_S))
        self._connection.sendall(f"{ticket}?framed\r\n".encode() if self.framed else ticket.encode())
        return self._connection.recv(64)

    def send(self, data: bytes, kind: int = 0) -> None:
        self._connection.sendall(struct.pack(">BI", kind, len(data)) + data if self.framed else data)

    def until(self, wanted: bytes) -> None:
        """Read until `wanted` was shown."""
        while wanted not in self.shown:
            assert self._read(), (self.shown, self.errors)

    def to_the_end(self) -> int | None:
        while self._read():
            pass
        self._connection.close()
        return self.exit_code

    def vanish(self) -> None:
        self._connection.close()

    def _read(self) -> bool:
        data = self._connection.recv(65536)
        if not self.framed:
            self.shown += data
            return bool(data)
        self._waiting += data
        while len(self._waiting) >= 5:
            kind, size = struct.unpack_from(">BI", self._waiting)
            if len(self._waiting) < 5 + size:
                break
            piece, self._waiting = self._waiting[5 : 5 + size], self._waiting[5 + size :]
            match kind:
                case 1:
                    self.shown += piece
                case 2:
                    self.errors += piece
                case 5:
                    [self.exit_code] = struct.unpack(">i", piece)
        return bool(data)
