"""One HTTP request and its answer as a two-way connection: the body read as it comes, the answer sent as it is made."""

from __future__ import annotations

import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from werkzeug.wsgi import get_input_stream

from core.edge import contained
from gitreceiver.client import ClientGone

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_AHEAD = 32  # chunks made before the client takes them; the rest waits
_POLL_S = 1.0
_END = None


class HttpExchange:
    """A `Connection` for the thread that serves git, and the answer's iterable for the WSGI server.

    The server closes the iterable when the client has left; the serving thread learns it from its next write.
    """

    stateless = True

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._body = get_input_stream(environ)
        self._inflate = zlib.decompressobj(wbits=31) if environ.get("HTTP_CONTENT_ENCODING") == "gzip" else None
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._closed = threading.Event()

    def recv(self, size: int) -> bytes:
        if self._inflate is None:
            return self._read(size)
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._read(size)
            if not packed:
                break
            try:
                data = self._inflate.decompress(packed, size)
            except zlib.error as error:
                raise ClientGone("the body is not gzip") from error
            if data:
                return data
        return b""

    def _read(self, size: int) -> bytes:
        try:
            return self._body.read(size)
        except Exception as error:  # each WSGI server has its own way to say that the client left
            raise ClientGone from error

    def write(self, data: bytes) -> None:
        self._put(data)

    def gone(self) -> bool:
        return self._closed.is_set()

    def run(self, serve: Callable[[], object]) -> None:
        """The serving thread's whole work; the answer ends with it."""
        try:
            with contained("serving git over HTTP"):
                serve()
        finally:
            with suppress(ClientGone):
                self._put(_END)

    def _put(self, chunk: bytes | None) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._chunks.put(chunk, timeout=_POLL_S)
                return
        raise ClientGone

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._chunks.get()
        if chunk is _END:
            raise StopIteration
        return chunk

    def close(self) -> None:
        self._closed.set()
