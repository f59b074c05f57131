"""The input and output of a container of the Docker engine, as bytes.

Attaching turns the HTTP connection into a plain one, both ways; without a terminal each piece of output has eight
bytes in front that say of which stream it is and how long
(https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach).
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Any

_HEADER = struct.Struct(">BxxxI")
_PIECE_BYTES = 32 * 1024
_STDOUT = 1


class DockerAttachment:
    """One attached container."""

    def __init__(self, container_id: str, connection: socket.socket, answer: object, terminal: bool) -> None:
        """`answer` is what the connection belongs to: it would be closed with it."""
        self.container_id = container_id
        self._connection = connection
        self._answer = answer
        self._terminal = terminal
        self._stream, self._left_bytes = _STDOUT, 0

    def read(self) -> tuple[int, bytes] | None:
        try:
            data = self._connection.recv(_PIECE_BYTES) if self._terminal else self._next_piece()
        except OSError:
            return None
        return (self._stream, data) if data else None

    def write(self, data: bytes) -> None:
        with suppress(OSError):
            self._connection.sendall(data)

    def end_input(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _next_piece(self) -> bytes:
        while not self._left_bytes:
            header = self._exactly(_HEADER.size)
            if not header:
                return b""
            self._stream, self._left_bytes = _HEADER.unpack(header)
        data = self._connection.recv(min(self._left_bytes, _PIECE_BYTES))
        self._left_bytes -= len(data)
        return data

    def _exactly(self, size_bytes: int) -> bytes:
        found = b""
        while len(found) < size_bytes:
            more = self._connection.recv(size_bytes - len(found))
            if not more:
                return b""
            found += more
        return found


def attach(api: Any, container_id: str, terminal: bool) -> DockerAttachment:
    """Attach to a container, best before it is started; `api` is the SDK's low-level client, whose errors pass."""
    wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    answer = api.attach_socket(container_id, wanted)
    connection: socket.socket = getattr(answer, "_sock", answer)
    connection.settimeout(None)  # the SDK's, for answers, would end a silent run
    return DockerAttachment(container_id, connection, answer, terminal)
