"""A TCP connection that stops in the middle: what a client sends is passed on up to a number of bytes, then held."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType

_CHUNK = 65536


class Valve:
    """`with Valve(port, held_after_bytes) as valve: …`: a way to `port` of this host, by way of `valve.port`.

    `held` is set when a connection has come so far; `open` lets it, and all others, go on.
    """

    def __init__(self, target: int, held_after_bytes: int) -> None:
        self._target = target
        self._held_after_bytes = held_after_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)  # else it takes in what it holds back
        self._opened = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.held = threading.Event()

    def __enter__(self) -> Valve:
        self._begin(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()

    def open(self) -> None:
        self._opened.set()

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=f"valve {self.port}")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets.append(server)
                self._begin(self._pass, client, server, self._held_after_bytes)
                self._begin(self._pass, server, client, None)

    def _pass(self, source: socket.socket, sink: socket.socket, held_after_bytes: int | None) -> None:
        """Until one side ends, which the other then learns."""
        passed = 0
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                passed += len(data)
                if held_after_bytes is not None and passed > held_after_bytes:
                    self.held.set()
                    self._opened.wait()
                with suppress(OSError):  # who sends to one that has ended is heard to the end, not left waiting
                    sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR if held_after_bytes is not None else socket.SHUT_RDWR)
