"""One git command over SSH: the bytes between the channel, which asyncio owns, and the thread that serves git."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import asyncssh

from core.edge import contained
from gitreceiver.client import ClientGone

_CHUNK_BYTES = 128 * 1024
NO_SHELL = (
    "Hi {email}! You are authenticated, but Portside gives no shell. "
    "To deploy: git push; to look around: the portside command."
)


class SocketConnection:
    """The serving thread's end of a socket pair: a `Connection`."""

    stateless = False

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._left = threading.Event()
        self.exit_code = 1

    def recv(self, size: int) -> bytes:
        try:
            return self._end.recv(size)
        except OSError as error:
            raise ClientGone from error

    def write(self, data: bytes) -> None:
        try:
            self._end.sendall(data)
        except OSError as error:
            raise ClientGone from error

    def gone(self) -> bool:
        return self._left.is_set()

    def leave(self) -> None:
        """Told by the channel that its client left."""
        self._left.set()

    def run(self, serve: Callable[[], bool]) -> None:
        """The serving thread's whole work; the channel's output ends with it."""
        try:
            with contained("serving git over SSH"):
                self.exit_code = 0 if serve() else 1
        finally:
            with suppress(OSError):
                self._end.shutdown(socket.SHUT_RDWR)  # wakes a thread that still reads; the pump closes its end then
            self._end.close()


async def pump(process: asyncssh.SSHServerProcess[bytes], ours: socket.socket, connection: SocketConnection) -> None:
    """Carry bytes both ways until the serving thread has said its last, or the client has left."""
    ours.setblocking(False)
    incoming = asyncio.create_task(_carry_in(process, ours))
    leaving = asyncio.create_task(_tell_leaving(process, connection))
    try:
        with suppress(OSError, asyncssh.Error):
            await _carry_out(process, ours)
    finally:
        incoming.cancel()
        leaving.cancel()
        await asyncio.gather(incoming, leaving, return_exceptions=True)
        ours.close()


async def _carry_in(process: asyncssh.SSHServerProcess[bytes], ours: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    try:
        while data := await process.stdin.read(_CHUNK_BYTES):
            await loop.sock_sendall(ours, data)
    except (OSError, asyncssh.Error):
        pass  # the serving thread reads an end
    finally:
        with suppress(OSError):
            ours.shutdown(socket.SHUT_WR)


async def _carry_out(process: asyncssh.SSHServerProcess[bytes], ours: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(ours, _CHUNK_BYTES):
        process.stdout.write(data)
        await process.stdout.drain()


async def _tell_leaving(process: asyncssh.SSHServerProcess[bytes], connection: SocketConnection) -> None:
    await process.channel.wait_closed()
    connection.leave()
