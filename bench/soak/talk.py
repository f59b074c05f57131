"""A WebSocket that stays open and says something twice a second: every word is to come back."""

from __future__ import annotations

import base64
import os
import socket
import threading
from collections import Counter
from types import TracebackType
from typing import IO

from bench.load import TOO_SLOW_S, Target

EVERY_S = 0.5
_TEXT = 0x81  # a whole message of text in one frame (RFC 6455, section 5.2)
_MASKED = 0x80


class Talk:
    """`with Talk(target) as talk: …`; a connection that breaks is a failure, and there is a new one."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.said = 0
        self.opened = 0
        self.failures: Counter[str] = Counter()

    def __enter__(self) -> Talk:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._talk()
            except OSError as error:
                self.failures[f"WebSocket: {type(error).__name__}: {error}"] += 1
                self._stop.wait(EVERY_S)

    def _talk(self) -> None:
        address = "127.0.0.1", self._target.port
        with socket.create_connection(address, timeout=TOO_SLOW_S) as connection, connection.makefile("rb") as answers:
            connection.sendall(handshake(self._target))
            status = answers.readline()
            if b" 101 " not in status:
                raise ConnectionError(f"no upgrade: {status!r}")
            while answers.readline().strip():
                pass
            self.opened += 1
            while not self._stop.wait(EVERY_S):
                word = b"word %d" % self.said
                connection.sendall(frame(word, os.urandom(4)))
                if heard(answers) != word:
                    raise ConnectionError("the connection ended, or something else came back")
                self.said += 1


def handshake(target: Target) -> bytes:
    """The request that asks for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
    return "\r\n".join(["GET /talk HTTP/1.1", f"Host: {target.host}", *head, "", ""]).encode()


def frame(text: bytes, mask: bytes) -> bytes:
    """A short text as a client sends it: masked."""
    return bytes([_TEXT, _MASKED | len(text)]) + mask + bytes(each ^ mask[at % 4] for at, each in enumerate(text))


def heard(answers: IO[bytes]) -> bytes:
    """The text of the next frame of a server; empty at the end of the connection."""
    head = answers.read(2)
    return answers.read(head[1]) if len(head) == 2 and head[0] == _TEXT else b""
